package kubernetes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	security "istio.io/api/security/v1"

	"muster/internal/imports/model"
)

// admission puts together what the policies that cover a workload let in. Only ALLOW lets anybody in; a DENY may
// still demand a token, and CUSTOM hands the question to somebody else.
func (w *world) admission(l *workload) model.Admission {
	a := model.Admission{DemandsToken: model.Unknown, Named: true}
	var first, denyAll, allowAll string
	tokenless, demanded := false, false
	for _, p := range w.mesh.policies {
		if !w.covers(p, l) {
			continue
		}
		first = cmp.Or(first, p.at())
		switch p.spec.GetAction() {
		case security.AuthorizationPolicy_DENY:
			demanded = demanded || slices.ContainsFunc(p.spec.GetRules(), deniesTokenless)
		case security.AuthorizationPolicy_ALLOW:
			a.Allows++
			if len(p.spec.GetRules()) == 0 {
				a.DenyAll, denyAll = true, cmp.Or(denyAll, p.at())
			}
			for _, r := range p.spec.GetRules() {
				a.Named = a.Named && names(r, p.namespace)
				tokenless = tokenless || !asksToken(r)
				if everybody(r) {
					a.AllowAll, allowAll = true, cmp.Or(allowAll, p.at())
				}
			}
		}
	}
	a.Named = a.Named && a.Allows > 0
	a.RequestAuth = w.readsTokens(l)
	a.At = cmp.Or(allowAll, denyAll, first)
	switch {
	case demanded || (!tokenless && w.allowsSomething(l)):
		a.DemandsToken = model.Yes
	case tokenless:
		a.DemandsToken = model.No
	}
	return a
}

func (w *world) allowsSomething(l *workload) bool {
	return slices.ContainsFunc(w.mesh.policies, func(p authorizationPolicy) bool {
		return p.spec.GetAction() == security.AuthorizationPolicy_ALLOW && len(p.spec.GetRules()) > 0 && w.covers(p, l)
	})
}

// readsTokens reports whether a RequestAuthentication checks the tokens of requests to a workload.
func (w *world) readsTokens(l *workload) bool {
	return slices.ContainsFunc(w.mesh.tokens, func(t requestAuthentication) bool { return w.reads(t, l) })
}

func (w *world) reads(t requestAuthentication, l *workload) bool {
	return w.selects(scope{t.object, t.spec.GetSelector().GetMatchLabels(), append(slices.Clone(t.spec.GetTargetRefs()), t.spec.GetTargetRef())}, l)
}

// words lists whose tokens are read.
func (t requestAuthentication) words() string {
	var issuers []string
	for _, r := range t.spec.GetJwtRules() {
		issuers = append(issuers, r.GetIssuer())
	}
	return strings.Join(issuers, ", ")
}

// words says in short what a policy does.
func (p authorizationPolicy) words() string {
	rules := p.spec.GetRules()
	switch p.spec.GetAction() {
	case security.AuthorizationPolicy_DENY:
		return "denies by " + countRules(len(rules))
	case security.AuthorizationPolicy_CUSTOM:
		return "asks " + cmp.Or(p.spec.GetProvider().GetName(), "another service")
	case security.AuthorizationPolicy_AUDIT:
		return "records by " + countRules(len(rules))
	}
	switch {
	case len(rules) == 0:
		return "denies all"
	case slices.ContainsFunc(rules, everybody):
		return "allows everyone"
	}
	var named []string
	for _, r := range rules {
		for _, f := range r.GetFrom() {
			for _, principal := range principals(f.GetSource(), p.namespace) {
				named = append(named, principal[strings.LastIndexByte(principal, '/')+1:])
			}
			for _, namespace := range f.GetSource().GetNamespaces() {
				named = append(named, "namespace "+namespace)
			}
		}
	}
	slices.Sort(named)
	if named = slices.Compact(named); len(named) == 0 {
		return "allows by " + countRules(len(rules))
	}
	return "allows " + strings.Join(named[:min(len(named), 20)], ", ")
}

