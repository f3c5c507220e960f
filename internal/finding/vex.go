package finding

import (
	"context"
	"fmt"
	"strings"
)

// Statement is what a vendor says of a vulnerability in a package (VEX). It changes findings that match, and opens none.
type Statement struct {
	ServiceID int64  // the service it is said of; 0 is every service
	By        string // who says so
	IDs       []string
	Package   string
	PURL      string
	Status    Status
	Reason    string
}

// maxStatementKeys bounds statements × services in one import.
const maxStatementKeys = 500_000

// statements plans what vendors' words change. reports of the same import come first.
func (s *Service) statements(ctx context.Context, p *planner, list []Statement) error {
	if len(list) == 0 {
		return nil
	}
	services, err := s.countedServices(ctx)
	if err != nil {
		return err
	}
	var keys []string
	of := make([][]string, len(list))
	for i := range list {
		st := &list[i]
		for _, id := range services {
			if st.ServiceID != 0 && st.ServiceID != id {
				continue
			}
			for _, k := range keysOf(&Row{ServiceID: id, Kind: Dependency, IDs: st.IDs, Package: st.Package, PURL: st.PURL}) {
				of[i] = append(of[i], k.key)
			}
		}
		if keys = append(keys, of[i]...); len(keys) > maxStatementKeys {
			return fmt.Errorf("%d statements on %d services are too many for one import", len(list), len(services))
		}
	}
	if err := s.byKeys(ctx, keys, p.past.keys); err != nil {
		return err
	}
	var ids []int64
	for _, k := range keys {
		if id := p.past.keys[k]; id > 0 && p.at(id) == nil {
			ids = append(ids, id)
		}
	}
	if err := s.load(ctx, ids, p.past.findings); err != nil {
		return err
	}
	for i := range list {
		done := map[*entry]bool{}
		for _, k := range of[i] {
			if e := p.at(p.past.keys[k]); e != nil && !done[e] {
				done[e] = true
				p.state(e, &list[i])
			}
		}
		if len(done) > 0 || !list[i].whole() {
			continue
		}
		ids, err := s.vulnerableIDs(ctx, list[i].ServiceID, spelled(list[i].IDs))
		if err != nil {
			return err
		}
		if err := s.load(ctx, unknownTo(p, ids), p.past.findings); err != nil {
			return err
		}
		for _, id := range ids {
			if e := p.at(id); e != nil {
				p.state(e, &list[i])
			}
		}
	}
	return nil
}

// whole reports whether a statement speaks of a whole product that a person named as one service, not of a package.
func (st *Statement) whole() bool {
	kind, _, _ := strings.Cut(strings.TrimPrefix(st.PURL, "pkg:"), "/")
	return st.ServiceID != 0 && (st.PURL == "" || kind == "oci" || kind == "docker" || kind == "generic")
}

func unknownTo(p *planner, ids []int64) []int64 {
	var out []int64
	for _, id := range ids {
		if p.at(id) == nil {
			out = append(out, id)
		}
	}
	return out
}

// state applies one statement to one finding. A person's word and a rule stay above it.
func (p *planner) state(e *entry, st *Statement) {
	before := e.now.State
	words := fmt.Sprintf("%s says that it is %s (VEX).", st.By, strings.ReplaceAll(string(st.Status), "_", " "))
	if !e.now.DecidedLayer.Yields(ByVEX) {
		return
	}
	switch {
	case st.Status == ReportedNot && before.Todo():
		p.move(e, NotAffected, ByVEX, Moved, words, st.Reason)
	case st.Status == ReportedFixed && before.Todo():
		p.move(e, Fixed, ByVEX, Moved, words, st.Reason)
	case st.Status == Reported && (before == NotAffected || before == FalsePositive):
		p.move(e, Open, ByVEX, Moved, words, st.Reason)
	}
	if e.now.State != before {
		p.plan.Counts.Updated++
	}
}
