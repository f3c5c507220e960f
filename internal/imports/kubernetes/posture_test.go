package kubernetes_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"muster/internal/imports/model"
)

const account = "      serviceAccountName: clerk\n"

func bind(kind, role, subjects string) string {
	return fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: b}\nroleRef: {kind: %s, name: %s, apiGroup: rbac.authorization.k8s.io}\nsubjects: [%s]\n", kind, strings.Split(role, "/")[0], strings.Split(role, "/")[1], subjects)
}

func role(kind, name, more string) string {
	return fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: %s%s\n", kind, name, more)
}

func TestRights(t *testing.T) {
	t.Parallel()
	clerk := "{kind: ServiceAccount, name: clerk, namespace: default}"
	for name, c := range map[string]struct {
		text string
		seen bool
		want []string // "role verbs resources wide"
	}{
		"no binding":                      {role("Role", "r", "}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]"), false, nil},
		"a role in its namespace":         {role("Role", "r", "}\nrules: [{apiGroups: [''], resources: [pods, secrets], verbs: [get, list]}]") + bind("RoleBinding", "Role/r", clerk), true, []string{"Role/r [get list] [pods secrets] false"}},
		"a cluster's role in a namespace": {role("ClusterRole", "r", "}\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]") + bind("RoleBinding", "ClusterRole/r", clerk), true, []string{"ClusterRole/r [*] [*] false"}},
		"a built-in role":                 {bind("ClusterRoleBinding", "ClusterRole/cluster-admin", clerk), true, []string{"ClusterRole/cluster-admin [] [] true"}},
		"addresses that are no resources": {role("ClusterRole", "r", "}\nrules: [{nonResourceURLs: [/metrics], verbs: [get]}]") + bind("ClusterRoleBinding", "ClusterRole/r", clerk), true, []string{"ClusterRole/r [get] [/metrics] true"}},
		"another account":                 {bind("ClusterRoleBinding", "ClusterRole/cluster-admin", "{kind: ServiceAccount, name: other, namespace: default}"), false, nil},
		"its name in another namespace":   {bind("ClusterRoleBinding", "ClusterRole/cluster-admin", "{kind: ServiceAccount, name: clerk, namespace: far}"), false, nil},
		"the group of its namespace":      {bind("ClusterRoleBinding", "ClusterRole/view", "{kind: Group, name: 'system:serviceaccounts:default'}"), true, []string{"ClusterRole/view [] [] true"}},
		"its long name":                   {bind("RoleBinding", "ClusterRole/view", "{kind: User, name: 'system:serviceaccount:default:clerk'}"), true, []string{"ClusterRole/view [] [] false"}},
		"a role that gathers others":      {role("ClusterRole", "all", "}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}\nrules: []") + role("ClusterRole", "part", ", labels: {to: all}}\nrules: [{apiGroups: [''], resources: [nodes], verbs: [list]}]") + bind("ClusterRoleBinding", "ClusterRole/all", clerk), true, []string{"ClusterRole/all [list] [nodes] true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, deployment("web", account)+c.text), "web")
			var got []string
			for _, r := range s.Rights {
				got = append(got, fmt.Sprint(r.Role, " ", r.Verbs, " ", r.Resources, " ", r.ClusterWide))
			}
			if s.RightsSeen != c.seen || !slices.Equal(got, c.want) {
				t.Errorf("seen %v, %v", s.RightsSeen, got)
			}
		})
	}
}

func TestAutomount(t *testing.T) {
	t.Parallel()
	off := "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: clerk}\nautomountServiceAccountToken: false\n"
	yes, no := true, false
	for name, c := range map[string]struct {
		text string
		want *bool
	}{
		"nobody says":              {deployment("web", account), nil},
		"the account says":         {deployment("web", account) + off, &no},
		"the pod beats it":         {deployment("web", account+"      automountServiceAccountToken: true\n") + off, &yes},
		"another account is alien": {deployment("web", "") + off, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, c.text), "web"); !reflect.DeepEqual(s.AutomountToken, c.want) {
				t.Errorf("%v", s.AutomountToken)
			}
		})
	}
}

