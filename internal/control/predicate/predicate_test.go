package predicate_test

import (
	"strings"
	"testing"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/control/predicate"
	"muster/internal/evidence"
	"muster/internal/imports/model"
)

const (
	pass   = evidence.Pass
	fail   = evidence.Fail
	silent = evidence.Silent
)

func is[T any](v T) *T { return &v }

// setOf is an import of what the files say, all of it about service 1.
func setOf(found *model.Inspection) *predicate.Set {
	return &predicate.Set{Inspection: found, Spoken: func(*model.Service) bool { return true }, ServiceOf: func(string) int64 { return 1 }, DocumentOf: func(string) int64 { return 1 },
		WorkloadPart: func(s *model.Service) string { return s.Name }, Source: 3, Import: 9, Environment: 2, At: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
}

// workload is a Deployment of one container, of which nothing is said, changed as a case wants it.
func workload(change func(*model.Service, *model.Container)) model.Service {
	s := model.Service{Name: "w", Namespace: "n", WorkloadKind: "Deployment", ServiceAccount: "default", Mesh: model.Unknown, MTLS: model.MTLSNotDeclared, Admission: model.Admission{DemandsToken: model.Unknown}, At: "a.yaml:1"}
	c := model.Container{Name: "c", RunsAsRoot: model.Unknown, ImagePin: model.PinNone, At: "a.yaml:7"}
	change(&s, &c)
	s.Containers = append([]model.Container{c}, s.Containers...)
	return s
}

// heard is what the set says of one clause.
func heard(t *testing.T, set *predicate.Set, control, clause string) evidence.Evidence {
	t.Helper()
	worst := evidence.Evidence{}
	for _, e := range predicate.Evidence(set) {
		if e.Control == control && e.Clause == clause && (worst.Outcome == "" || e.Outcome == fail || worst.Outcome == silent) {
			worst = e
		}
	}
	return worst
}

func TestWhatFilesSayOfAWorkload(t *testing.T) {
	t.Parallel()
	type S = model.Service
	type C = model.Container
	mesh := func(s *S) {
		s.Mesh, s.MTLS, s.MTLSAt, s.Admission.At = model.Yes, model.MTLSStrict, "m.yaml:1", "m.yaml:9"
	}
	nothing := func(*S, *C) {}
	for _, test := range []struct {
		control, clause string
		want            evidence.Outcome
		change          func(*S, *C)
	}{
		{"RUN-1", "not_root", pass, func(_ *S, c *C) { c.RunsAsRoot = model.No }},
		{"RUN-1", "not_root", fail, func(_ *S, c *C) { c.RunsAsRoot = model.Yes }},
		{"RUN-1", "not_root", silent, nothing},
		{"RUN-1", "not_root", silent, func(s *S, c *C) { c.RunsAsRoot = model.No; s.Containers = []C{{Name: "d", RunsAsRoot: model.Unknown}} }},
		{"RUN-1", "not_root", fail, func(s *S, _ *C) { s.Containers = []C{{Name: "d", RunsAsRoot: model.Yes}} }},
		{"RUN-1", "not_root", pass, func(s *S, c *C) {
			c.RunsAsRoot = model.No
			s.Containers = []C{{Name: "i", Init: true, RunsAsRoot: model.Yes}}
		}},
		{"RUN-1", "not_privileged", pass, nothing},
		{"RUN-1", "not_privileged", fail, func(_ *S, c *C) { c.Privileged = true }},
		{"RUN-1", "not_privileged", silent, func(_ *S, c *C) { c.Init = true }},
		{"RUN-1", "no_added_capabilities", pass, func(_ *S, c *C) { c.CapAdd = []string{"NET_BIND_SERVICE", "cap_net_bind_service"} }},
		{"RUN-1", "no_added_capabilities", fail, func(_ *S, c *C) { c.CapAdd = []string{"NET_BIND_SERVICE", "SYS_ADMIN"} }},
		{"RUN-1", "no_escalation", pass, func(_ *S, c *C) { c.AllowPrivilegeEscalation = is(false) }},
		{"RUN-1", "no_escalation", fail, nothing},
		{"RUN-1", "no_escalation", fail, func(_ *S, c *C) { c.AllowPrivilegeEscalation, c.Privileged = is(false), true }},
		{"RUN-1", "no_host_access", pass, nothing},
		{"RUN-1", "no_host_access", fail, func(s *S, _ *C) { s.HostPaths = []string{"/var/run"} }},
		{"RUN-1", "no_host_access", fail, func(s *S, _ *C) { s.HostPID = true }},
		{"RUN-1", "seccomp", pass, func(_ *S, c *C) { c.Seccomp = "RuntimeDefault" }},
		{"RUN-1", "seccomp", fail, func(_ *S, c *C) { c.Seccomp = "Unconfined" }},
		{"RUN-1", "seccomp", silent, nothing},
		{"RUN-1", "read_only_root", pass, func(_ *S, c *C) { c.ReadOnlyRoot = true }},
		{"RUN-1", "read_only_root", fail, nothing},
		{"RUN-2", "cpu", pass, func(_ *S, c *C) { c.CPULimit = true }},
		{"RUN-2", "cpu", fail, nothing},
		{"RUN-2", "memory", pass, func(_ *S, c *C) { c.MemoryLimit = true }},
		{"RUN-2", "memory", fail, nothing},
		{"RUN-3", "liveness", pass, func(_ *S, c *C) { c.Liveness = true }},
		{"RUN-3", "liveness", fail, nothing},
		{"RUN-3", "readiness", silent, func(s *S, _ *C) { s.WorkloadKind = "CronJob" }},
		{"RUN-3", "readiness", silent, func(s *S, _ *C) { s.WorkloadKind = "Compose service" }},
		{"RUN-3", "replicas", pass, func(s *S, _ *C) { s.Replicas = is(2) }},
		{"RUN-3", "replicas", pass, func(s *S, _ *C) { s.Autoscaled = "h.yaml:1" }},
		{"RUN-3", "replicas", fail, nothing},
		{"RUN-3", "replicas", fail, func(s *S, _ *C) { s.Replicas = is(0) }},
		{"RUN-3", "replicas", silent, func(s *S, _ *C) { s.WorkloadKind = "DaemonSet" }},
		{"RUN-4", "autoscaled", pass, func(s *S, _ *C) { s.Autoscaled = "h.yaml:1" }},
		{"RUN-4", "autoscaled", silent, nothing},
		{"PAT-5", "pinned", pass, func(_ *S, c *C) { c.Image, c.ImagePin = "a.example/b:1.2.3", model.PinTag }},
		{"PAT-5", "pinned", pass, func(_ *S, c *C) { c.Image, c.ImagePin = "a.example/b@sha256:aa", model.PinDigest }},
		{"PAT-5", "pinned", fail, func(_ *S, c *C) { c.Image, c.ImagePin = "a.example/b:latest", model.PinMoving }},
		{"PAT-5", "pinned", silent, nothing},
		{"DAT-1", "encrypted", pass, func(s *S, _ *C) { s.Storage = []model.Storage{{Encrypted: model.Yes}} }},
		{"DAT-1", "encrypted", fail, func(s *S, _ *C) { s.Storage = []model.Storage{{Encrypted: model.Yes}, {Encrypted: model.No}} }},
		{"DAT-1", "encrypted", silent, func(s *S, _ *C) { s.Storage = []model.Storage{{Encrypted: model.Unknown}, {Encrypted: model.Yes}} }},
		{"DAT-1", "encrypted", silent, nothing},
		{"DAT-3", "no_literal_secrets", fail, func(s *S, _ *C) { s.LiteralSecrets = []model.LiteralSecret{{Name: "DB_PASSWORD", At: "a.yaml:5"}} }},
		{"DEV-1", "no_literal_secrets", silent, nothing},
		{"IAM-9", "no_static_keys", fail, func(s *S, _ *C) {
			s.LiteralSecrets = []model.LiteralSecret{{Name: "AWS_SECRET_ACCESS_KEY", At: "a.yaml:5"}}
		}},
		{"IAM-9", "no_static_keys", silent, func(s *S, _ *C) { s.LiteralSecrets = []model.LiteralSecret{{Name: "DB_PASSWORD", At: "a.yaml:5"}} }},
		{"IAM-5", "own_account", pass, func(s *S, _ *C) { s.ServiceAccount = "own" }},
		{"IAM-5", "own_account", fail, nothing},
		{"IAM-5", "own_account", silent, func(s *S, _ *C) { s.AutomountToken = is(false) }},
		{"IAM-5", "no_wildcard", silent, nothing},
		{"IAM-5", "no_wildcard", silent, func(s *S, _ *C) { s.RightsSeen = true }}, // the role stands in other files
		{"IAM-5", "no_wildcard", silent, func(s *S, _ *C) { s.RightsSeen, s.Rights = true, []model.Right{{Role: "Role/elsewhere"}} }},
		{"IAM-5", "no_wildcard", pass, func(s *S, _ *C) {
			s.RightsSeen, s.Rights = true, []model.Right{{Role: "Role/r", Verbs: []string{"get"}, Resources: []string{"pods"}}}
		}},
		{"IAM-5", "no_wildcard", fail, func(s *S, _ *C) {
			s.RightsSeen, s.Rights = true, []model.Right{{Role: "Role/r", Verbs: []string{"*"}, Resources: []string{"pods"}}}
		}},
		{"IAM-5", "no_wildcard", fail, func(s *S, _ *C) {
			s.RightsSeen, s.Rights = true, []model.Right{{Role: "ClusterRole/cluster-admin", ClusterWide: true}}
		}},
		{"IAM-5", "no_idle_token", pass, func(s *S, _ *C) { s.AutomountToken = is(false) }},
		{"IAM-5", "no_idle_token", fail, nothing},
		{"IAM-5", "no_idle_token", silent, func(s *S, _ *C) { s.ServiceAccount = "own" }},
		{"API-1", "only_through_gateway", silent, nothing},
		{"API-1", "only_through_gateway", pass, func(s *S, _ *C) { s.Exposures = []model.Exposure{{Via: "ingress", Name: "i", Scope: "all"}} }},
		{"API-1", "only_through_gateway", fail, func(s *S, _ *C) {
			s.Exposures = []model.Exposure{{Via: "ingress", Name: "i", Scope: "all"}, {Via: "node_port", Name: "n", Scope: "all"}}
		}},
		{"API-1", "only_through_gateway", pass, func(s *S, _ *C) {
			s.Gateway, s.Exposures = true, []model.Exposure{{Via: "load_balancer", Name: "n", Scope: "all"}}
		}},
		{"API-1", "only_through_gateway", silent, func(s *S, _ *C) {
			s.Exposures = []model.Exposure{{Via: "published_port", Name: "n", Scope: "loopback"}}
		}},
		{"NET-1", "in", pass, func(s *S, _ *C) { s.IngressIsolated = true }},
		{"NET-1", "in", silent, nothing},
		{"NET-1", "out", pass, func(s *S, _ *C) { s.EgressIsolated = true }},
		{"NET-1", "out", silent, func(s *S, _ *C) { s.IngressIsolated = true }},
		{"NET-5", "egress_allow_list", pass, func(s *S, _ *C) { s.EgressIsolated = true }},
		{"NET-5", "egress_allow_list", silent, nothing},
		{"IAM-1", "refuses_anonymous", pass, func(s *S, _ *C) { mesh(s); s.Admission.DemandsToken, s.Admission.RequestAuth = model.Yes, true }},
		{"IAM-1", "refuses_anonymous", silent, func(s *S, _ *C) { mesh(s); s.Mesh, s.Admission.DemandsToken = model.Unknown, model.Yes }},
		{"IAM-1", "refuses_anonymous", fail, func(s *S, _ *C) {
			s.Mesh, s.MTLS, s.Exposed, s.Admission.AllowAll = model.Yes, model.MTLSPermissive, true, true
		}},
		{"IAM-1", "refuses_anonymous", silent, func(s *S, _ *C) { mesh(s); s.Exposed, s.Admission.AllowAll = true, true }},
		{"IAM-3", "named_callers", pass, func(s *S, _ *C) { mesh(s); s.Admission.Allows, s.Admission.Named = 1, true }},
		{"IAM-3", "named_callers", fail, func(s *S, _ *C) { mesh(s) }},
		{"IAM-3", "named_callers", fail, func(s *S, _ *C) { mesh(s); s.Admission.Allows, s.Admission.AllowAll = 1, true }},
		{"IAM-3", "named_callers", silent, func(s *S, _ *C) {
			mesh(s)
			s.MTLS, s.Admission.Allows, s.Admission.Named = model.MTLSPermissive, 1, true
		}},
		{"IAM-3", "named_callers", silent, func(s *S, _ *C) { mesh(s); s.Admission.Allows = 1 }},
		{"IAM-4", "denies_by_default", pass, func(s *S, _ *C) { mesh(s); s.Admission.Allows, s.Admission.DenyAll = 1, true }},
		{"IAM-4", "denies_by_default", fail, func(s *S, _ *C) { mesh(s); s.Admission.AllowAll = true }},
		{"IAM-4", "denies_by_default", silent, func(s *S, _ *C) { mesh(s) }},
		{"IAM-4", "denies_by_default", silent, func(s *S, _ *C) { mesh(s); s.Mesh, s.Admission.AllowAll = model.No, true }},
		{"TLS-6", "mutual_tls", pass, func(s *S, _ *C) { mesh(s) }},
		{"TLS-6", "mutual_tls", fail, func(s *S, _ *C) { mesh(s); s.MTLS = model.MTLSPermissive }},
		{"TLS-6", "mutual_tls", fail, func(s *S, _ *C) { mesh(s); s.MTLS = model.MTLSDisable }},
		{"TLS-6", "mutual_tls", fail, func(s *S, _ *C) {
			mesh(s)
			s.PortMTLS = []model.PortMTLS{{Port: 80, Mode: model.MTLSDisable, At: "m.yaml:4"}}
		}},
		{"TLS-6", "mutual_tls", silent, func(s *S, _ *C) { mesh(s); s.MTLS = model.MTLSNotDeclared }},
		{"TLS-6", "mutual_tls", silent, func(s *S, _ *C) { mesh(s); s.Mesh = model.Unknown }},
		{"RUN-7", "timeout", silent, func(s *S, _ *C) { mesh(s) }},
	} {
		name := test.control + " " + test.clause
		found := model.New()
		found.Services = []model.Service{workload(test.change)}
		e := heard(t, setOf(found), test.control, test.clause)
		if e.Outcome != test.want {
			t.Errorf("%s: want %s, have %s (%s)", name, test.want, e.Outcome, e.Observed)
		}
		if e.Outcome != silent && (e.Observed == "" || e.Expected == "") {
			t.Errorf("%s: it says %s without words: %+v", name, e.Outcome, e)
		}
		allowed(t, e)
	}
}

// allowed checks that the catalogue lets the source say so.
func allowed(t *testing.T, e evidence.Evidence) {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	control, known := c.Get(e.Control)
	if !known {
		t.Fatalf("there is no control %s", e.Control)
	}
	if _, known := control.Clause(e.Clause); !known {
		t.Fatalf("%s has no clause %s", e.Control, e.Clause)
	}
	if (e.Outcome == pass && !control.Proves(e.Kind, e.Clause)) || (e.Outcome == fail && !control.Refutes(e.Kind, e.Clause)) {
		t.Errorf("%s may not say %s of %s %s", e.Kind, e.Outcome, e.Control, e.Clause)
	}
	if !strings.HasPrefix(e.Source, string(e.Kind)+":") || e.ServiceID != 1 || e.EnvironmentID != 2 || e.ImportID != 9 {
		t.Errorf("who speaks: %+v", e)
	}
}

func TestCompleteNamespacesRefute(t *testing.T) {
	t.Parallel()
	found := model.New()
	found.Services = []model.Service{workload(func(*model.Service, *model.Container) {})}
	set := setOf(found)
	set.CompleteNamespaces = true
	for _, clause := range [][2]string{{"NET-1", "in"}, {"NET-1", "out"}, {"NET-5", "egress_allow_list"}} {
		if e := heard(t, set, clause[0], clause[1]); e.Outcome != fail {
			t.Errorf("%v: %s", clause, e.Outcome)
		}
	}
}

func TestTowardsEverythingItCalls(t *testing.T) {
	t.Parallel()
	found := model.New()
	found.Services = []model.Service{workload(func(s *model.Service, _ *model.Container) { s.Mesh = model.Yes })}
	call := model.Dependency{From: "w", To: "x", Kind: "call", Basis: "declared", TimeoutAt: "v.yaml:1", BreakerAt: "d.yaml:1"}
	found.Dependencies = []model.Dependency{call, {From: "w", To: "z", Kind: "call", Basis: "ordering"}}
	if e := heard(t, setOf(found), "RUN-7", "timeout"); e.Outcome != pass || e.Path != "v.yaml" || e.Line != 1 {
		t.Errorf("all callees have one: %+v", e)
	}
	call.To, call.BreakerAt = "y", ""
	found.Dependencies = append(found.Dependencies, call)
	if e := heard(t, setOf(found), "RUN-7", "breaker"); e.Outcome != silent {
		t.Errorf("one has none: %+v", e)
	}
}

func TestWaysIn(t *testing.T) {
	t.Parallel()
	at := func(e model.Exposure) *predicate.Set {
		found := model.New()
		e.Via, e.Name, e.Address, e.Scope, e.At = "gateway", "g", "pay.example", "all", "g.yaml:3"
		found.Services = []model.Service{workload(func(s *model.Service, _ *model.Container) { s.Exposures = []model.Exposure{e} })}
		return setOf(found)
	}
	for _, test := range []struct {
		control, clause string
		e               model.Exposure
		want            evidence.Outcome
	}{
		{"TLS-1", "no_plain_http", model.Exposure{TLS: model.No}, fail}, {"TLS-1", "no_plain_http", model.Exposure{TLS: model.No, Redirects: true}, silent},
		{"TLS-1", "no_plain_http", model.Exposure{TLS: model.Yes}, silent}, {"TLS-1", "no_plain_http", model.Exposure{TLS: model.Unknown}, silent},
		{"TLS-2", "modern_versions", model.Exposure{TLS: model.Yes, MinTLS: "TLS1.0"}, fail}, {"TLS-2", "modern_versions", model.Exposure{TLS: model.Yes, MinTLS: "TLS1.2"}, silent},
	} {
		e := heard(t, at(test.e), test.control, test.clause)
		if e.Outcome != test.want || e.Part != "endpoint:pay.example" {
			t.Errorf("%s %+v: %+v", test.control, test.e, e)
		}
		allowed(t, e)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	found := model.New()
	open := model.Operation{Method: "GET", Path: "/a", Input: "api.yaml", Document: "API", At: "api.yaml:4"}
	stated := model.Operation{Method: "GET", Path: "/b", Input: "api.yaml", Document: "API", Stated: true, Security: "none"}
	found.Operations = []model.Operation{stated}
	for _, test := range []struct {
		list    []model.Operation
		control string
		clause  string
		want    evidence.Outcome
	}{
		{[]model.Operation{stated}, "API-5", "described", pass}, {[]model.Operation{stated}, "API-5", "states_security", pass}, {[]model.Operation{stated, open}, "API-5", "states_security", fail},
		{[]model.Operation{open}, "IAM-1", "refuses_anonymous", fail}, {[]model.Operation{stated}, "IAM-1", "refuses_anonymous", silent},
	} {
		found.Operations = test.list
		e := heard(t, setOf(found), test.control, test.clause)
		if e.Outcome != test.want {
			t.Errorf("%s %s: want %s, have %+v", test.control, test.clause, test.want, e)
		}
		allowed(t, e)
	}
}
