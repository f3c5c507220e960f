package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/probe"
	"muster/internal/topology"
)

// Limits of a report that comes from elsewhere.
const (
	MaxReport  = 32 << 20
	maxTargets = 5000
	maxChecks  = 2000    // of one target
	maxTarget  = 1 << 20 // bytes of one target: it is kept with each endpoint that it is
)

// IsReport reports whether a file looks like what `muster probe --json` prints.
func IsReport(data []byte) bool {
	var head struct {
		SeenFrom *string            `json:"seen_from"`
		Targets  *[]json.RawMessage `json:"targets"`
	}
	return len(data) <= MaxReport && json.Unmarshal(data, &head) == nil && head.Targets != nil && head.SeenFrom != nil
}

var fromWords = regexp.MustCompile(`^[\pL\pN][\pL\pN ._:/-]{0,62}$`)

// ReadReport reads what `muster probe --json` printed elsewhere. Its errors are sentences that name the place.
func ReadReport(path string, data []byte) (*probe.Report, error) {
	refuse := func(format string, args ...any) (*probe.Report, error) {
		return nil, fault.New(fault.Invalid, "%s: %s", path, fmt.Sprintf(format, args...))
	}
	if len(data) > MaxReport {
		return nil, fault.New(fault.TooLarge, "%s is larger than %d MB.", path, MaxReport>>20)
	}
	r := &probe.Report{}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(r); err != nil {
		return refuse("it is not a report of muster probe (%s).", placeOf(err, d.InputOffset()))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse("something follows after the report, at byte %d.", d.InputOffset())
	}
	switch {
	case r.Targets == nil:
		return refuse("it has no list of targets, so it is not a report of muster probe.")
	case len(r.Targets) > maxTargets:
		return refuse("it has %d targets; at most %d are read at once.", len(r.Targets), maxTargets)
	case !fromWords.MatchString(r.SeenFrom):
		return refuse("seen_from must say in a few words where the probe ran; give it with --seen-from.")
	case r.SeenFrom == here:
		return refuse("seen_from %q is the name of this server itself; give another one with --seen-from.", here)
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		packed, err := json.Marshal(t)
		switch {
		case err != nil || len(packed) > maxTarget:
			return refuse("target %d holds more than %d kB.", i+1, maxTarget>>10)
		case t.Target == "":
			return refuse("target %d has no address.", i+1)
		case t.StartedAt.IsZero():
			return refuse("target %d (%s) does not say when it was visited.", i+1, t.Target)
		case len(t.Checks) > maxChecks:
			return refuse("target %d (%s) has %d checks; at most %d are read.", i+1, t.Target, len(t.Checks), maxChecks)
		}
	}
	return r, nil
}

func placeOf(err error, offset int64) string {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return fmt.Sprintf("byte %d, field %s: a %s does not fit", wrong.Offset, wrong.Field, wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Sprintf("byte %d: %s", syntax.Offset, syntax.Error())
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("byte %d: it ends early", offset)
	}
	return fmt.Sprintf("before byte %d: %v", offset, err)
}

// Told is what a report from elsewhere came to.
type Told struct {
	SeenFrom  string
	Services  int
	Outcome   Outcome
	Unmatched []string // targets that no service has as an endpoint
	Arcs      map[topology.Finding]int
	Contrary  []string // what the files say otherwise, a sentence each
	DryRun    bool
}

// Hearing says how a report from elsewhere is taken.
type Hearing struct {
	Environment int64
	DryRun      bool
}

var errDry = errors.New("nothing is stored")

// Hear takes a report that a probe made elsewhere, inside a network that this server cannot reach, as evidence. Each
// target is matched with the endpoints of the inventory; what matches none is named and not kept.
func (s *Service) Hear(ctx context.Context, actor access.Actor, r *probe.Report, h Hearing) (Told, error) {
	told := Told{SeenFrom: r.SeenFrom, DryRun: h.DryRun}
	if err := s.access.Require(actor, access.Write, access.Imports); err != nil {
		return told, err
	}
	if _, limited := inventory.VisibleIDs(ctx); limited {
		return told, fault.New(fault.Forbidden, "A report may speak about every service, and you see only some of them.")
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		told = Told{SeenFrom: r.SeenFrom, DryRun: h.DryRun}
		byService, err := s.match(ctx, r, h.Environment, &told)
		if err != nil {
			return err
		}
		if len(r.Arcs) > 0 {
			if err := s.hearArcs(ctx, actor, r, h.Environment, &told); err != nil {
				return err
			}
		}
		if err := s.hearAll(ctx, actor, byService, len(r.Arcs) > 0, &told); err != nil {
			return err
		}
		if h.DryRun {
			return errDry
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "scan.hear", Kind: "scan", Name: r.SeenFrom,
			After: map[string]any{"targets": len(r.Targets), "services": told.Services, "evidence": told.Outcome.Evidence, "unmatched": len(told.Unmatched)}})
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return told, err
}

