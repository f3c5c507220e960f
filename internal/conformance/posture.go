package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/house"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/posture"
	"muster/internal/topology"
)

// wantPosture is the figure of what must always hold.
const wantPosture = 100.0

// lab judges systems, each in a workspace of its own.
type lab struct {
	*house.House
	n int
}

var judge = access.SystemActor("conformance")

// bring imports files into a new workspace and gives its board.
func (l *lab) bring(ctx context.Context, files []model.File, explicit map[string]bool) (*posture.Board, context.Context, error) {
	found, err := imports.Inspect(files, imports.Options{Explicit: explicit})
	if err != nil {
		return nil, ctx, err
	}
	l.n++
	w, err := l.Identity.CreateWorkspace(ctx, judge, fmt.Sprintf("System %d", l.n))
	if err != nil {
		return nil, ctx, err
	}
	ctx = database.WithWorkspace(ctx, w.ID)
	env, err := l.Inventory.Production(ctx)
	if err != nil {
		return nil, ctx, err
	}
	id, err := l.Intake.Propose(ctx, judge, intake.Proposal{EnvironmentID: env, SourceName: "files", Inspection: found})
	if err != nil {
		return nil, ctx, err
	}
	if _, err := l.Intake.Confirm(ctx, judge, id, intake.Choices{}); err != nil {
		return nil, ctx, err
	}
	b, err := l.Posture.Board(ctx, judge)
	return b, ctx, err
}

// scorePosture judges every public system: what is stored is what is true, each score is explained, nothing reads A,
// and taking an object away, or other names, never makes anything look better.
func scorePosture(bundles map[string]*imports.Gathered, s scores) error {
	dir, err := os.MkdirTemp("", "muster-conformance")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	h, err := house.Open(context.Background(), config.Store{Data: dir})
	if err != nil {
		return err
	}
	defer h.Close()
	l, totals, domains := &lab{House: h}, map[string]float64{}, map[string]posture.Detail{}
	for _, name := range slices.Sorted(maps.Keys(bundles)) {
		files, explicit := bundles[name].Files, bundles[name].Explicit
		b, ctx, err := l.bring(context.Background(), files, explicit)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := l.truths(ctx, name, b, s); err != nil {
			return err
		}
		totals[name], domains[name] = b.Whole.Result.Score, b.Whole
		fmt.Printf("posture of %-32s %5.1f, %2.0f %% known\n", name, b.Whole.Result.Score, 100*b.Whole.Result.Coverage)
		if mutated[name] {
			if err := l.mutations(name, files, explicit, b, s); err != nil {
				return err
			}
		}
	}
	hardened, base, strict := totals["online-boutique/hardened"], totals["bookinfo/base"], domains["bank-of-anthos/asm-strict"]
	s.note("posture sanity", wantPosture, hardened > base, "online-boutique hardened (%v) is not above bookinfo base (%v)", hardened, base)
	for name, d := range domains {
		for _, domain := range []catalogue.Domain{catalogue.Transit, catalogue.Access} {
			mine, _ := strict.Domains[string(domain)].Share()
			theirs, _ := d.Domains[string(domain)].Share()
			s.note("posture sanity", wantPosture, mine >= theirs, "%s (%v) is ahead of bank-of-anthos asm-strict (%v) in %s", name, theirs, mine, domain)
		}
	}
	return nil
}

// truths are what holds for every system.
func (l *lab) truths(ctx context.Context, name string, b *posture.Board, s scores) error {
	wrong, err := l.Posture.Rebuild(ctx)
	if err != nil {
		return err
	}
	s.note("posture rebuilt", wantPosture, len(wrong) == 0, "%s: %s", name, strings.Join(wrong, "; "))
	for i := range b.Rows {
		r := &b.Rows[i]
		x, err := l.Posture.Explain(ctx, judge, r.Service.Slug)
		if err != nil {
			return err
		}
		s.note("scores explained", wantPosture, x.Result.Score == r.Detail.Result.Score, "%s, %s: explained as %v, stored as %v", name, r.Service.Name, x.Result.Score, r.Detail.Result.Score)
		s.note("nothing reads A", wantPosture, !r.Detail.Result.Rated() || posture.Grade(r.Detail.Result.Score) != "A", "%s, %s", name, r.Service.Name)
	}
	return nil
}

