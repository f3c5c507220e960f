package predicate

import (
	"cmp"
	"fmt"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/imports/model"
)

var (
	plainHTTP   = check{"TLS-1", "no_plain_http", catalogue.File, "TLS, or a redirect to it", nil}
	oldVersions = check{"TLS-2", "modern_versions", catalogue.Mesh, "TLS 1.2 or newer", nil}
	described   = check{"API-5", "described", catalogue.OpenAPI, "an OpenAPI document", nil}
	states      = check{"API-5", "states_security", catalogue.OpenAPI, "every operation states its security", nil}
	anonymous   = check{"IAM-1", "refuses_anonymous", catalogue.OpenAPI, "credentials, or the statement that the operation is public", nil}
)

// EndpointName is how the inventory names a way in from outside.
func EndpointName(e *model.Exposure) string { return cmp.Or(e.Address, e.Name) }

// endpoints judges each way in. Files can only refute here: that nothing plain is declared does not show that TLS is.
func endpoints(set *Set, service int64, s *subject) []evidence.Evidence {
	type answers struct{ plain, old seen }
	byName, order := map[string]*answers{}, []string{}
	for i := range s.Exposures {
		e := &s.Exposures[i]
		if e.Scope != "all" || e.Ephemeral {
			continue
		}
		name := EndpointName(e)
		a := byName[name]
		if a == nil {
			a = &answers{silent, silent}
			byName[name], order = a, append(order, name)
		}
		if e.TLS == model.No && !e.Redirects {
			a.plain = fail(e.At, "%s is served over plain HTTP by %s, without a redirect", name, e.Name)
		}
		if e.MinTLS == "TLS1.0" || e.MinTLS == "TLS1.1" {
			a.old = fail(e.At, "%s states that it accepts %s", e.Name, e.MinTLS)
		}
	}
	var rows []evidence.Evidence
	for _, name := range order {
		part := evidence.PartOf(catalogue.Endpoint, name)
		rows = append(rows, set.row(service, plainHTTP, part, byName[name].plain), set.row(service, oldVersions, part, byName[name].old))
	}
	return rows
}

// maxOpen is how many operations without a statement are named one by one.
const maxOpen = 200

// OperationName is how the inventory names an operation.
func OperationName(method, route string) string { return method + " " + route }

// documents judges what API documents state. They refute, or show that they state; they never prove what is enforced.
func documents(set *Set) []evidence.Evidence {
	type tally struct{ all, open int }
	count := map[int64]*tally{}
	var rows []evidence.Evidence
	known := map[string]bool{}
	for _, o := range set.Inspection.Operations {
		service := set.DocumentOf(o.Input)
		if service == 0 {
			continue
		}
		t := count[service]
		if t == nil {
			t = &tally{}
			count[service] = t
		}
		if !known[o.Input] {
			known[o.Input] = true
			rows = append(rows, set.row(service, described, evidence.PartOf(catalogue.Document, o.Input), pass(o.Input, "%s", cmp.Or(o.Document, o.Input))))
		}
		t.all++
		part := evidence.PartOf(catalogue.Operation, OperationName(o.Method, o.Path))
		if o.Stated {
			rows = append(rows, set.row(service, states, part, silent), set.row(service, anonymous, part, silent))
			continue
		}
		if t.open++; t.open <= maxOpen {
			words := fmt.Sprintf("%s %s states nothing about credentials", o.Method, o.Path)
			rows = append(rows, set.row(service, states, part, fail(o.At, "%s", words)), set.row(service, anonymous, part, fail(o.At, "%s: by the document anybody may call it", words)))
		}
	}
	for service, t := range count {
		answer := silent
		if t.open == 0 {
			answer = pass("", "all %d operations state their security", t.all)
		}
		rows = append(rows, set.row(service, states, "", answer))
	}
	return rows
}
