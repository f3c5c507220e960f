package finding

import (
	"context"
	"strings"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
)

// Exported is a finding as it leaves Muster.
type Exported struct {
	Finding
	Identity string // the key by which this workspace knows it again
	Note     string // what a person wrote when they decided
}

// exportPage is how many findings an export holds in memory at once.
const exportPage = 500

// Export goes through everything that a list shows, the most urgent first, a page at a time: however long the list is,
// no more than one page is in memory. A list of every weakness leaves the house, so the log keeps who took which. What
// changes its priority while the file is written may stand in it twice, with the same number.
func (s *Service) Export(ctx context.Context, actor access.Actor, f Filter, format, about string, each func([]Exported) error) error {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return err
	}
	if len(f.States) == 0 && !f.Everything {
		f.States = todo()
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		return s.log.Record(ctx, actor, activity.Change{Action: "finding.export", Kind: "workspace", ID: database.Workspace(ctx), Name: "Findings as " + format, After: map[string]any{"format": format, "list": about}})
	})
	if err != nil {
		return err
	}
	if f.hits, err = s.hits(ctx, f.Text); err != nil {
		return err
	}
	f.Sort, f.After = "", ""
	for {
		rows, err := s.exportPage(ctx, &f)
		if err != nil || len(rows) == 0 {
			return err
		}
		out, err := s.exported(ctx, rows)
		if err != nil {
			return err
		}
		if err := each(out); err != nil {
			return err
		}
		f.After = rows[len(rows)-1].place()
	}
}

// exported adds to findings what their own rows do not hold.
func (s *Service) exported(ctx context.Context, rows []Finding) ([]Exported, error) {
	var ids, decided []int64
	for i := range rows {
		ids = append(ids, rows[i].ID)
		if rows[i].State == Duplicate {
			ids = append(ids, rows[i].DuplicateOf) // which took its keys over
		}
		if rows[i].State.Decided() {
			decided = append(decided, rows[i].ID)
		}
	}
	keys, err := s.keysOfFinding(ctx, ids)
	if err != nil {
		return nil, err
	}
	best := map[int64]string{}
	for _, k := range keys {
		if old, known := best[k.FindingID]; !known || k.Key < old {
			best[k.FindingID] = k.Key
		}
	}
	notes, err := s.decisions(ctx, decided)
	if err != nil {
		return nil, err
	}
	out := make([]Exported, 0, len(rows))
	for i := range rows {
		x := Exported{Finding: rows[i], Identity: best[rows[i].ID], Note: notes[rows[i].ID]}
		if x.State == Duplicate && x.Identity == "" {
			x.Identity = best[x.DuplicateOf]
		}
		out = append(out, x)
	}
	return out, nil
}

// recognise finds the rows that an export of this very workspace wrote. They tell it nothing that it does not know, so
// they are set aside, with the findings that they name. A row can only name a finding of its own service.
func (s *Service) recognise(ctx context.Context, claims []claim) (rows []int32, own map[int64]bool, err error) {
	if len(claims) == 0 {
		return nil, nil, nil
	}
	var keys []string
	for i := range claims {
		keys = append(keys, claims[i].identity)
	}
	known := map[string]int64{}
	if err := s.byKeys(ctx, keys, known); err != nil {
		return nil, nil, err
	}
	var ids []int64
	for _, id := range known {
		ids = append(ids, id)
	}
	owners, err := s.ownersOf(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	own = map[int64]bool{}
	for i := range claims {
		c := &claims[i]
		id, met := known[c.identity]
		if f := owners[id]; met && f.ServiceID == c.service && (f.ServiceID != 0 || strings.EqualFold(f.Label, c.label)) {
			own[id] = true
			rows = append(rows, c.row)
		}
	}
	return rows, own, nil
}