// mutated are the systems whose objects are taken away one by one: those with policies, where it could matter.
var mutated = map[string]bool{"online-boutique/hardened": true, "bank-of-anthos/asm-strict": true, "bookinfo/ingress-psa": true, "sock-shop/k8s+netpol": true}

// mutations takes each document away in turn. A control may only look better where what fails stood in that document.
func (l *lab) mutations(name string, files []model.File, explicit map[string]bool, before *posture.Board, s scores) error {
	was := map[string]*posture.Row{}
	for i := range before.Rows {
		was[before.Rows[i].Service.Name] = &before.Rows[i]
	}
	_, whole, err := l.bring(context.Background(), files, explicit)
	if err != nil {
		return err
	}
	arcs, err := l.certain(whole)
	if err != nil {
		return err
	}
	for f := range files {
		documents := strings.Split(string(files[f].Data), "\n---")
		for d := range documents {
			less := append([]model.File{}, files...)
			less[f].Data = []byte(strings.Join(append(append([]string{}, documents[:d]...), documents[d+1:]...), "\n---"))
			b, ctx, err := l.bring(context.Background(), less, explicit)
			var broken *model.Error
			if errors.As(err, &broken) || (err != nil && len(documents) == 1) {
				continue // nothing is left of the file
			}
			if err != nil {
				return fmt.Errorf("%s without a document: %w", name, err)
			}
			if protects(documents[d]) {
				shrunk, err := l.shrunk(ctx, arcs, documents[d])
				if err != nil {
					return err
				}
				s.note("no reach shrinks by silence", wantPosture, len(shrunk) == 0, "%s without document %d of %s: %s", name, d+1, files[f].Path, strings.Join(shrunk, ", "))
			}
			for i := range b.Rows {
				better := raised(was[b.Rows[i].Service.Name], &b.Rows[i], before, documents[d])
				s.note("nothing better by silence", wantPosture, len(better) == 0, "%s, %s without document %d of %s: %s", name, b.Rows[i].Service.Name, d+1, files[f].Path, strings.Join(better, ", "))
			}
		}
	}
	return nil
}

// protects reports whether a document is there to keep somebody out.
func protects(document string) bool {
	return slices.ContainsFunc([]string{"NetworkPolicy", "AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"}, func(kind string) bool {
		return strings.Contains(document, "kind: "+kind)
	})
}

// certain lists the arcs that certainly lead on, by the names at their ends.
func (l *lab) certain(ctx context.Context) (map[[2]string]bool, error) {
	p, err := l.Topology.Picture(ctx, judge, "")
	if err != nil {
		return nil, err
	}
	found := map[[2]string]bool{}
	for _, x := range p.Arcs() {
		if x.From != topology.Internet && x.Proven() {
			found[[2]string{p.Nodes[x.From].Name, p.Nodes[x.To].Name}] = true
		}
	}
	return found, nil
}

// shrunk lists the arcs that are no longer proven without a policy which does not name their caller. A policy that names
// somebody, or lets in everybody, is what lets them in.
func (l *lab) shrunk(ctx context.Context, before map[[2]string]bool, document string) ([]string, error) {
	after, err := l.certain(ctx)
	if err != nil {
		return nil, err
	}
	var list []string
	for arc := range before {
		everybody := strings.Contains(document, arc[1]) && !strings.Contains(document, "from:") && !strings.Contains(document, "DENY")
		if !after[arc] && !strings.Contains(document, arc[0]) && !everybody {
			list = append(list, arc[0]+" → "+arc[1])
		}
	}
	slices.Sort(list)
	return list, nil
}

// raised lists the controls that are worth more than before, or no longer apply, without a document.
func raised(old, now *posture.Row, b *posture.Board, document string) []string {
	if old == nil {
		return nil
	}
	// A policy that lets everything through undoes the others that select the pod: it is the weakness itself.
	opens := strings.Contains(document, "kind: NetworkPolicy") && strings.Contains(document, "- {}")
	var list []string
	for _, e := range b.Rules.For(catalogue.Service) {
		x, y := old.Cell(e.ID), now.Cell(e.ID)
		if x.State == control.Failing || (opens && e.Domain == catalogue.Network) {
			continue // the document may have been the weakness itself
		}
		if y.Value > x.Value || (y.State == control.NotApplicable && x.State != control.NotApplicable) {
			list = append(list, fmt.Sprintf("%s from %s to %s", e.ID, x.State, y.State))
		}
	}
	return list
}