func countRules(n int) string {
	if n == 1 {
		return "1 rule"
	}
	return fmt.Sprintf("%d rules", n)
}

// deniesTokenless reports whether a rule of a DENY policy turns away every request without a signed token.
func deniesTokenless(r *security.Rule) bool {
	if !anywhere(r) || len(r.GetWhen()) > 0 {
		return false
	}
	return slices.ContainsFunc(r.GetFrom(), func(f *security.Rule_From) bool {
		s := f.GetSource()
		others := len(s.GetPrincipals()) + len(s.GetNamespaces()) + len(s.GetIpBlocks()) + len(s.GetRemoteIpBlocks()) + len(s.GetServiceAccounts()) +
			len(s.GetNotPrincipals()) + len(s.GetNotNamespaces()) + len(s.GetNotIpBlocks()) + len(s.GetNotRemoteIpBlocks())
		return slices.Contains(s.GetNotRequestPrincipals(), "*") && others == 0
	})
}

// asksToken reports whether a rule of an ALLOW policy matches only requests with a signed token.
func asksToken(r *security.Rule) bool {
	for _, c := range r.GetWhen() {
		if strings.HasPrefix(c.GetKey(), "request.auth.") && len(c.GetValues()) > 0 {
			return true
		}
	}
	return len(r.GetFrom()) > 0 && !slices.ContainsFunc(r.GetFrom(), func(f *security.Rule_From) bool { return len(f.GetSource().GetRequestPrincipals()) == 0 })
}

// names reports whether a rule says who calls: each of its alternatives names principals or namespaces.
func names(r *security.Rule, namespace string) bool {
	for _, c := range r.GetWhen() {
		if slices.Contains([]string{"source.principal", "source.namespace", "source.serviceAccount"}, c.GetKey()) && specific(c.GetValues()) {
			return true
		}
	}
	return len(r.GetFrom()) > 0 && !slices.ContainsFunc(r.GetFrom(), func(f *security.Rule_From) bool {
		return !specific(principals(f.GetSource(), namespace)) && !specific(f.GetSource().GetNamespaces())
	})
}

func specific(list []string) bool { return len(list) > 0 && !slices.Contains(list, "*") }

// everybody reports whether a rule lets in whoever calls, whatever the request.
func everybody(r *security.Rule) bool {
	if len(r.GetWhen()) > 0 || !anywhere(r) {
		return false
	}
	return len(r.GetFrom()) == 0 || slices.ContainsFunc(r.GetFrom(), func(f *security.Rule_From) bool {
		s := f.GetSource()
		open := func(list []string) bool { return !specific(list) }
		return open(s.GetPrincipals()) && open(s.GetNamespaces()) && len(s.GetServiceAccounts()) == 0 && len(s.GetRequestPrincipals()) == 0 &&
			len(s.GetNotRequestPrincipals()) == 0 && openBlocks(s.GetIpBlocks()) && openBlocks(s.GetRemoteIpBlocks())
	})
}

func openBlocks(blocks []string) bool {
	return len(blocks) == 0 || slices.Contains(blocks, "0.0.0.0/0")
}

// anywhere reports whether a rule speaks about every operation.
func anywhere(r *security.Rule) bool {
	if len(r.GetTo()) == 0 {
		return true
	}
	return slices.ContainsFunc(r.GetTo(), func(t *security.Rule_To) bool {
		o := t.GetOperation()
		all := func(list []string) bool {
			return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, "/*")
		}
		return all(o.GetPaths()) && all(o.GetMethods()) && all(o.GetHosts()) && len(o.GetPorts()) == 0 &&
			len(o.GetNotPaths())+len(o.GetNotMethods())+len(o.GetNotHosts())+len(o.GetNotPorts()) == 0
	})
}
