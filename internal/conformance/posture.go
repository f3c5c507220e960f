package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/house"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
)

// rater imports bundles into workspaces of their own and looks at the posture that follows.
type rater struct {
	*house.House
	actor access.Actor
	notes scores
	count int
}

// rated is what a bundle's posture came to.
type rated struct {
	ctx      context.Context
	whole    posture.Detail
	services map[string]inventory.Service
	states   map[string]map[string]control.State // by slug and control, of production
	domains  map[string]float64
}

// ratePosture judges every bundle that was read, prints its score, and notes what has to hold.
func ratePosture(ctx context.Context, w io.Writer, folder string, s scores) error {
	dir, err := os.MkdirTemp("", "muster-conformance-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cfg := config.Config{Store: config.Store{Data: dir}, Addr: "127.0.0.1:0"}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	h, err := house.Open(ctx, cfg.Store)
	if err != nil {
		return fmt.Errorf("open a house: %w", err)
	}
	defer func() { _ = h.Close() }()
	r := &rater{House: h, actor: access.SystemActor("conformance"), notes: s}
	all := map[string]*rated{}
	bundles, err := gatherBundles(folder)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(bundles)) {
		if all[name], err = r.bundle(ctx, name, bundles[name]); err != nil {
			return fmt.Errorf("rate %s: %w", name, err)
		}
		d := &all[name].whole
		fmt.Fprintf(w, "%-36s score %5.2f  known %4.1f %%  of that passes %5.1f %%  services %d\n", name, d.Result.Score, 100*d.Result.Coverage, 100*d.Result.Passing, len(all[name].services))
	}
	compare(all, s)
	return nil
}

// gatherBundles reads the files of every public bundle.
func gatherBundles(folder string) (map[string]*imports.Gathered, error) {
	answers, err := filepath.Glob(filepath.Join(folder, "systems", "*", "expected.json"))
	if err != nil {
		return nil, fmt.Errorf("find answers: %w", err)
	}
	out := map[string]*imports.Gathered{}
	for _, path := range answers {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		var system expectedSystem
		if err := json.Unmarshal(data, &system); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		root := filepath.Dir(path)
		for name, b := range system.Bundles {
			var paths []string
			for _, f := range b.Files {
				paths = append(paths, filepath.Join(root, f))
			}
			gathered, err := imports.Gather(paths)
			if err != nil {
				return nil, fmt.Errorf("gather %s: %w", name, err)
			}
			out[filepath.Base(root)+"/"+name] = gathered
		}
	}
	return out, nil
}

// compare notes what has to hold between bundles.
func compare(all map[string]*rated, s scores) {
	above := func(what string, better, worse float64) {
		s.note("posture: order of systems", 100, better > worse, "%s: %.2f and %.2f", what, better, worse)
	}
	hardened, base, strict := all["online-boutique/hardened"], all["bookinfo/base"], all["bank-of-anthos/asm-strict"]
	if hardened != nil && base != nil {
		above("online-boutique hardened above bookinfo base", hardened.whole.Result.Score, base.whole.Result.Score)
	}
	for name, o := range all {
		if strict == nil || o == strict {
			continue
		}
		for _, domain := range []string{"tls", "iam"} {
			s.note("posture: order of systems", 100, strict.domains[domain] >= o.domains[domain], "bank-of-anthos asm-strict leads on %s: %.2f, and %s has %.2f", domain, strict.domains[domain], name, o.domains[domain])
		}
	}
}

// bundle rates one bundle and everything that must hold of it.
func (r *rater) bundle(ctx context.Context, name string, g *imports.Gathered) (*rated, error) {
	base, err := r.rate(ctx, g.Files, g.Explicit)
	if err != nil {
		return nil, err
	}
	if err := r.grounded(base, name); err != nil {
		return nil, err
	}
	moved, explicit := slices.Clone(g.Files), map[string]bool{}
	for i := range moved {
		path := "moved/" + moved[i].Path
		explicit[path], moved[i].Path = g.Explicit[moved[i].Path], path
	}
	again, err := r.rate(ctx, moved, explicit)
	if err != nil {
		return nil, err
	}
	r.notes.note("posture: renaming moves nothing", 100, again.whole.Result.Score == base.whole.Result.Score, "%s: %v, renamed %v", name, base.whole.Result.Score, again.whole.Result.Score)
	return base, r.mutate(ctx, name, g, base)
}

// rate imports files into a workspace of their own.
func (r *rater) rate(ctx context.Context, files []model.File, explicit map[string]bool) (*rated, error) {
	found := model.New()
	if len(files) > 0 {
		var err error
		if found, err = imports.Inspect(files, imports.Options{Explicit: explicit}); err != nil {
			return nil, fmt.Errorf("inspect: %w", err)
		}
	}
	r.count++
	place, err := r.Identity.CreateWorkspace(ctx, r.actor, fmt.Sprintf("Workspace %d", r.count))
	if err != nil {
		return nil, err
	}
	out := &rated{ctx: database.WithWorkspace(ctx, place.ID), services: map[string]inventory.Service{}, states: map[string]map[string]control.State{}, domains: map[string]float64{}}
	environments, err := r.Inventory.Environments(out.ctx, r.actor)
	if err != nil {
		return nil, err
	}
	if len(found.Inputs) > 0 {
		id, err := r.Intake.Propose(out.ctx, r.actor, intake.Proposal{EnvironmentID: environments[0].ID, SourceName: "bundle", Inspection: found})
		if err != nil {
			return nil, err
		}
		if _, err := r.Intake.Confirm(out.ctx, r.actor, id, intake.Choices{}); err != nil {
			return nil, err
		}
	}
	return out, r.read(out)
}

