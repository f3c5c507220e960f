package intake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/finding"
	"muster/internal/imports/lockfile"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// tells reports whether the files hold reports or parts lists.
func tells(x *model.Inspection) bool {
	return len(x.Components) > 0 || slices.ContainsFunc(x.Inputs, func(in model.Input) bool {
		return in.Kind == model.KindReport || in.Kind == model.KindVEX || isList(&in)
	})
}

// isList reports whether a file is a list of what a program is made of.
func isList(in *model.Input) bool {
	return in.Kind == model.KindSBOM || in.Kind == model.KindLockfile
}

// PartChange is a sample of what an import changes of components.
type PartChange struct {
	Kind          Kind
	Name          string
	Before, After string // versions
	Service       int64
	Label         string
}

// maxPartSamples is how many changes of components a preview shows of each kind.
const maxPartSamples = 12

// holder is whose a component is: a service, or a word that is nobody's yet; and what kind of list says so.
type holder struct {
	service int64
	label   string
	kind    string
}

type partKey struct {
	holder
	name, version, ecosystem string
}

// parts computes what the lists of an import change.
type parts struct {
	p       *Plan
	now     time.Time
	source  int64
	live    []inventory.Component
	have    map[partKey]int64
	kept    map[int64]bool
	spoken  map[holder]bool
	before  map[holder]int
	samples map[Kind]int
}

// planParts adds what the parts lists among the files change. A complete one speaks for its service alone: of that, what
// it no longer names is gone.
func (w *Workflow) planParts(ctx context.Context, p *Plan, i *inventory.Import, source *inventory.Source, x *model.Inspection, o *owners, c Choices) error {
	if !slices.ContainsFunc(x.Inputs, func(in model.Input) bool { return isList(&in) }) {
		return nil
	}
	live, err := w.book.LiveComponents(ctx, source.ID)
	if err != nil {
		return err
	}
	d := &parts{p: p, now: w.db.Now(ctx), source: source.ID, live: live, have: map[partKey]int64{}, kept: map[int64]bool{}, spoken: map[holder]bool{}, before: map[holder]int{}, samples: map[Kind]int{}}
	p.HasParts = true
	d.recorded(o)
	d.read(x, o)
	if !i.Partial {
		d.gone()
	}
	d.count()
	if !i.Partial && !c.AcceptBig {
		d.guard()
	}
	return nil
}

// recorded sorts what is known, and gives a service what was nobody's and is its own by now.
func (d *parts) recorded(o *owners) {
	for i := range d.live {
		c := &d.live[i]
		if c.ServiceID == 0 {
			if to := d.ownerOf(o, c.Label); to != 0 {
				if d.p.Writes.GivenComponents == nil {
					d.p.Writes.GivenComponents = map[int64][]int64{}
				}
				d.p.Writes.GivenComponents[to] = append(d.p.Writes.GivenComponents[to], c.ID)
				c.ServiceID, c.Label = to, ""
			}
		}
		h := holder{c.ServiceID, strings.ToLower(c.Label), c.Kind}
		d.have[partKey{h, c.Name, c.Version, c.Ecosystem}] = c.ID
		d.before[h]++
	}
}

// ownerOf is the service that a word stands for, one that these very files bring too.
func (d *parts) ownerOf(o *owners, label string) int64 {
	key := strings.ToLower(label)
	if id, _ := o.guess(key); id != 0 {
		return id
	}
	for id, name := range d.p.names {
		if id < 0 && slices.Contains(nicknames(key), strings.ToLower(name)) {
			return id
		}
	}
	return 0
}

func (d *parts) read(x *model.Inspection, o *owners) {
	of := map[string][]*model.Component{}
	for i := range x.Components {
		of[x.Components[i].Input] = append(of[x.Components[i].Input], &x.Components[i])
	}
	for i := range x.Inputs {
		in := &x.Inputs[i]
		if !isList(in) || in.Format == lockfile.GoSum.ID && in.Note != "" {
			continue
		}
		label := o.fallback
		if folder := lockfile.Folder(in.Path); folder != "" && in.Kind == model.KindLockfile {
			label = cut(folder, 200)
		}
		about := ""
		if list := of[in.Path]; len(list) > 0 && list[0].Service != "" {
			about = list[0].Service
			label = cut(imageName(about), 200)
		}
		service := o.named(finding.Traits{Label: label, Image: about, Repository: about, Path: in.Path}, len(of[in.Path]))
		if service == 0 {
			if service = d.ownerOf(o, label); service != 0 {
				o.seen[strings.ToLower(label)].Service, o.seen[strings.ToLower(label)].Decided = service, true // a service of these files
			}
		}
		h := holder{service, "", string(in.Kind)}
		if service == 0 {
			h.label = strings.ToLower(label)
		}
		d.spoken[h] = true
		for _, c := range of[in.Path] {
			d.named(h, label, c)
		}
		if made := d.now; service != 0 {
			if in.Made != nil && in.Made.Before(made) {
				made = in.Made.UTC().Truncate(time.Microsecond)
			}
			d.p.Writes.Lists = append(d.p.Writes.Lists, inventory.Listed{ServiceID: service, Document: in.Path, SHA256: in.SHA256, N: len(of[in.Path]), Made: made})
		}
	}
}

