package posture

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/control"
)

// Rebuild judges everything from scratch and lists where the stored states and scores say something else. It stores
// nothing. An empty list is what every change has to leave behind.
func (s *Service) Rebuild(ctx context.Context) ([]string, error) {
	w, err := s.load(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := w.judge()
	if err != nil {
		return nil, err
	}
	stored, err := s.controls.States(ctx, nil)
	if err != nil {
		return nil, err
	}
	type key struct {
		place
		control string
	}
	have := map[key]control.State{}
	for _, row := range stored {
		have[key{place{row.ServiceID, row.EnvironmentID}, row.Control}] = row
	}
	var wrong []string
	for i := range all {
		j := &all[i]
		for id, v := range j.verdicts {
			want, err := stateRow(j, id, &v)
			if err != nil {
				return nil, err
			}
			k := key{j.place, id}
			row, known := have[k]
			delete(have, k)
			if known != !worthless(&want) || (known && !same(&row, &want)) {
				wrong = append(wrong, fmt.Sprintf("service %d, environment %d, %s: stored %s (%v, %d of %d), is %s (%v, %d of %d)", j.service, j.environment, id, row.State, row.Value, row.Known, row.Total, want.State, want.Value, want.Known, want.Total))
			}
		}
	}
	for k := range have {
		wrong = append(wrong, fmt.Sprintf("service %d, environment %d, %s: stored, and judged nowhere", k.service, k.environment, k.control))
	}
	more, err := s.wrongScores(ctx, w, all)
	wrong = append(wrong, more...)
	slices.Sort(wrong)
	return wrong, err
}

func (s *Service) wrongScores(ctx context.Context, w *world, all []judged) ([]string, error) {
	st, err := s.standing(ctx)
	if err != nil {
		return nil, err
	}
	var wrong []string
	details, governance := map[int64]Detail{}, ""
	for i := range all {
		j := &all[i]
		switch {
		case j.service == 0:
			governance = packCells(j.cells())
		case j.environment == w.production && j.facts.Live:
			d := detailOf(j, w.rules, nil, w.now)
			details[j.service] = d
			if row, known := st.rows[j.service]; !known || row.Score != d.Result.Score || row.Cells != packCells(j.cells()) {
				wrong = append(wrong, fmt.Sprintf("service %d: stored score %v, is %v", j.service, row.Score, d.Result.Score))
			}
			if old := st.details[j.service]; old.In30 != d.In30 || old.In90 != d.In90 {
				wrong = append(wrong, fmt.Sprintf("service %d: stored forecast %v and %v, is %v and %v", j.service, old.In30, old.In90, d.In30, d.In90))
			}
		}
	}
	whole := wholeOf(details, w.rules, governance)
	if row, known := st.rows[0]; known && row.Score != whole.Result.Score {
		wrong = append(wrong, fmt.Sprintf("the workspace: stored score %v, is %v", row.Score, whole.Result.Score))
	}
	for id := range st.rows {
		if _, live := details[id]; !live && id != 0 {
			wrong = append(wrong, fmt.Sprintf("service %d has a score and is not judged", id))
		}
	}
	return wrong, nil
}
