package kubernetes_test

import (
	"encoding/json"
	"testing"
)

func TestGatesOfAWorkload(t *testing.T) {
	t.Parallel()
	pods := deployment("web", "") + deployment("api", "") + deployment("db", "")
	policy := func(spec string) string {
		return "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {matchLabels: {app: db}}, " + spec + "}\n"
	}
	rule := func(action, rules string) string {
		return "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a" + action + "}\nspec: {selector: {matchLabels: {app: db}}, action: " + action + ", rules: [" + rules + "]}\n" +
			"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n"
	}
	const api = "from: [{source: {serviceAccounts: [default/api]}}]"
	accounts := "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {metadata: {labels: {app: api}}, spec: {serviceAccountName: api, containers: [{name: c, image: x}]}}}\n"
	for name, c := range map[string]struct{ text, want string }{
		"no policy":                {"", `{"ingress":{},"egress":{},"allow":{},"deny":{}}`},
		"default deny":             {policy("policyTypes: [Ingress, Egress]"), `{"ingress":{"isolated":true},"egress":{"isolated":true},"allow":{},"deny":{}}`},
		"one caller by its labels": {policy("ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]"), `{"ingress":{"isolated":true,"workloads":["api"],"named":true},"egress":{},"allow":{},"deny":{}}`},
		"its own namespace":        {policy("ingress: [{from: [{podSelector: {}}]}]"), `{"ingress":{"isolated":true,"namespaces":["default"]},"egress":{},"allow":{},"deny":{}}`},
		"every namespace":          {policy("ingress: [{from: [{namespaceSelector: {}}]}]"), `{"ingress":{"isolated":true,"everyone":true},"egress":{},"allow":{},"deny":{}}`},
		"a label of a namespace that is not in the files": {policy("ingress: [{from: [{namespaceSelector: {matchLabels: {team: x}}}]}]"), `{"ingress":{"isolated":true,"unclear":true},"egress":{},"allow":{},"deny":{}}`},
		"another namespace by name":                       {policy("ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}]}]"), `{"ingress":{"isolated":true},"egress":{},"allow":{},"deny":{}}`},
		"anybody on some port":                            {policy("ingress: [{ports: [{port: 80}]}]"), `{"ingress":{"isolated":true,"unclear":true},"egress":{},"allow":{},"deny":{}}`},
		"anybody":                                         {policy("ingress: [{}]"), `{"ingress":{"isolated":true,"everyone":true,"outside":true},"egress":{},"allow":{},"deny":{}}`},
		"the Internet":                                    {policy("egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}], policyTypes: [Egress]"), `{"ingress":{},"egress":{"isolated":true,"outside":true,"unclear":true},"allow":{},"deny":{}}`},
		"one address":                                     {policy("egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}], policyTypes: [Egress]"), `{"ingress":{},"egress":{"isolated":true,"outside":true},"allow":{},"deny":{}}`},
		"names alone":                                     {policy("egress: [{ports: [{port: 53, protocol: UDP}]}], policyTypes: [Egress]"), `{"ingress":{},"egress":{"isolated":true},"allow":{},"deny":{}}`},
		"a policy that is not read":                       {"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c}\nspec: {}\n", `{"ingress":{"unread":true},"egress":{"unread":true},"allow":{},"deny":{}}`},
		"an allowed account":                              {accounts + rule("ALLOW", "{"+api+"}"), `{"ingress":{},"egress":{},"allow":{"any":true,"workloads":["api"]},"deny":{}}`},
		"nobody":                                          {rule("ALLOW", ""), `{"ingress":{},"egress":{},"allow":{"any":true},"deny":{}}`},
		"everybody":                                       {rule("ALLOW", "{}"), `{"ingress":{},"egress":{},"allow":{"any":true,"everyone":true},"deny":{}}`},
		"some paths for everybody":                        {rule("ALLOW", "{to: [{operation: {paths: [/health]}}]}"), `{"ingress":{},"egress":{},"allow":{"any":true,"unclear":true},"deny":{}}`},
		"whoever has a certificate":                       {rule("ALLOW", "{from: [{source: {principals: ['*']}}]}"), `{"ingress":{},"egress":{},"allow":{"any":true,"members":true},"deny":{}}`},
		"a namespace":                                     {rule("ALLOW", "{from: [{source: {namespaces: [shop]}}]}"), `{"ingress":{},"egress":{},"allow":{"any":true,"namespaces":["shop"]},"deny":{}}`},
		"a token":                                         {rule("ALLOW", "{from: [{source: {requestPrincipals: ['*']}}]}"), `{"ingress":{},"egress":{},"allow":{"any":true,"unclear":true},"deny":{}}`},
		"a refused account":                               {accounts + rule("DENY", "{"+api+"}"), `{"ingress":{},"egress":{},"allow":{},"deny":{"any":true,"workloads":["api"]}}`},
		"all but one refused":                             {accounts + rule("DENY", "{from: [{source: {notPrincipals: [cluster.local/ns/default/sa/api]}}]}"), `{"ingress":{},"egress":{},"allow":{},"deny":{"any":true,"others":true,"workloads":["api"]}}`},
		"some paths refused":                              {rule("DENY", "{to: [{operation: {paths: [/admin]}}]}"), `{"ingress":{},"egress":{},"allow":{},"deny":{}}`},
		"somebody else decides":                           {rule("CUSTOM", "{}"), `{"ingress":{},"egress":{},"allow":{},"deny":{},"token":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(find(t, read(t, pods+c.text), "db").Gates)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSecretsOfAWorkload(t *testing.T) {
	t.Parallel()
	s := find(t, read(t, `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  volumes: [{name: a, secret: {secretName: files}}, {name: b, projected: {sources: [{secret: {name: projected}}, {serviceAccountToken: {path: t}}]}}]
  containers:
  - {name: c, image: x, envFrom: [{secretRef: {name: all}}], env: [{name: K, valueFrom: {secretKeyRef: {name: one, key: k}}}, {name: L, valueFrom: {configMapKeyRef: {name: no, key: k}}}]}
`), "web")
	got, err := json.Marshal(s.Gates.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	if want := `["shop/all","shop/files","shop/one","shop/projected"]`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