func TestSeccompAndScaling(t *testing.T) {
	t.Parallel()
	pod := "      securityContext: {seccompProfile: {type: RuntimeDefault}}\n"
	for name, c := range map[string]struct{ more, want string }{
		"silence":               {"", ""},
		"the pod's":             {pod, "RuntimeDefault"},
		"the container's first": {"        securityContext: {seccompProfile: {type: Unconfined}}\n" + pod, "Unconfined"},
		"a context without one": {"        securityContext: {runAsUser: 1}\n" + pod, "RuntimeDefault"},
	} {
		if s := find(t, read(t, deployment("web", c.more)), "web"); s.Containers[0].Seccomp != c.want {
			t.Errorf("%s: %q", name, s.Containers[0].Seccomp)
		}
	}
	scaler := "---\napiVersion: autoscaling/%s\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {scaleTargetRef: {kind: %s, name: web}, maxReplicas: 3}\n"
	for _, c := range []struct{ version, kind, want string }{{"v2", "Deployment", "k.yaml:13"}, {"v2beta2", "Deployment", "k.yaml:13"}, {"v1", "StatefulSet", ""}} {
		if s := find(t, read(t, deployment("web", "")+fmt.Sprintf(scaler, c.version, c.kind)), "web"); s.Autoscaled != c.want {
			t.Errorf("%v: %q", c, s.Autoscaled)
		}
	}
}

func TestStorage(t *testing.T) {
	t.Parallel()
	class := "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast%s}\nprovisioner: p\nparameters: {%s}\n"
	claim := "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {%s}\n"
	mount := deployment("db", "      volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]\n")
	for name, c := range map[string]struct {
		text string
		want model.Storage
	}{
		"a claim that is not here":         {mount, model.Storage{Claim: "data", Encrypted: model.Unknown}},
		"a class that is not here":         {mount + fmt.Sprintf(claim, "storageClassName: fast"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Unknown}},
		"a class that encrypts":            {mount + fmt.Sprintf(claim, "storageClassName: fast") + fmt.Sprintf(class, "", "encrypted: 'true'"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Yes}},
		"a bool without quotes":            {mount + fmt.Sprintf(claim, "storageClassName: fast") + fmt.Sprintf(class, "", "encrypted: true"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Yes}},
		"a class that says no":             {mount + fmt.Sprintf(claim, "storageClassName: fast") + fmt.Sprintf(class, "", "encrypted: 'false', kmsKeyId: k"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.No}},
		"a key of one's own":               {mount + fmt.Sprintf(claim, "storageClassName: fast") + fmt.Sprintf(class, "", "disk-encryption-kms-key: projects/p"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Yes}},
		"a class that is silent":           {mount + fmt.Sprintf(claim, "storageClassName: fast") + fmt.Sprintf(class, "", "type: gp3"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Unknown}},
		"the default class":                {mount + fmt.Sprintf(claim, "accessModes: [ReadWriteOnce]") + fmt.Sprintf(class, ", annotations: {storageclass.kubernetes.io/is-default-class: 'true'}", "diskEncryptionSetID: d"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Yes}},
		"a template of a stateful set":     {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {template: {spec: {containers: [{name: c, image: x}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: fast}}]}\n" + fmt.Sprintf(class, "", "kmsKeyId: k"), model.Storage{Claim: "data", Class: "fast", Encrypted: model.Yes}},
		"an empty class asks for no class": {mount + fmt.Sprintf(claim, "storageClassName: ''"), model.Storage{Claim: "data", Encrypted: model.Unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, c.text), "db")
			if len(s.Storage) != 1 || s.Storage[0].At == "" {
				t.Fatalf("%+v", s.Storage)
			}
			if s.Storage[0].At = ""; s.Storage[0] != c.want {
				t.Errorf("%+v", s.Storage[0])
			}
		})
	}
}

const meshed = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n"

