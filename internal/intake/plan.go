package intake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// Choices are what a person decides in the preview.
type Choices struct {
	Groups    map[string]int64 // "namespace/group" -> service id; 0 means a new service
	Documents map[string]int64 // an OpenAPI file -> service id; 0 means nobody's yet
	Service   int64            // the service that the reports are about; 0 leaves it to their rows
	Labels    map[string]int64 // what the reports call a thing, in lower case -> service id
	AcceptBig bool             // yes, more than half of the source is really gone
	Seen      string           // the mark of the preview that a person looked at; "" asks for no comparison
}

// Counts is the difference that an import makes, as `muster import --json` prints it.
type Counts struct {
	Created   int `json:"created"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Gone      int `json:"gone"`
}

// Kind of change, for people.
type Kind string

// The kinds of change.
const (
	KindNew     Kind = "new"
	KindChanged Kind = "changed"
	KindGone    Kind = "gone"
)

// Line is one change in words.
type Line struct {
	Kind    Kind
	Subject string // the service
	Service int64  // its id; 0 where the line is about no service that was known before
	Text    string
	At      string
	Risk    bool // it raises risk
	Main    bool // it is about the service itself, not about one of its facts or calls
}

// Match is a group of workloads that will become, or join, a service.
type Match struct {
	Group     string // "namespace/group", the key of Choices.Groups
	Name      string
	Workloads int
	Service   int64 // the service it joins; 0 for a new one
	Decided   bool  // bound before: a person may change that on the service's page
}

// Document is an OpenAPI file and the service whose operations it lists.
type Document struct {
	Path, Title string
	Operations  int
	Service     int64
}

// Plan is what an import will do. Preview shows it, confirm runs it.
type Plan struct {
	Services, Dependencies Counts
	Facts                  Counts
	Lines                  []Line
	Matches                []Match
	Documents              []Document
	Unresolved             []inventory.Unresolved
	Findings               *finding.Plan // nil where the files hold no report
	Components             Counts
	HasParts               bool         // the files hold a parts list
	Parts                  []PartChange // some of the changes of components
	Owners                 []Owner      // whose the reports' rows are
	Held                   bool         // waits for a word: too much would be gone
	HeldWhy                string
	Writes                 inventory.Writes
	names                  map[int64]string
	spoken                 *model.Inspection // what these files say of services and calls
}

// Nothing reports whether the import changes nothing.
func (p *Plan) Nothing() bool {
	return (p.Findings == nil || !p.Findings.Counts.Any()) && len(p.Lines) == 0 && p.Components.Created+p.Components.Changed+p.Components.Gone == 0 && p.Services.Created+p.Services.Changed+p.Services.Gone+p.Dependencies.Created+p.Dependencies.Changed+p.Dependencies.Gone+p.Facts.Created+p.Facts.Changed+p.Facts.Gone == 0
}

// diff computes the plan: a pure function of what is recorded, what the files say, and what a person chose.
func diff(r *inventory.Recorded, source *inventory.Source, x *model.Inspection, c Choices, now time.Time) (*Plan, error) {
	d := &differ{r: r, source: source, x: x, choices: c, now: now, p: &Plan{names: map[int64]string{}}, byWorkload: map[string]int64{}}
	for i := range r.Services {
		d.p.names[r.Services[i].ID] = r.Services[i].Name
	}
	d.bind()
	d.facts()
	d.endpoints()
	if err := d.calls(); err != nil {
		return nil, err
	}
	d.operations()
	d.unresolved()
	d.services()
	d.hold()
	slices.SortStableFunc(d.p.Lines, func(a, b Line) int {
		order := map[Kind]int{KindNew: 0, KindChanged: 1, KindGone: 2}
		return cmp.Or(order[a.Kind]-order[b.Kind], cmp.Compare(a.Subject, b.Subject))
	})
	return d.p, nil
}

type differ struct {
	r          *inventory.Recorded
	source     *inventory.Source
	x          *model.Inspection
	choices    Choices
	now        time.Time
	p          *Plan
	byWorkload map[string]int64 // the workload's name in the files -> service
	here       map[string]bool  // the workloads of these files
	there      map[string]bool  // the live workloads of the source before
	changed    map[int64]bool   // services of which something changed
}

func (d *differ) touch(id int64) { d.changed[id] = true }

func (d *differ) line(kind Kind, service int64, risk bool, at, format string, args ...any) {
	d.p.Lines = append(d.p.Lines, Line{Kind: kind, Subject: d.p.names[service], Service: max(service, 0), Text: fmt.Sprintf(format, args...), At: at, Risk: risk})
}

// main is a line about the service itself; it stands before those about its facts and calls.
func (d *differ) main(kind Kind, service int64, at, text string) {
	d.line(kind, service, false, at, "%s", text)
	d.p.Lines[len(d.p.Lines)-1].Main = true
}

// bind finds the service of each workload. What is bound stays bound; the rest joins by name, or is new.
func (d *differ) bind() {
	d.changed, d.here, d.there = map[int64]bool{}, map[string]bool{}, map[string]bool{}
	bound, live := map[key]*inventory.Binding{}, map[int64]*inventory.Service{}
	for i := range d.r.Bindings {
		b := &d.r.Bindings[i]
		bound[key{b.Kind, b.Namespace, b.Name}] = b
		if b.GoneAt == nil {
			d.there[b.Workload()] = true
		}
	}
	for i := range d.r.Services {
		live[d.r.Services[i].ID] = &d.r.Services[i]
	}
	groups, order := map[string]*Match{}, []string{}
	for i := range d.x.Services {
		s := &d.x.Services[i]
		g := s.Namespace + "/" + s.Group
		if groups[g] == nil {
			groups[g] = &Match{Group: g, Name: s.Group}
			order = append(order, g)
		}
		groups[g].Workloads++
		if b := bound[keyOf(s)]; b != nil && live[b.ServiceID] != nil && groups[g].Service == 0 {
			groups[g].Service, groups[g].Decided = b.ServiceID, true
		}
	}
	taken := map[int64]bool{}
	for _, m := range groups {
		taken[m.Service] = true
	}
	slices.Sort(order)
	for _, g := range order {
		d.match(groups[g], taken)
		d.p.Matches = append(d.p.Matches, *groups[g])
	}
	seen := map[int64]bool{}
	for i := range d.x.Services {
		s := &d.x.Services[i]
		id := groups[s.Namespace+"/"+s.Group].Service
		b := bound[keyOf(s)]
		if b != nil && live[b.ServiceID] != nil {
			id = b.ServiceID // each workload keeps its own, even where a person split a group
		}
		d.byWorkload[s.Name] = id
		d.here[(&inventory.Binding{Kind: s.WorkloadKind, Namespace: s.Namespace, Name: baseName(s)}).Workload()] = true
		if b == nil {
			d.p.Writes.NewBindings = append(d.p.Writes.NewBindings, inventory.Binding{SourceID: d.source.ID, Kind: s.WorkloadKind, Namespace: s.Namespace, Name: baseName(s), ServiceID: id, FirstSeen: d.now, LastSeen: d.now})
			if id > 0 {
				d.touch(id)
				d.line(KindNew, id, false, s.At, "workload %s", s.Name)
			}
			continue
		}
		seen[b.ID] = true
		d.p.Writes.Seen.Bindings = append(d.p.Writes.Seen.Bindings, b.ID)
		if b.GoneAt != nil {
			d.touch(id)
			d.line(KindNew, id, false, s.At, "workload %s is back", s.Name)
		}
	}
	for i := range d.r.Bindings {
		if b := &d.r.Bindings[i]; b.GoneAt == nil && !seen[b.ID] {
			d.p.Writes.Ended.Bindings = append(d.p.Writes.Ended.Bindings, b.ID)
		}
	}
}

// match decides which service a group of workloads is.
func (d *differ) match(m *Match, taken map[int64]bool) {
	if m.Decided {
		return
	}
	if chosen, ok := d.choices.Groups[m.Group]; ok {
		if _, known := d.p.names[chosen]; known {
			m.Service = chosen
			taken[chosen] = true
			return
		}
	} else if id := d.sameName(m.Name, taken); id != 0 {
		m.Service = id
		taken[id] = true
		return
	}
	id := -int64(len(d.p.Writes.NewServices)) - 1
	m.Service = id
	d.p.names[id] = cut(m.Name, 100)
	d.p.Writes.NewServices = append(d.p.Writes.NewServices, inventory.Service{
		ID: id, Kind: inventory.KindService, Name: cut(m.Name, 100), Tier: 2, Exposure: inventory.ExposureUnknown,
		Authentication: inventory.AuthUnknown, Encryption: inventory.EncryptionUnknown, LastSeenAt: &d.now,
	})
}

// sameName finds a live service of that name that no other source of this environment speaks about.
func (d *differ) sameName(name string, taken map[int64]bool) int64 {
	for i := range d.r.Services {
		s := &d.r.Services[i]
		if !strings.EqualFold(s.Name, name) || s.RetiredAt != nil || taken[s.ID] || s.Kind == inventory.KindOutside {
			continue
		}
		if slices.ContainsFunc(d.r.Elsewhere, func(b inventory.Binding) bool { return b.ServiceID == s.ID }) ||
			slices.ContainsFunc(d.r.Bindings, func(b inventory.Binding) bool { return b.ServiceID == s.ID && b.GoneAt == nil }) {
			continue
		}
		return s.ID
	}
	return 0
}

// services sets what files may say about the services themselves, and counts.
func (d *differ) services() {
	byID := map[int64][]*model.Service{}
	for i := range d.x.Services {
		s := &d.x.Services[i]
		byID[d.byWorkload[s.Name]] = append(byID[d.byWorkload[s.Name]], s)
	}
	for i := range d.p.Writes.NewServices {
		n := &d.p.Writes.NewServices[i]
		describe(n, byID[n.ID])
		d.p.Services.Created++
		d.p.Lines = append(d.p.Lines, Line{Kind: KindNew, Subject: n.Name, Text: newWords(n, len(byID[n.ID])), At: byID[n.ID][0].At, Risk: n.Exposure == inventory.Public, Main: true})
	}
	bound := map[int64]bool{}
	for i := range d.r.Bindings {
		if d.r.Bindings[i].GoneAt == nil {
			bound[d.r.Bindings[i].ServiceID] = true
		}
	}
	for i := range d.r.Services {
		s := d.r.Services[i]
		if workloads := byID[s.ID]; len(workloads) > 0 {
			before := s
			describe(&s, workloads)
			d.p.Writes.Seen.Services = append(d.p.Writes.Seen.Services, s.ID)
			if s.RetiredAt != nil {
				s.RetiredAt, s.RetireReason = nil, ""
				d.touch(s.ID)
				d.main(KindNew, s.ID, workloads[0].At, "is back in these files; it had been retired")
			}
			if before.Exposure != s.Exposure {
				d.touch(s.ID)
				d.line(KindChanged, s.ID, s.Exposure == inventory.Public, workloads[0].At, "exposure %s → %s", before.Exposure, s.Exposure)
			}
			if s != before {
				d.p.Writes.Updated = append(d.p.Writes.Updated, s)
			}
			if d.changed[s.ID] {
				d.p.Services.Changed++
			} else {
				d.p.Services.Unchanged++
			}
		} else if bound[s.ID] && s.RetiredAt == nil {
			d.p.Services.Gone++
			d.main(KindGone, s.ID, "", "is no longer in these files; the service stays until somebody retires it")
		}
	}
}

func newWords(s *inventory.Service, workloads int) string {
	words := "new service"
	if s.Kind == inventory.KindDatastore {
		words = "new datastore (" + s.DatastoreKind + ")"
	}
	if workloads > 1 {
		words += fmt.Sprintf(" of %d workloads", workloads)
	}
	if s.Exposure == inventory.Public {
		words += ", reachable from outside"
	}
	return words + "; starts at tier 2 until a person confirms it"
}

// describe sets what files show and no person has set. "Internal" is never concluded from a way in that was not found.
func describe(s *inventory.Service, workloads []*model.Service) {
	exposure := inventory.ExposureUnknown
	for _, w := range workloads {
		if w.Exposed {
			exposure = inventory.Public
		} else if exposure == inventory.ExposureUnknown && slices.ContainsFunc(w.Exposures, func(e model.Exposure) bool { return e.Scope == "internal" }) {
			exposure = inventory.Internal
		}
		if w.Datastore && !s.PersonSet("kind") {
			s.Kind, s.DatastoreKind = inventory.KindDatastore, w.DatastoreKind
		}
		if w.Language != nil && !s.PersonSet("language") {
			s.Language = *w.Language
		}
		if !s.PersonSet("runtime") {
			s.Runtime = "Kubernetes"
			if w.WorkloadKind == "Compose service" {
				s.Runtime = "Compose"
			}
		}
	}
	if !s.PersonSet("exposure") {
		s.Exposure = exposure
	}
}

// hold asks for a word where more than half of what the source showed would be gone.
func (d *differ) hold() {
	live := 0
	for _, b := range d.r.Bindings {
		if b.GoneAt == nil {
			live++
		}
	}
	gone := len(d.p.Writes.Ended.Bindings)
	d.p.Held = gone >= 3 && 2*gone > live && !d.choices.AcceptBig
}

func evidenceJSON(list []model.Evidence) (inventory.Evidence, error) {
	b, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("encode evidence: %w", err)
	}
	return inventory.Evidence(b), nil
}