func (d *parts) named(h holder, label string, c *model.Component) {
	k := partKey{h, clean(c.Name), clean(c.Version), c.Ecosystem}
	if id, known := d.have[k]; known {
		if id != 0 && !d.kept[id] {
			d.kept[id] = true
			d.p.Writes.Seen.Components = append(d.p.Writes.Seen.Components, id)
			d.p.Components.Unchanged++
		}
		return
	}
	d.have[k] = 0
	_, line := model.SplitAt(c.At)
	row := inventory.Component{ServiceID: h.service, SourceID: d.source, Kind: h.kind, Document: clean(c.Input), Line: line, Name: k.name, Version: k.version, Ecosystem: c.Ecosystem, PURL: clean(c.PURL),
		Licenses: clean(strings.Join(c.Licenses[:min(len(c.Licenses), 10)], ", ")), Dev: c.Dev, FirstSeen: d.now, LastSeen: d.now}
	if h.service == 0 {
		row.Label = label
	}
	if c.Direct != nil {
		row.Direct = map[bool]string{true: "yes", false: "no"}[*c.Direct]
	}
	d.p.Writes.NewComponents = append(d.p.Writes.NewComponents, row)
}

func (d *parts) gone() {
	for i := range d.live {
		c := &d.live[i]
		if !d.kept[c.ID] && d.spoken[holder{c.ServiceID, strings.ToLower(c.Label), c.Kind}] {
			d.p.Writes.Ended.Components = append(d.p.Writes.Ended.Components, c.ID)
		}
	}
}

// count pairs what is gone with what is new of the same package: that is another version.
func (d *parts) count() {
	type slot struct {
		holder
		name, ecosystem string
	}
	left := map[slot][]string{}
	ended := map[int64]bool{}
	for _, id := range d.p.Writes.Ended.Components {
		ended[id] = true
	}
	for i := range d.live {
		if c := &d.live[i]; ended[c.ID] {
			at := slot{holder{c.ServiceID, strings.ToLower(c.Label), c.Kind}, c.Name, c.Ecosystem}
			left[at] = append(left[at], c.Version)
		}
	}
	for i := range d.p.Writes.NewComponents {
		c := &d.p.Writes.NewComponents[i]
		at := slot{holder{c.ServiceID, strings.ToLower(c.Label), c.Kind}, c.Name, c.Ecosystem}
		if was := left[at]; len(was) > 0 {
			left[at] = was[1:]
			d.p.Components.Changed++
			d.sample(PartChange{KindChanged, c.Name, was[0], c.Version, c.ServiceID, c.Label})
			continue
		}
		d.p.Components.Created++
		d.sample(PartChange{KindNew, c.Name, "", c.Version, c.ServiceID, c.Label})
	}
	for i := range d.live {
		c := &d.live[i]
		at := slot{holder{c.ServiceID, strings.ToLower(c.Label), c.Kind}, c.Name, c.Ecosystem}
		if was := left[at]; ended[c.ID] && len(was) > 0 {
			left[at] = was[1:]
			d.p.Components.Gone++
			d.sample(PartChange{KindGone, c.Name, was[0], "", c.ServiceID, c.Label})
		}
	}
	slices.SortStableFunc(d.p.Parts, func(a, b PartChange) int { return cmp.Compare(a.Kind, b.Kind) })
}

func (d *parts) sample(c PartChange) {
	if d.samples[c.Kind]++; d.samples[c.Kind] <= maxPartSamples {
		d.p.Parts = append(d.p.Parts, c)
	}
}

// guard holds an import that would leave little of what was known: a list that came out empty or short.
func (d *parts) guard() {
	before := 0
	for h := range d.spoken {
		before += d.before[h]
	}
	if gone := d.p.Components.Gone; gone >= 3 && 2*gone > before {
		d.p.hold(fmt.Sprintf("These parts lists no longer name %d of %d components, more than half. Did the tool that writes them fail? Say that they are really gone, or import these files as a part.", gone, before))
	}
}

// listed records that services have a parts list, as old as the newest list itself says.
func (w *Workflow) listed(ctx context.Context, i *inventory.Import, source *inventory.Source, lists []inventory.Listed) error {
	if len(lists) == 0 {
		return nil
	}
	rules, err := w.posture.Ruleset(ctx)
	if err != nil {
		return err
	}
	if _, known := rules.Find(partsControl); !known {
		return nil
	}
	newest := map[int64]evidence.Evidence{}
	for k := range lists {
		l := &lists[k]
		if e, known := newest[l.ServiceID]; known && !e.ObservedAt.Before(l.Made) {
			continue
		}
		newest[l.ServiceID] = evidence.Evidence{ServiceID: l.ServiceID, EnvironmentID: source.EnvironmentID, Control: partsControl, Clause: "fresh_parts_list", Kind: catalogue.SBOM, Source: fmt.Sprintf("parts:%d", source.ID), Outcome: evidence.Pass,
			Observed: fmt.Sprintf("a parts list with %d components", l.N), Expected: "an SBOM or lock file of the last 30 days", Path: clean(l.Document), ArtefactHash: l.SHA256, ImportID: i.ID, ObservedAt: l.Made}
	}
	rows := make([]evidence.Evidence, 0, len(newest))
	for _, e := range newest {
		rows = append(rows, e)
	}
	slices.SortFunc(rows, func(a, b evidence.Evidence) int { return cmp.Compare(a.ServiceID, b.ServiceID) })
	return w.ledger.Record(ctx, rules.Find, rows)
}

// partsControl is the control that asks for a fresh parts list.
const partsControl = "PAT-1"