func policy(name, namespace, spec string) string {
	return fmt.Sprintf("---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: %s, namespace: %s}\nspec: {%s}\n", name, namespace, spec)
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	token := "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: t}\nspec: {jwtRules: [{issuer: i}]}\n"
	named := "rules: [{from: [{source: {principals: ['cluster.local/ns/default/sa/a']}}]}]"
	for name, c := range map[string]struct {
		text string
		want model.Admission
	}{
		"nothing":                               {"", model.Admission{DemandsToken: model.Unknown}},
		"named callers":                         {policy("a", "default", named), model.Admission{Allows: 1, Named: true, DemandsToken: model.No}},
		"namespaces are names":                  {policy("a", "default", "rules: [{from: [{source: {namespaces: [shop]}}]}]"), model.Admission{Allows: 1, Named: true, DemandsToken: model.No}},
		"a policy without rules":                {policy("a", "default", ""), model.Admission{Allows: 1, DenyAll: true, Named: true, DemandsToken: model.Unknown}},
		"deny all and named callers":            {policy("a", "default", "") + policy("b", "default", named), model.Admission{Allows: 2, DenyAll: true, Named: true, DemandsToken: model.No}},
		"an empty rule":                         {policy("a", "default", "rules: [{}]"), model.Admission{Allows: 1, AllowAll: true, DemandsToken: model.No}},
		"a bare star":                           {policy("a", "default", "rules: [{from: [{source: {principals: ['*']}}]}]"), model.Admission{Allows: 1, AllowAll: true, DemandsToken: model.No}},
		"all but one":                           {policy("a", "default", "rules: [{from: [{source: {notPrincipals: [x]}}]}]"), model.Admission{Allows: 1, AllowAll: true, DemandsToken: model.No}},
		"everybody for some operations":         {policy("a", "default", "rules: [{to: [{operation: {methods: [GET]}}]}]"), model.Admission{Allows: 1, DemandsToken: model.No}},
		"every operation spelled out":           {policy("a", "default", "rules: [{to: [{operation: {paths: ['/*']}}]}]"), model.Admission{Allows: 1, AllowAll: true, DemandsToken: model.No}},
		"the root namespace covers the mesh":    {policy("a", "istio-system", "rules: [{}]"), model.Admission{Allows: 1, AllowAll: true, DemandsToken: model.No}},
		"another namespace covers nothing here": {policy("a", "far", "rules: [{}]"), model.Admission{DemandsToken: model.Unknown}},
		"another workload's":                    {policy("a", "default", "selector: {matchLabels: {app: x}}, rules: [{}]"), model.Admission{DemandsToken: model.Unknown}},
		"DENY lets nobody in":                   {policy("a", "default", "action: DENY, "+named), model.Admission{DemandsToken: model.Unknown}},
		"CUSTOM lets nobody in":                 {policy("a", "default", "action: CUSTOM, provider: {name: p}, rules: [{}]"), model.Admission{DemandsToken: model.Unknown}},
		"a token is read, not demanded":         {token, model.Admission{RequestAuth: true, DemandsToken: model.Unknown}},
		"DENY of requests without a token":      {token + policy("a", "default", "action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]"), model.Admission{RequestAuth: true, DemandsToken: model.Yes}},
		"DENY on one path only":                 {token + policy("a", "default", "action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}], to: [{operation: {paths: [/admin]}}]}]"), model.Admission{RequestAuth: true, DemandsToken: model.Unknown}},
		"ALLOW of requests with a token":        {token + policy("a", "default", "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]"), model.Admission{Allows: 1, RequestAuth: true, DemandsToken: model.Yes}},
		"one rule of two asks for none":         {token + policy("a", "default", "rules: [{from: [{source: {requestPrincipals: ['*']}}]}, {from: [{source: {namespaces: [shop]}}]}]"), model.Admission{Allows: 1, RequestAuth: true, DemandsToken: model.No}},
		"a claim is a token":                    {token + policy("a", "default", "rules: [{when: [{key: 'request.auth.claims[iss]', values: [i]}]}]"), model.Admission{Allows: 1, RequestAuth: true, DemandsToken: model.Yes}},
		"a condition names the caller":          {policy("a", "default", "rules: [{when: [{key: source.namespace, values: [shop]}]}]"), model.Admission{Allows: 1, Named: true, DemandsToken: model.No}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, deployment("web", "")+meshed+c.text), "web")
			if (s.Admission.At == "") != (c.text == "" || s.Admission.Allows == 0 && s.Admission.At == "") {
				t.Errorf("no place: %+v", s.Admission)
			}
			if s.Admission.At = ""; s.Admission != c.want {
				t.Errorf("got %+v, want %+v", s.Admission, c.want)
			}
		})
	}
}

