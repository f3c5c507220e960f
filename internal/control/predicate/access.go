package predicate

import (
	"regexp"
	"slices"

	"muster/internal/imports/model"
)

// noLiteralSecrets can only refute: a file without a secret does not show where the secrets are.
func noLiteralSecrets(s *subject) seen {
	if len(s.LiteralSecrets) == 0 {
		return silent
	}
	var names []string
	for _, l := range s.LiteralSecrets {
		names = append(names, l.Name)
	}
	return fail(s.LiteralSecrets[0].At, "written in clear: %s", join(names))
}

var staticKey = regexp.MustCompile(`(?i)^(AWS_(SECRET_)?ACCESS_KEY(_ID)?|AZURE_CLIENT_SECRET|AZURE_STORAGE_(ACCOUNT_)?KEY|.*SERVICE_ACCOUNT_KEY.*|GCP_.*KEY.*|GOOGLE_.*(KEY|CREDENTIALS).*|DIGITALOCEAN_.*TOKEN|.*ACCESS_KEY(_ID|_SECRET)?)$`)

func noStaticKeys(s *subject) seen {
	for _, l := range s.LiteralSecrets {
		if staticKey.MatchString(l.Name) {
			return fail(l.At, "the static key %s is written in clear", l.Name)
		}
	}
	return silent
}

func (s *subject) mountsToken() bool { return s.AutomountToken == nil || *s.AutomountToken }

func ownAccount(s *subject) seen {
	switch {
	case !s.kubernetes():
		return silent
	case s.ServiceAccount != "default":
		return pass(s.At, "service account %s", s.ServiceAccount)
	case s.mountsToken():
		return fail(s.At, "it shares the namespace's default account, whose token is mounted")
	}
	return silent
}

func noWildcard(s *subject) seen {
	if !s.kubernetes() || !s.RightsSeen {
		return silent // a binding may stand in other files
	}
	unread := len(s.Rights) == 0
	for _, r := range s.Rights {
		switch {
		case r.Role == "ClusterRole/cluster-admin" || r.Role == "cluster-admin":
			return fail(r.At, "its account is an administrator of the cluster")
		case slices.Contains(r.Verbs, "*") || slices.Contains(r.Resources, "*"):
			return fail(r.At, "%s gives a wildcard", r.Role)
		case r.ClusterWide:
			return fail(r.At, "%s holds in the whole cluster", r.Role)
		}
		unread = unread || len(r.Verbs) == 0
	}
	if unread {
		return silent // a binding is here, but what its role allows stands in other files
	}
	return pass(s.At, "its account has named rights in its namespace only")
}

func noIdleToken(s *subject) seen {
	switch {
	case !s.kubernetes():
		return silent
	case !s.mountsToken():
		return pass(s.At, "no account token is mounted")
	case len(s.Rights) > 0:
		return pass(s.At, "the mounted token is bound to rights that it needs")
	case s.ServiceAccount == "default":
		return fail(s.At, "the token of the default account is mounted, as is the default")
	}
	return silent
}

// ownWays are the ways in that no gateway watches.
var ownWays = map[string]string{"load_balancer": "load balancer", "node_port": "node port", "host_port": "port of the host", "published_port": "published port"}

func onlyThroughGateway(s *subject) seen {
	answer := silent
	for _, e := range s.Exposures {
		if e.Scope != "all" || e.Ephemeral {
			continue
		}
		word, own := ownWays[e.Via]
		switch {
		case s.Gateway:
			return pass(e.At, "it is itself the gateway")
		case own:
			return fail(e.At, "it has a %s of its own (%s)", word, e.Name)
		default:
			answer = pass(e.At, "it is reached through %s %s", e.Via, e.Name)
		}
	}
	return answer
}

func isolatedIn(s *subject) seen  { return s.isolated(s.IngressIsolated, "incoming") }
func isolatedOut(s *subject) seen { return s.isolated(s.EgressIsolated, "outgoing") }

// isolated refutes only where the files claim to hold every policy of the namespace.
func (s *subject) isolated(yes bool, direction string) seen {
	switch {
	case !s.kubernetes():
		return silent
	case yes:
		return pass(s.At, "limited for %s traffic by %s", direction, join(s.NetworkPolicies))
	case s.set.CompleteNamespaces:
		return fail(s.At, "no network policy limits its %s traffic, and these files hold all of its namespace", direction)
	}
	return silent
}

// refusesAnonymous needs both halves: the object that checks tokens lets a call without one pass.
func refusesAnonymous(s *subject) seen {
	switch {
	case s.member() && s.Admission.RequestAuth && s.Admission.DemandsToken == model.Yes:
		return pass(s.Admission.At, "a policy demands a signed token of every request")
	case s.Mesh != model.No && s.Admission.AllowAll && s.MTLS != model.MTLSStrict && s.Exposed:
		return fail(s.Admission.At, "it can be reached from outside, and a policy lets everybody in")
	}
	return silent
}

func namedCallers(s *subject) seen {
	a, strict := s.Admission, s.MTLS == model.MTLSStrict
	switch {
	case s.Mesh == model.No:
		return silent
	case a.AllowAll:
		return fail(a.At, "a policy lets everybody in")
	case !s.member() || !strict:
		return silent
	case a.Allows == 0:
		return fail(s.MTLSAt, "any member of the mesh is let in: no policy names callers")
	case a.Named:
		return pass(a.At, "every policy names its callers, and callers prove who they are by mutual TLS")
	}
	return silent
}

func deniesByDefault(s *subject) seen {
	a := s.Admission
	switch {
	case s.Mesh == model.No:
		return silent
	case a.AllowAll:
		return fail(a.At, "a policy lets everybody in")
	case !s.member():
		return silent
	case a.DenyAll:
		return pass(a.At, "a policy refuses what no other names")
	case a.Allows > 0 && a.Named:
		return pass(a.At, "only what the policies name gets in")
	}
	return silent
}

func mutualTLS(s *subject) seen {
	switch {
	case s.Mesh == model.No:
		return silent
	case s.MTLS == model.MTLSDisable:
		return fail(s.MTLSAt, "mutual TLS is switched off")
	case s.MTLS == model.MTLSPermissive:
		return fail(s.MTLSAt, "plain text is accepted beside mutual TLS")
	case s.MTLS != model.MTLSStrict:
		return silent
	}
	for _, p := range s.PortMTLS {
		if p.Mode != model.MTLSStrict {
			return fail(p.At, "port %d is excepted and accepts plain text", p.Port)
		}
	}
	if !s.member() {
		return silent
	}
	return pass(s.MTLSAt, "strict mutual TLS")
}

func timeouts(s *subject) seen {
	return s.towards("time-out", func(d model.Dependency) string { return d.TimeoutAt })
}

func breakers(s *subject) seen {
	return s.towards("circuit breaker", func(d model.Dependency) string { return d.BreakerAt })
}

// towards proves only: what the mesh does not do, the program may.
func (s *subject) towards(what string, at func(model.Dependency) string) seen {
	answer := silent
	for _, d := range s.calls {
		place := at(d)
		if place == "" || !s.member() {
			return silent
		}
		answer = pass(place, "a %s towards all %d that it calls", what, len(s.calls))
	}
	return answer
}