// match finds the services whose endpoints the targets are.
func (s *Service) match(ctx context.Context, r *probe.Report, environment int64, told *Told) (map[int64][]Seen, error) {
	standings, err := s.book.Standings(ctx, nil)
	if err != nil {
		return nil, err
	}
	byName := map[string][]Place{}
	for _, byEnvironment := range standings {
		if st := byEnvironment[environment]; st != nil && st.Service.RetiredAt == nil {
			for _, p := range placesOf(&st.Service, st.Endpoints) {
				byName[siteOf(p.Address)] = append(byName[siteOf(p.Address)], p)
			}
		}
	}
	found := map[int64][]Seen{}
	for i := range r.Targets {
		t := r.Targets[i]
		t.StartedAt = t.StartedAt.UTC().Truncate(time.Microsecond)
		places := byName[siteOf(t.Target)]
		if len(places) == 0 {
			told.Unmatched = append(told.Unmatched, t.Target)
		}
		for _, p := range places {
			found[p.ServiceID] = append(found[p.ServiceID], Seen{Place: p, From: r.SeenFrom, Visit: t})
		}
	}
	return found, nil
}

// siteOf is the host and port that an address leads to, so that one written as a URL meets one written as host:port.
func siteOf(address string) string {
	host, port := hostPort(address)
	return fmt.Sprintf("%s:%d", host, port)
}

// hearArcs tells the map which arcs were tried. A port on which nothing listened says nothing about the network.
func (s *Service) hearArcs(ctx context.Context, actor access.Actor, r *probe.Report, environment int64, told *Told) error {
	environments, err := s.book.Environments(ctx, actor)
	if err != nil {
		return err
	}
	report := topology.ArcReport{SeenFrom: r.SeenFrom}
	for _, e := range environments {
		if e.ID == environment {
			report.Environment = e.Slug
		}
	}
	for _, a := range r.Arcs {
		if a.Connected || a.Result == probe.Blocked {
			report.Arcs = append(report.Arcs, a)
		}
	}
	told.Arcs = map[topology.Finding]int{}
	if len(report.Arcs) == 0 {
		return nil
	}
	tried, err := s.topology.RecordArcs(ctx, actor, report)
	for _, t := range tried {
		told.Arcs[t.Finding]++
		if t.Finding == topology.Contradicted {
			told.Contrary = append(told.Contrary, t.Words)
		}
	}
	return err
}

func (s *Service) hearAll(ctx context.Context, actor access.Actor, byService map[int64][]Seen, everything bool, told *Told) error {
	rules, err := s.posture.Ruleset(ctx)
	if err != nil {
		return err
	}
	services := make([]int64, 0, len(byService))
	for id := range byService {
		services = append(services, id)
	}
	standings, err := s.book.Standings(ctx, unique(services))
	if err != nil {
		return err
	}
	var rows []evidence.Evidence
	var visits []Visit
	for _, id := range services {
		said := witnessed(rules.Find, standings[id], byService[id])
		for i := range said {
			said[i].ActorID, said[i].ActorName = actor.UserID, actor.Name
		}
		list, sum, err := visitsOf(0, byService[id])
		if err != nil {
			return err
		}
		rows, visits = append(rows, said...), append(visits, list...)
		told.Outcome.Add(sum)
	}
	told.Services, told.Outcome.Evidence = len(services), len(rows)
	if err := s.keep(ctx, visits); err != nil {
		return err
	}
	if err := s.ledger.Record(ctx, rules.Find, rows); err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(e evidence.Evidence) bool { return e.ServiceID == 0 }) {
		services = append(services, 0)
	}
	if everything {
		services = nil // one arc moves the reach of many
	}
	return s.posture.Recompute(ctx, services, posture.Cause{Words: "a probe looked " + seenFrom(told.SeenFrom), Actor: actor.Name})
}

// Sentence says what the report came to.
func (t *Told) Sentence() string {
	if t.Services == 0 && t.Arcs != nil {
		return t.ArcSentence()
	}
	if t.Services == 0 {
		return "None of its addresses belongs to a service, so nothing was kept."
	}
	kept := "were kept"
	if t.DryRun {
		kept = "would be kept"
	}
	return fmt.Sprintf("%s: %s %s of evidence %s.", plural(t.Services, "service", "services"), t.Outcome.Sentence(), plural(t.Outcome.Evidence, "piece", "pieces"), kept)
}

// ArcSentence says what the arcs that were tried came to; "" when there were none.
func (t *Told) ArcSentence() string {
	if t.Arcs == nil {
		return ""
	}
	all := 0
	for _, n := range t.Arcs {
		all += n
	}
	if all == 0 {
		return "No arc that was tried gave an answer that says anything."
	}
	return fmt.Sprintf("%s tried: %d are as the files say, %d became known, %d contradict the files.", plural(all, "arc was", "arcs were"), t.Arcs[topology.Verified]+t.Arcs[topology.Unchanged], t.Arcs[topology.Learned], t.Arcs[topology.Contradicted])
}
