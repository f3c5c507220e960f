package kubernetes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/imports/model"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// finish sorts what several objects added, and states the facts.
func (l *workload) finish() {
	s := &l.out
	slices.Sort(s.ServiceNames)
	slices.Sort(s.NetworkPolicies)
	slices.Sort(s.AuthorizationPolicies)
	slices.SortFunc(s.Exposures, func(a, b model.Exposure) int {
		return cmp.Or(cmp.Compare(a.Via, b.Via), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address), cmp.Compare(a.At, b.At))
	})
	for _, c := range s.Containers {
		if !c.Init {
			l.containerFacts(c)
		}
	}
	for _, p := range s.Ports {
		l.state(model.FactPort, p.Name, fmt.Sprintf("%d/%s", p.Port, p.Protocol), s.At)
	}
	if s.Replicas != nil {
		l.state(model.FactReplicas, "", fmt.Sprint(*s.Replicas), s.At)
	}
	l.state(model.FactServiceAccount, "", s.ServiceAccount, s.At)
	l.hostFacts()
	for _, e := range s.Exposures {
		l.state(model.FactExposure, e.Via+" "+e.Name, exposureWords(e), e.At)
	}
	if s.Mesh != model.Unknown {
		l.state(model.FactMesh, "", string(s.Mesh), s.At)
	}
	if s.MTLS != model.MTLSNotDeclared {
		l.state(model.FactMTLS, "", string(s.MTLS), s.MTLSAt)
	}
	for _, p := range l.policies {
		l.state(model.FactNetworkPolicy, p.name, p.words(), p.at())
	}
	s.Facts = append(s.Facts, l.meshFacts...)
	for _, secret := range s.LiteralSecrets {
		l.state(model.FactLiteralSecret, secret.Name, secret.Source, secret.At)
	}
	if s.Datastore {
		l.state(model.FactDatastore, "", s.DatastoreKind, s.At)
	}
	for _, v := range s.Storage {
		l.state(model.FactStorage, v.Claim, storageWords(v), v.At)
	}
}

func (l *workload) state(key, part, value, at string) {
	l.out.Facts = append(l.out.Facts, model.Fact{Key: key, Part: part, Value: value, At: at})
}

func (l *workload) containerFacts(c model.Container) {
	l.state(model.FactImage, c.Name, c.Image, c.At)
	if c.RunsAsRoot != model.Unknown {
		l.state(model.FactRunsAsRoot, c.Name, string(c.RunsAsRoot), c.At)
	}
	if c.Privileged {
		l.state(model.FactPrivileged, c.Name, "yes", c.At)
	}
	l.state(model.FactReadOnlyRoot, c.Name, string(model.Of(c.ReadOnlyRoot)), c.At)
	if c.AllowPrivilegeEscalation != nil {
		l.state(model.FactEscalation, c.Name, string(model.Of(*c.AllowPrivilegeEscalation)), c.At)
	}
	var capabilities []string
	if c.DropsAllCaps {
		capabilities = append(capabilities, "drop ALL")
	}
	for _, add := range c.CapAdd {
		capabilities = append(capabilities, "add "+add)
	}
	if len(capabilities) > 0 {
		l.state(model.FactCapabilities, c.Name, strings.Join(capabilities, ", "), c.At)
	}
	l.state(model.FactLimits, c.Name, listWords([]clause{{c.CPULimit, "CPU"}, {c.MemoryLimit, "memory"}}), c.At)
	l.state(model.FactProbes, c.Name, listWords([]clause{{c.Liveness, "liveness"}, {c.Readiness, "readiness"}}), c.At)
}

// clause is a word and whether it holds.
type clause struct {
	holds bool
	word  string
}

func listWords(words []clause) string {
	var held []string
	for _, w := range words {
		if w.holds {
			held = append(held, w.word)
		}
	}
	if len(held) == 0 {
		return "none"
	}
	return strings.Join(held, ", ")
}

func (l *workload) hostFacts() {
	s := &l.out
	for _, h := range []clause{{s.HostNetwork, "host network"}, {s.HostPID, "host process ids"}, {s.HostIPC, "host IPC"}} {
		if h.holds {
			l.state(model.FactHostAccess, h.word, "yes", s.At)
		}
	}
	for _, path := range s.HostPaths {
		l.state(model.FactHostAccess, "host path "+path, "yes", s.At)
	}
}

var viaWords = map[string]string{
	"load_balancer": "load balancer", "node_port": "node port", "ingress": "ingress", "gateway": "gateway route", "host_port": "port of the host",
}

func exposureWords(e model.Exposure) string {
	words := viaWords[e.Via]
	if e.Address != "" {
		words += " " + e.Address
	}
	if e.Scope != "all" {
		words += ", " + e.Scope + " only"
	}
	switch e.TLS {
	case model.Yes:
		words += ", TLS"
	case model.No:
		words += ", plain HTTP"
	}
	return words
}

func (p *networkPolicy) words() string {
	var words []string
	if p.ingress {
		words = append(words, ruleWords(len(p.spec.Ingress), "in"))
	}
	if p.egress {
		words = append(words, ruleWords(len(p.spec.Egress), "out"))
	}
	return strings.Join(words, ", ")
}

func ruleWords(n int, direction string) string {
	switch n {
	case 0:
		return "nothing " + direction
	case 1:
		return "1 rule " + direction
	}
	return fmt.Sprintf("%d rules %s", n, direction)
}

func storageWords(v model.Storage) string {
	words := "the cluster's default class"
	if v.Class != "" {
		words = "class " + v.Class
	}
	switch v.Encrypted {
	case model.Yes:
		return words + ", encrypted"
	case model.No:
		return words + ", not encrypted"
	case model.Unknown:
	}
	return words
}
