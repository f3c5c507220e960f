package intake

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// declares reports whether the files say something of services and calls. A set of reports alone leaves what is known
// of them as it is.
func declares(i *model.Inspection) bool {
	return slices.ContainsFunc(i.Inputs, func(in model.Input) bool {
		return in.Kind != model.KindReport && in.Kind != model.KindVEX && in.Kind != model.KindSBOM && in.Kind != model.KindLockfile
	})
}

// Owner is a word of the reports and the service that it stands for.
type Owner struct {
	Label   string
	Rows    int
	Service int64 // 0 is nobody's yet
	Decided bool  // a person said so before
}

// owners finds whose rows are whose.
type owners struct {
	chosen   int64               // every row belongs to this service
	labels   map[string]int64    // a person's word in this preview
	rules    finding.Assignments // people's words before
	names    map[string]int64    // services by name, slug and workload; 0 where two have it
	fallback string              // what rows without a word of their own are called
	seen     map[string]*Owner
}

// of gives a row's service and the word that it goes by, and counts it as so many rows: what was chosen for the whole report, what a person says in this
// preview, what a rule says, then the name that the report uses.
func (o *owners) of(f *model.Finding, rows int) (service int64, label string) {
	label = labelOf(f, o.fallback)
	return o.named(traitsOf(f, label), rows), label
}

// settled are owners that go on saying what they say now.
func (o *owners) settled() *owners {
	now := *o
	now.seen = make(map[string]*Owner, len(o.seen))
	for key, own := range o.seen {
		same := *own
		now.seen[key] = &same
	}
	return &now
}

// named gives the service of so many rows with the same traits.
func (o *owners) named(t finding.Traits, rows int) int64 {
	key := strings.ToLower(t.Label)
	_, said := o.labels[key]
	if o.chosen == 0 && !said {
		if r := o.rules.Of(t); r != nil && r.MatchBy != finding.ByLabel {
			return o.note("rule "+strconv.FormatInt(r.ID, 10), Owner{Label: string(r.MatchBy) + " " + r.Label, Service: r.ServiceID, Decided: true}, rows)
		}
	}
	if _, known := o.seen[key]; known {
		return o.note(key, Owner{}, rows)
	}
	own := Owner{Label: t.Label}
	own.Service, own.Decided = o.guess(key)
	return o.note(key, own, rows)
}

// note counts rows of an owner, and gives the service.
func (o *owners) note(key string, first Owner, rows int) int64 {
	own, known := o.seen[key]
	if !known {
		own = &first
		o.seen[key] = own
	}
	own.Rows += rows
	return own.Service
}

func (o *owners) guess(key string) (int64, bool) {
	if o.chosen != 0 {
		return o.chosen, true
	}
	if id, said := o.labels[key]; said {
		return id, true
	}
	if r := o.rules.Of(finding.Traits{Label: key}); r != nil {
		return r.ServiceID, true
	}
	for _, name := range nicknames(key) {
		if id := o.names[name]; id != 0 {
			return id, false
		}
	}
	return 0, false
}

// traitsOf is what rules look at. A report says in one field what it is about, be that an image or a repository.
func traitsOf(f *model.Finding, label string) finding.Traits {
	t := finding.Traits{Label: label, Image: f.Service, Repository: f.Service, Path: f.Location.Path}
	if t.Image == "" && f.Kind == model.FindingDependency {
		t.Image = f.Resource
	}
	return t
}

// product finds the service that a statement is about: the one that was chosen, else the one that an export of Muster
// names; 0 is every service. A name that no service here has is about nothing here.
func (o *owners) product(f *model.Finding) (int64, bool) {
	slug, ours := strings.CutPrefix(f.Resource, model.ProductPrefix)
	if o.chosen != 0 || !ours {
		return o.chosen, true
	}
	id := o.names[strings.ToLower(slug[strings.LastIndexByte(slug, ':')+1:])]
	return id, id != 0
}

// labelOf is what a report calls the thing that a row is about: its service, its image without the tag, else the set
// of files.
func labelOf(f *model.Finding, fallback string) string {
	if f.Identity != "" && f.Service != "" {
		return cut(f.Service, 200) // as Muster itself called it
	}
	if f.Service != "" {
		if f.Kind == model.FindingWeb || f.Kind == model.FindingNetwork {
			return cut(f.Service, 200) // a host with its port
		}
		return cut(imageName(f.Service), 200)
	}
	if f.Kind == model.FindingDependency && f.Resource != "" {
		return cut(imageName(f.Resource), 200)
	}
	return fallback
}

// imageName is an image's name without tag and digest: a rebuilt image is the same thing.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

// nicknames are the names under which a service may be known: the word itself, an image's last part, the name in
// namespace/Kind/name, a repository's name.
func nicknames(label string) []string {
	plain := strings.TrimSuffix(imageName(label), ".git")
	return []string{label, plain, path.Base(plain), inventory.Slug(path.Base(plain))}
}

// owners collects the names by which rows may find their service.
func (w *Workflow) owners(ctx context.Context, source *inventory.Source, c Choices) (*owners, error) {
	o := &owners{chosen: c.Service, labels: c.Labels, names: map[string]int64{}, fallback: source.Name, seen: map[string]*Owner{}}
	var err error
	if o.rules, err = w.findings.Assignments(ctx); err != nil {
		return nil, err
	}
	services, err := w.book.Roster(ctx, access.SystemActor("intake"))
	if err != nil {
		return nil, err
	}
	bindings, err := w.book.LiveBindings(ctx, source.EnvironmentID)
	if err != nil {
		return nil, err
	}
	put := func(name string, id int64) {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			return
		}
		if other, taken := o.names[name]; taken && other != id {
			id = 0 // two have it, so it names neither
		}
		o.names[name] = id
	}
	live := map[int64]bool{}
	for i := range services {
		s := &services[i]
		live[s.ID] = true
		put(s.Name, s.ID)
		put(s.Slug, s.ID)
		put(s.Repository, s.ID)
	}
	for _, b := range bindings {
		if live[b.ServiceID] {
			put(b.Name, b.ServiceID)
			put(b.Namespace+"/"+b.Name, b.ServiceID)
		}
	}
	return o, nil
}

// list gives the words that were asked for, those that are nobody's first.
func (o *owners) list() []Owner {
	var list []Owner
	for _, own := range o.seen {
		list = append(list, *own)
	}
	slices.SortFunc(list, func(a, b Owner) int { return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Label, b.Label)) })
	return list
}
