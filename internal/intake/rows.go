package intake

import (
	"cmp"
	"fmt"
	"slices"

	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// facts compares what the files state with what is recorded. A changed value ends the row and begins another.
func (d *differ) facts() {
	type identity struct {
		service              int64
		workload, key, value string
		part                 string
	}
	type slot struct {
		service             int64
		workload, key, part string
	}
	have := map[identity]*inventory.Fact{}
	for i := range d.r.Facts {
		f := &d.r.Facts[i]
		have[identity{f.ServiceID, f.Workload, f.Key, f.Value, f.Part}] = f
	}
	kept := map[int64]bool{}
	added := map[slot]inventory.Fact{}
	for i := range d.x.Services {
		s := &d.x.Services[i]
		service := d.byWorkload[s.Name]
		b := inventory.Binding{Kind: s.WorkloadKind, Namespace: s.Namespace, Name: baseName(s)}
		for _, f := range s.Facts {
			path, line := model.SplitAt(f.At)
			id := identity{service, b.Workload(), f.Key, f.Value, f.Part}
			if old := have[id]; old != nil {
				if old.ID != 0 && !kept[old.ID] && (old.Path != path || old.Line != line) {
					d.move(old.ID, path, line)
				}
				kept[old.ID] = true
				continue
			}
			row := inventory.Fact{ServiceID: service, SourceID: d.source.ID, Workload: b.Workload(), Key: f.Key, Part: f.Part, Value: f.Value, Path: path, Line: line, FirstSeen: d.now, LastSeen: d.now}
			have[id] = &row
			added[slot{service, row.Workload, f.Key, f.Part}] = row
			d.p.Writes.NewFacts = append(d.p.Writes.NewFacts, row)
		}
	}
	for i := range d.r.Facts {
		old := &d.r.Facts[i]
		if kept[old.ID] {
			d.p.Writes.Seen.Facts = append(d.p.Writes.Seen.Facts, old.ID)
			d.p.Facts.Unchanged++
			continue
		}
		d.p.Writes.Ended.Facts = append(d.p.Writes.Ended.Facts, old.ID)
		d.touch(old.ServiceID)
		at := slot{old.ServiceID, old.Workload, old.Key, old.Part}
		if fresh, ok := added[at]; ok {
			delete(added, at)
			d.p.Facts.Changed++
			d.line(KindChanged, old.ServiceID, worse(old.Key, old.Value, fresh.Value), model.At(fresh.Path, fresh.Line), "%s: %s → %s", factWords(old), old.Value, fresh.Value)
			continue
		}
		d.p.Facts.Gone++
		if d.stays(old.Workload) {
			d.line(KindGone, old.ServiceID, worse(old.Key, old.Value, ""), "", "%s: %s is no longer stated", factWords(old), old.Value)
		}
	}
	for _, f := range d.p.Writes.NewFacts {
		if _, ok := added[slot{f.ServiceID, f.Workload, f.Key, f.Part}]; !ok {
			continue
		}
		d.p.Facts.Created++
		if f.ServiceID > 0 && d.wasThere(f.Workload) {
			d.touch(f.ServiceID)
			d.line(KindNew, f.ServiceID, worse(f.Key, "", f.Value), model.At(f.Path, f.Line), "%s: %s", factWords(&f), f.Value)
		}
	}
}

func (d *differ) move(id int64, path string, line int) {
	if d.p.Writes.Moved == nil {
		d.p.Writes.Moved = map[int64]inventory.Place{}
	}
	d.p.Writes.Moved[id] = inventory.Place{Path: path, Line: line}
}

// stays reports whether a workload is in these files, so that single facts of it are worth a line.
func (d *differ) stays(workload string) bool { return d.here[workload] }

func (d *differ) wasThere(workload string) bool { return d.there[workload] }

func factWords(f *inventory.Fact) string {
	if f.Part == "" {
		return inventory.FactName(f.Key)
	}
	return inventory.FactName(f.Key) + " " + f.Part
}

// worse reports whether a change of a fact raises risk; "" is a fact that is not there.
func worse(key, before, after string) bool {
	switch key {
	case model.FactRunsAsRoot, model.FactPrivileged, model.FactEscalation:
		return after == "yes"
	case model.FactHostAccess, model.FactLiteralSecret, model.FactExposure:
		return after != ""
	case model.FactReadOnlyRoot, model.FactMesh:
		return before == "yes"
	case model.FactMTLS:
		order := []string{"disable", "", "permissive", "strict"}
		return slices.Index(order, after) < slices.Index(order, before)
	case model.FactNetworkPolicy, model.FactAuthorization, model.FactRequestAuth:
		return after == ""
	}
	return false
}

// endpoints are the ways in from outside and the ports that Services open.
func (d *differ) endpoints() {
	type identity struct {
		service             int64
		via, address, scope string
		tls                 string
	}
	have, kept := map[identity]int64{}, map[int64]bool{}
	for _, e := range d.r.Endpoints {
		have[identity{e.ServiceID, e.Via, e.Address, e.Scope, e.TLS}] = e.ID
	}
	add := func(service int64, via, address, scope, tls, at string) {
		id := identity{service, via, address, scope, tls}
		if old, ok := have[id]; ok {
			kept[old] = true
			return
		}
		have[id] = 0
		path, line := model.SplitAt(at)
		d.p.Writes.NewEndpoints = append(d.p.Writes.NewEndpoints, inventory.Endpoint{ServiceID: service, EnvironmentID: d.source.EnvironmentID, SourceID: &d.source.ID,
			Address: address, Scope: scope, TLS: tls, Via: via, Path: path, Line: line, FirstSeen: d.now, LastSeen: d.now})
		if service > 0 {
			d.touch(service)
		}
	}
	for i := range d.x.Services {
		s := &d.x.Services[i]
		for _, e := range s.Exposures {
			if !e.Ephemeral {
				add(d.byWorkload[s.Name], e.Via, cmp.Or(e.Address, e.Name), e.Scope, string(e.TLS), e.At)
			}
		}
		for _, name := range s.ServiceNames {
			for _, p := range s.ServicePorts {
				add(d.byWorkload[s.Name], "service", fmt.Sprintf("%s.%s:%d", name, s.Namespace, p.Port), "internal", "unknown", s.At)
			}
		}
	}
	for _, e := range d.r.Endpoints {
		if kept[e.ID] {
			d.p.Writes.Seen.Endpoints = append(d.p.Writes.Seen.Endpoints, e.ID)
			continue
		}
		d.p.Writes.Ended.Endpoints = append(d.p.Writes.Ended.Endpoints, e.ID)
		d.touch(e.ServiceID)
	}
}

type pairOf struct {
	from, to int64
	kind     string
}

var basisRank = map[string]int{"ordering": 0, "allowed": 1, "declared": 2, "observed": 3}

// wanted folds the calls between workloads into calls between services: the strongest basis, the weakest protection.
func (d *differ) wanted() (map[pairOf]*model.Dependency, []pairOf) {
	want, order := map[pairOf]*model.Dependency{}, []pairOf{}
	for _, c := range d.x.Dependencies {
		p := pairOf{d.byWorkload[c.From], d.byWorkload[c.To], c.Kind}
		if p.from == p.to || p.from == 0 || p.to == 0 {
			continue
		}
		have := want[p]
		if have == nil {
			copied := c
			copied.Evidence = slices.Clone(c.Evidence)
			want[p] = &copied
			order = append(order, p)
			continue
		}
		if basisRank[c.Basis] > basisRank[have.Basis] {
			have.Basis = c.Basis
		}
		have.Evidence = append(have.Evidence, c.Evidence...)
		have.Transport = weakest([]string{"none", "unknown", "tls", "mtls"}, have.Transport, c.Transport)
		have.Authentication = weakest([]string{"none", "unknown", "api_key", "jwt", "oidc", "mtls"}, have.Authentication, c.Authentication)
		have.Authorization = weakest([]string{"default_allow", "unknown", "policy", "denied"}, have.Authorization, c.Authorization)
	}
	return want, order
}

func weakest(order []string, a, b string) string {
	if slices.Index(order, a) <= slices.Index(order, b) {
		return a
	}
	return b
}

func (d *differ) calls() error {
	want, order := d.wanted()
	have := map[pairOf]*inventory.Dependency{}
	for i := range d.r.Dependencies {
		c := &d.r.Dependencies[i]
		have[pairOf{c.FromID, c.ToID, c.Kind}] = c
	}
	for _, p := range order {
		if err := d.call(p, want[p], have[p]); err != nil {
			return err
		}
	}
	for i := range d.r.Dependencies {
		c := &d.r.Dependencies[i]
		if want[pairOf{c.FromID, c.ToID, c.Kind}] == nil {
			d.p.Writes.Ended.Dependencies = append(d.p.Writes.Ended.Dependencies, c.ID)
			d.p.Dependencies.Gone++
			d.touch(c.FromID)
			d.line(KindGone, c.FromID, false, "", "no longer calls %s", d.p.names[c.ToID])
		}
	}
	return nil
}

func (d *differ) call(p pairOf, w *model.Dependency, old *inventory.Dependency) error {
	evidence, err := evidenceJSON(w.Evidence)
	if err != nil {
		return err
	}
	row := inventory.Dependency{EnvironmentID: d.source.EnvironmentID, SourceID: &d.source.ID, FromID: p.from, ToID: p.to, Kind: p.kind, Basis: w.Basis, Protocol: w.Protocol, Port: w.Port,
		Transport: w.Transport, Authentication: w.Authentication, Authorization: w.Authorization, Evidence: string(evidence), FirstSeen: d.now, LastSeen: d.now}
	at := ""
	if len(w.Evidence) > 0 {
		at = w.Evidence[0].At
	}
	if old == nil {
		d.p.Dependencies.Created++
		d.p.Writes.NewDependencies = append(d.p.Writes.NewDependencies, row)
		d.touch(p.from)
		d.line(KindNew, p.from, w.Transport == "none", at, "calls %s: %s", d.p.names[p.to], inventory.EdgePhrase(&row).Text)
		return nil
	}
	same := old.Basis == row.Basis && old.Protocol == row.Protocol && old.Port == row.Port && old.Transport == row.Transport && old.Authentication == row.Authentication && old.Authorization == row.Authorization
	if same {
		d.p.Dependencies.Unchanged++
		d.p.Writes.Seen.Dependencies = append(d.p.Writes.Seen.Dependencies, old.ID)
		if old.Evidence != row.Evidence {
			if d.p.Writes.Lines == nil {
				d.p.Writes.Lines = map[int64]inventory.Evidence{}
			}
			d.p.Writes.Lines[old.ID] = evidence
		}
		return nil
	}
	d.p.Dependencies.Changed++
	d.p.Writes.Ended.Dependencies = append(d.p.Writes.Ended.Dependencies, old.ID)
	row.FirstSeen = old.FirstSeen
	d.p.Writes.NewDependencies = append(d.p.Writes.NewDependencies, row)
	d.touch(p.from)
	d.line(KindChanged, p.from, row.Transport == "none" || row.Authorization == "default_allow", at, "call to %s: %s → %s", d.p.names[p.to], inventory.EdgePhrase(old).Text, inventory.EdgePhrase(&row).Text)
	return nil
}

// operations belong to the service that the files name, or a person chose; else to nobody yet.
func (d *differ) operations() {
	owner := map[string]int64{}
	for _, o := range d.x.Operations {
		if _, known := owner[o.Input]; known {
			continue
		}
		owner[o.Input] = d.ownerOf(o)
		d.p.Documents = append(d.p.Documents, Document{Path: o.Input, Title: o.Document, Service: owner[o.Input]})
	}
	type identity struct {
		service                       int64
		path, method, route, security string
		stated                        bool
	}
	have, kept := map[identity]int64{}, map[int64]bool{}
	for _, o := range d.r.Operations {
		id := int64(0)
		if o.ServiceID != nil {
			id = *o.ServiceID
		}
		have[identity{id, o.Path, o.Method, o.Route, o.Security, o.Stated}] = o.ID
	}
	count := map[string]int{}
	for _, o := range d.x.Operations {
		count[o.Input]++
		service := owner[o.Input]
		if old, ok := have[identity{service, o.Input, o.Method, o.Path, o.Security, o.Stated}]; ok {
			kept[old] = true
			continue
		}
		_, line := model.SplitAt(o.At)
		row := inventory.Operation{SourceID: d.source.ID, Document: o.Document, Method: o.Method, Route: o.Path, Security: o.Security, Stated: o.Stated, Path: o.Input, Line: line, FirstSeen: d.now, LastSeen: d.now}
		if service != 0 {
			row.ServiceID = &service
			d.touch(service)
		}
		d.p.Writes.NewOperations = append(d.p.Writes.NewOperations, row)
	}
	for i := range d.p.Documents {
		doc := &d.p.Documents[i]
		doc.Operations = count[doc.Path]
	}
	gone := 0
	for _, o := range d.r.Operations {
		if kept[o.ID] {
			d.p.Writes.Seen.Operations = append(d.p.Writes.Seen.Operations, o.ID)
			continue
		}
		gone++
		d.p.Writes.Ended.Operations = append(d.p.Writes.Ended.Operations, o.ID)
	}
	if n := len(d.p.Writes.NewOperations); n > 0 || gone > 0 {
		d.p.Lines = append(d.p.Lines, Line{Kind: KindChanged, Subject: "API documents", Text: fmt.Sprintf("%d operations new or changed, %d no longer listed", n, gone)})
	}
}

func (d *differ) ownerOf(o model.Operation) int64 {
	if chosen, ok := d.choices.Documents[o.Input]; ok {
		if _, known := d.p.names[chosen]; !known {
			return 0 // nobody's, or a service that is not of this workspace
		}
		return chosen
	}
	for _, old := range d.r.Operations {
		if old.Path == o.Input && old.ServiceID != nil {
			return *old.ServiceID // decided before
		}
	}
	if o.Service == "" {
		return 0
	}
	for i := range d.x.Services {
		if d.x.Services[i].Group == o.Service {
			return d.byWorkload[d.x.Services[i].Name]
		}
	}
	return 0
}

func (d *differ) unresolved() {
	type identity struct {
		service    int64
		host, kind string
	}
	have, kept := map[identity]*inventory.Unresolved{}, map[int64]bool{}
	for i := range d.r.Unresolved {
		u := &d.r.Unresolved[i]
		have[identity{u.ServiceID, u.Host, u.Kind}] = u
	}
	for _, u := range d.x.Unresolved {
		service := d.byWorkload[u.From]
		if service == 0 {
			continue
		}
		id := identity{service, u.Host, u.Kind}
		if old := have[id]; old != nil {
			if old.ID == 0 || kept[old.ID] {
				continue // named twice in these files
			}
			kept[old.ID] = true
			d.p.Unresolved = append(d.p.Unresolved, *old)
			continue
		}
		path, line := model.SplitAt(u.At)
		row := inventory.Unresolved{SourceID: d.source.ID, ServiceID: service, Host: u.Host, Kind: u.Kind, Path: path, Line: line, FirstSeen: d.now, LastSeen: d.now}
		have[id] = &row
		d.p.Writes.NewUnresolved = append(d.p.Writes.NewUnresolved, row)
		d.p.Unresolved = append(d.p.Unresolved, row)
	}
	for _, u := range d.r.Unresolved {
		if kept[u.ID] {
			d.p.Writes.Seen.Unresolved = append(d.p.Writes.Seen.Unresolved, u.ID)
		} else {
			d.p.Writes.Ended.Unresolved = append(d.p.Writes.Ended.Unresolved, u.ID)
		}
	}
}

// NameOf is the name that a service has in this plan, new ones included.
func (p *Plan) NameOf(id int64) string { return p.names[id] }