func TestPlaceOfAdmissionIsWhatDecides(t *testing.T) {
	t.Parallel()
	text := deployment("web", "") + meshed + policy("a", "default", "rules: [{from: [{source: {namespaces: [shop]}}]}]") + policy("b", "default", "") + policy("c", "default", "rules: [{}]")
	if s := find(t, read(t, text), "web"); s.Admission.At != "k.yaml:27" {
		t.Errorf("%+v", s.Admission)
	}
}

func TestPortsOfMTLS(t *testing.T) {
	t.Parallel()
	peer := "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p%s, namespace: %s}\nspec: {%s}\n"
	all := fmt.Sprintf(peer, "root", "istio-system", "mtls: {mode: STRICT}")
	for name, c := range map[string]struct {
		spec string
		want string
		mode model.MTLS
	}{
		"a port is an exception":            {"selector: {matchLabels: {app: web}}, portLevelMtls: {9443: {mode: PERMISSIVE}}", "[{9443 permissive k.yaml:22}]", model.MTLSStrict},
		"a port that repeats the mode":      {"selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {9443: {mode: STRICT}}", "[]", model.MTLSStrict},
		"a port that inherits":              {"selector: {matchLabels: {app: web}}, portLevelMtls: {9443: {mode: UNSET}}", "[]", model.MTLSStrict},
		"ports need a selector":             {"mtls: {mode: PERMISSIVE}, portLevelMtls: {9443: {mode: DISABLE}}", "[]", model.MTLSPermissive},
		"strict on a port of a lax service": {"selector: {matchLabels: {app: web}}, mtls: {mode: PERMISSIVE}, portLevelMtls: {80: {mode: STRICT}}", "[{80 strict k.yaml:22}]", model.MTLSPermissive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, deployment("web", "")+meshed+all+fmt.Sprintf(peer, "own", "default", c.spec)), "web")
			if fmt.Sprint(s.PortMTLS) != c.want || s.MTLS != c.mode {
				t.Errorf("%v %v", s.MTLS, s.PortMTLS)
			}
		})
	}
}

func TestFactsOfPolicies(t *testing.T) {
	t.Parallel()
	token := "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: t}\nspec: {jwtRules: [{issuer: i1}, {issuer: i2}]}\n"
	for spec, want := range map[string]string{
		"":            "denies all",
		"rules: [{}]": "allows everyone",
		"rules: [{from: [{source: {principals: ['cluster.local/ns/default/sa/web'], namespaces: [shop]}}]}]": "allows namespace shop, web",
		"rules: [{to: [{operation: {methods: [GET]}}]}]":                                                     "allows by 1 rule",
		"action: DENY, rules: [{}, {}]":                                                                      "denies by 2 rules",
		"action: CUSTOM, provider: {name: proxy}, rules: [{}]":                                               "asks proxy",
	} {
		facts := map[string]string{}
		for _, f := range find(t, read(t, deployment("web", "")+meshed+token+policy("p", "default", spec)), "web").Facts {
			facts[f.Key] = f.Value
		}
		if facts[model.FactAuthorization] != want || facts[model.FactRequestAuth] != "i1, i2" {
			t.Errorf("%s: %v", spec, facts)
		}
	}
}