// read fills in what is stored.
func (r *rater) read(out *rated) error {
	list, err := r.Inventory.Roster(out.ctx, r.actor)
	if err != nil {
		return err
	}
	slugs := map[int64]string{}
	for _, s := range list {
		out.services[s.Slug], slugs[s.ID], out.states[s.Slug] = s, s.Slug, map[string]control.State{}
	}
	production, err := r.Inventory.Production(out.ctx)
	if err != nil {
		return err
	}
	rows, err := r.Controls.States(out.ctx, nil)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if slug, live := slugs[row.ServiceID]; live && row.EnvironmentID == production {
			out.states[slug][row.Control] = row
		}
	}
	board, err := r.Posture.Board(out.ctx, r.actor)
	if err != nil {
		return err
	}
	out.whole = board.Whole
	for domain, d := range board.Whole.Domains {
		if share, ok := d.Share(); ok {
			out.domains[domain] = share
		}
	}
	return nil
}

// grounded notes that what is stored is explained, rebuilt the same, and no better than files alone can show.
func (r *rater) grounded(b *rated, name string) error {
	before, err := r.written(b)
	if err != nil {
		return err
	}
	for slug, service := range b.services {
		x, err := r.Posture.Explain(b.ctx, r.actor, slug)
		if err != nil {
			return err
		}
		row, _, err := r.Controls.ScoreOf(b.ctx, service.ID)
		if err != nil {
			return err
		}
		r.notes.note("posture: explained", 100, x.Result.Score == row.Score && x.Result.Coverage == row.Coverage, "%s %s: %v, explained as %v", name, slug, row.Score, x.Result.Score)
		r.notes.note("posture: nothing reads A", 100, posture.Grade(row.Score) != "A", "%s %s: %v", name, slug, row.Score)
	}
	r.notes.note("posture: nothing reads A", 100, posture.Grade(b.whole.Result.Score) != "A", "%s: %v", name, b.whole.Result.Score)
	err = r.DB.InTx(b.ctx, func(ctx context.Context) error {
		id := database.Workspace(ctx)
		for _, table := range []string{"states", "scores"} {
			if err := r.DB.Conn(ctx).Exec("DELETE FROM "+table+" WHERE workspace_id = ?", id).Error; err != nil {
				return fmt.Errorf("forget %s: %w", table, err)
			}
		}
		return r.Posture.Recompute(ctx, nil, posture.Cause{})
	})
	if err != nil {
		return err
	}
	after, err := r.written(b)
	r.notes.note("posture: rebuilt the same", 100, before == after, "%s differs after a rebuild", name)
	return err
}

// written is every stored state and score as text, without what tells when it was written.
func (r *rater) written(b *rated) (string, error) {
	states, err := r.Controls.States(b.ctx, nil)
	if err != nil {
		return "", err
	}
	rows, err := r.Controls.Scores(b.ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, s := range states {
		lines = append(lines, fmt.Sprintln(s.ServiceID, s.EnvironmentID, s.Control, s.State, s.Value, s.Contradicted, s.Known, s.Total, s.Later))
	}
	for _, s := range rows {
		var d posture.Detail
		if err := json.Unmarshal([]byte(s.Detail), &d); err != nil {
			return "", fmt.Errorf("read a score: %w", err)
		}
		lines = append(lines, fmt.Sprintln(s.ServiceID, d.Result, d.Counts, s.Cells))
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), nil
}

// document is one YAML document of a file: its lines, from 1.
type document struct{ file, from, to int }

func documentsOf(files []model.File) []document {
	var list []document
	for i, f := range files {
		if !strings.HasSuffix(f.Path, ".yaml") && !strings.HasSuffix(f.Path, ".yml") {
			continue
		}
		from := 1
		for n, line := range bytes.Split(f.Data, []byte("\n")) {
			if bytes.HasPrefix(line, []byte("---")) {
				if n+1 > from {
					list = append(list, document{i, from, n})
				}
				from = n + 2
			}
		}
		list = append(list, document{i, from, bytes.Count(f.Data, []byte("\n")) + 1})
	}
	return list
}

func (d document) text(files []model.File) string {
	lines := strings.Split(string(files[d.file].Data), "\n")
	return strings.Join(lines[d.from-1:min(d.to, len(lines))], "\n")
}

// without blanks a document out, so that every other keeps its lines.
func without(files []model.File, d document) []model.File {
	out := slices.Clone(files)
	lines := bytes.Split(out[d.file].Data, []byte("\n"))
	kept := slices.Clone(lines)
	for i := d.from - 1; i < d.to && i < len(kept); i++ {
		kept[i] = nil
	}
	said := slices.ContainsFunc(kept, func(line []byte) bool {
		line = bytes.TrimSpace(line)
		return len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("---"))
	})
	if !said { // a file that says nothing is a mistake of its own
		return slices.Delete(out, d.file, d.file+1)
	}
	out[d.file].Data = bytes.Join(kept, []byte("\n"))
	return out
}
