package demo

import "math/rand/v2"

// The parts of the story at which something happens.
const (
	incident  = 0.50 // the night in which the mesh stood still, and everything was opened to get payments through
	recovered = 0.61
)

// steps are when one service got better, as parts of the story.
type steps struct {
	probes, limits, hardened, account float64
}

// zone is when a namespace got better.
type zone struct {
	mesh, strict, named, network float64
}

// plan is when what changes in the company's files. It comes from the seed; nothing else in the files is left to chance.
type plan struct {
	services map[string]steps
	zones    map[string]zone

	portalTLS, tokens, autoscaled, resilience, encrypted, compose float64
}

func newPlan(rng *rand.Rand) *plan {
	about := func(part float64) float64 { return part + 0.06*rng.Float64() }
	p := &plan{services: map[string]steps{}, zones: map[string]zone{}, portalTLS: about(0.20), tokens: about(0.66), autoscaled: about(0.62), resilience: about(0.76), encrypted: about(0.38), compose: about(0.55)}
	for i := range cast {
		s := &cast[i]
		first := steps{probes: about(0.05), limits: about(0.10), hardened: about(0.28), account: about(0.24)}
		switch {
		case s.name == "payments-db":
			first.hardened = 2 // accepted for now: it never happens
		case s.store:
			first.hardened = about(0.66)
		case s.namespace == "shop":
			first.limits, first.hardened, first.account = about(0.30), about(0.68), about(0.60)
		}
		if s.name == "instant-loans" {
			first = steps{probes: 0.80, limits: 0.88, hardened: 2, account: 0.86}
		}
		p.services[s.name] = first
	}
	p.zones["edge"] = zone{mesh: 0.08, strict: 2, named: 2, network: about(0.64)}
	p.zones["payments"] = zone{mesh: 0.12, strict: about(0.20), named: about(0.28), network: about(0.34)}
	p.zones["accounts"] = zone{mesh: 0.22, strict: about(0.32), named: about(0.40), network: about(0.44)}
	p.zones["shop"] = zone{mesh: 0.40, strict: about(0.70), named: about(0.78), network: about(0.82)}
	return p
}

// broken reports whether the part lies between the incident and the day when so much of it was mended.
func broken(at, mended float64) bool { return at >= incident && at < mended }

// limited reports whether a service has limits: during the incident those of the payment path were lifted.
func (p *plan) limited(s *service, at float64) bool {
	lifted := s.namespace == "payments" && !s.store && broken(at, recovered)
	return at >= p.services[s.name].limits && !lifted
}

// strict reports whether a namespace refuses plain text.
func (p *plan) strict(namespace string, at float64) bool {
	opened := (namespace == "payments" && broken(at, 0.59)) || (namespace == "accounts" && broken(at, 0.56))
	return at >= p.zones[namespace].strict && !opened
}

// open reports whether a namespace's policies were switched off to get payments through.
func (p *plan) open(namespace string, at float64) bool {
	return namespace == "payments" && broken(at, 0.58) || namespace == "accounts" && broken(at, 0.55)
}

// sideDoor reports whether the payment API had a plain load balancer of its own.
func (p *plan) sideDoor(at float64) bool { return broken(at, 0.56) }

// tag is the image's tag: a release a month, and for a while one service followed whatever was newest.
func (p *plan) tag(s *service, at float64) string {
	if s.name == "fraud-scoring" && (at < 0.10 || broken(at, 0.60)) {
		return "latest"
	}
	month := min(int(12*at), 11)
	if s.store {
		return s.major + "." + itoa(2+month/4)
	}
	return s.major + "." + itoa(1+month) + "." + itoa(len(s.name)%4)
}

// secrets are what stands in clear in a service's files.
func (p *plan) secrets(s *service, at float64) [][2]string {
	switch {
	case s.name == "payout-worker" && at < 0.14:
		return [][2]string{{"BANK_API_KEY", "made-up-for-the-demo-1"}}
	case s.name == "kyc-checks" && at >= incident+0.02 && at < 0.57:
		return [][2]string{{"AWS_SECRET_ACCESS_KEY", "made-up-for-the-demo-2"}}
	case s.name == "instant-loans" && at < 0.84:
		return [][2]string{{"PARTNER_API_TOKEN", "made-up-for-the-demo-3"}}
	}
	return nil
}
