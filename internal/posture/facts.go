package posture

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/control/predicate"
	"muster/internal/inventory"
)

// compose is the kind of a Compose file's workloads.
const compose = "Compose service"

// factsOf says what is known of a service in one environment. Nothing is concluded from silence: "no known caller" is
// not "no callers", and a port that no file names may still be open.
func factsOf(s *inventory.Standing) *control.Facts {
	v := &s.Service
	f := &control.Facts{Live: v.RetiredAt == nil, Tier: v.Tier, Is: map[string]bool{}, Parts: map[catalogue.Part][]string{}}
	if v.Exposure != inventory.ExposureUnknown {
		f.Exposure = string(v.Exposure)
	}
	if v.DataClasses != "" {
		f.Data = v.Classes()
	}
	addParts(f, s)
	addWorkloads(f, s)
	addWays(f, s)
	return f
}

// addParts lists what evidence may speak about one by one. The inventory knows which of them are live: a kind of which
// none is left is listed as empty, so that what was said of its last one is proven gone.
func addParts(f *control.Facts, s *inventory.Standing) {
	for _, kind := range []catalogue.Part{catalogue.Workload, catalogue.Endpoint, catalogue.Operation, catalogue.Document} {
		f.Parts[kind] = []string{}
	}
	for _, b := range s.Bindings {
		f.Parts[catalogue.Workload] = append(f.Parts[catalogue.Workload], b.Workload())
	}
	for _, e := range s.Endpoints {
		if e.Via != "service" && e.Scope == "all" {
			f.Parts[catalogue.Endpoint] = append(f.Parts[catalogue.Endpoint], e.Address)
		} else {
			f.Inside = append(f.Inside, e.Address)
		}
	}
	for _, o := range s.Operations {
		f.Parts[catalogue.Operation] = append(f.Parts[catalogue.Operation], predicate.OperationName(o.Method, o.Route))
		f.Parts[catalogue.Document] = append(f.Parts[catalogue.Document], o.Path)
	}
	for kind, names := range f.Parts {
		slices.Sort(names)
		f.Parts[kind] = slices.Compact(names)
	}
	slices.Sort(f.Inside)
	f.Inside = slices.Compact(f.Inside)
}

// addWorkloads says what the kinds of the workloads decide.
func addWorkloads(f *control.Facts, s *inventory.Standing) {
	if len(s.Bindings) == 0 {
		if s.Service.Kind == inventory.KindDatastore {
			f.Is["datastore"] = true
		}
		return
	}
	kubernetes, batch := true, true
	for _, b := range s.Bindings {
		kubernetes = kubernetes && b.Kind != compose
		batch = batch && (b.Kind == "Job" || b.Kind == "CronJob")
		if f.Place.Workload == "" || cmp.Compare(b.Name, f.Place.Workload) < 0 {
			f.Place = control.Place{Namespace: b.Namespace, Workload: b.Name}
		}
	}
	f.Is["container"], f.Is["kubernetes"], f.Is["orchestrated"] = true, kubernetes, kubernetes
	// A program that claims no volume keeps nothing on disk that outlives it.
	f.Is["datastore"] = s.Service.Kind == inventory.KindDatastore || s.Storage > 0
	if !kubernetes && !f.Is["datastore"] {
		delete(f.Is, "datastore") // Compose volumes are not read as claims
	}
	if batch && s.Ports == 0 && s.Callers == 0 && len(s.Operations) == 0 && len(s.Endpoints) == 0 {
		f.Is["interface"] = false // it runs to its end and opens nothing
	}
}

// addWays says how it can be reached and whom it reaches.
func addWays(f *control.Facts, s *inventory.Standing) {
	yes := func(name string, holds bool) {
		if holds {
			f.Is[name] = true
		}
	}
	ways := len(f.Parts[catalogue.Endpoint]) > 0
	yes("interface", s.Ports > 0 || len(s.Endpoints) > 0 || len(s.Operations) > 0 || s.Callers > 0)
	yes("callers", s.Callers > 0)
	yes("callees", s.Callees > 0)
	yes("endpoints", ways)
	yes("exposed", ways)
	yes("operations", len(s.Operations) > 0)
	yes("http_api", len(s.Operations) > 0)
	yes("repository", s.Service.Repository != "")
	if s.Service.Exposure == inventory.Internal && s.Service.PersonSet("exposure") && !ways {
		f.Is["exposed"], f.Is["web"] = false, false // a person says that nobody outside can reach it, and no file disagrees
	}
	for _, word := range strings.Fields(s.Service.Labels) {
		if key, value, found := strings.Cut(word, "="); found && traits[key] && (value == "yes" || value == "no") {
			f.Is[key] = value == "yes"
		}
	}
}

// traits are facts that only a person knows; a label such as "end_users=no" states them.
var traits = map[string]bool{"passwords": true, "end_users": true, "sign_in": true, "tokens": true, "api_keys": true, "keys": true, "credentials": true, "repository": true, "callers": true, "callees": true}
