package demo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muster/internal/imports/model"
)

func itoa(n int) string { return strconv.Itoa(n) }

// doc is a file of several YAML documents.
type doc struct{ strings.Builder }

func (d *doc) add(format string, args ...any) {
	if d.Len() > 0 {
		d.WriteString("---\n")
	}
	fmt.Fprintf(d, strings.TrimLeft(format, "\n"), args...)
}

// cluster is what the repository of the cluster holds at a part of the story.
func (p *plan) cluster(at float64) []model.File {
	var files []model.File
	for _, namespace := range []string{"edge", "payments", "accounts", "shop"} {
		var d doc
		labels := fmt.Sprintf("kubernetes.io/metadata.name: %s", namespace)
		if at >= p.zones[namespace].mesh {
			labels += ", istio-injection: enabled"
		}
		d.add("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {%s}}\n", namespace, labels)
		for i := range cast {
			if s := &cast[i]; s.namespace == namespace && s.shown(at) {
				p.workload(&d, s, at)
			}
		}
		p.meshOf(&d, namespace, at)
		files = append(files, model.File{Path: "cluster/" + namespace + ".yaml", Data: []byte(d.String())})
	}
	var d doc
	d.add("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: standard}\nprovisioner: disks.kente.example\nparameters: {encrypted: \"false\"}\n")
	d.add("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: sealed}\nprovisioner: disks.kente.example\nparameters: {encrypted: \"true\"}\n")
	return append(files, model.File{Path: "cluster/storage.yaml", Data: []byte(d.String())})
}

// workload writes one service with what belongs to it.
func (p *plan) workload(d *doc, s *service, at float64) {
	own := p.services[s.name]
	labels := "app: " + s.name
	if s.name == "edge-gateway" {
		labels += ", istio: ingressgateway"
	}
	d.add(`
apiVersion: apps/v1
kind: %s
metadata: {name: %s, namespace: %s}
spec:
  replicas: %d
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {%s}}
    spec:
`, s.kind, s.name, s.namespace, p.replicas(s, at), s.name, labels)
	if at >= own.account {
		fmt.Fprintf(d, "      serviceAccountName: %s\n      automountServiceAccountToken: false\n", s.name)
	}
	fmt.Fprintf(d, "      containers:\n      - name: %s\n        image: %s:%s\n        ports: [{containerPort: %d}]\n", s.name, s.image, p.tag(s, at), s.port)
	p.container(d, s, at)
	if s.store && s.name != "session-cache" {
		class := "standard"
		if at >= p.encrypted {
			class = "sealed"
		}
		fmt.Fprintf(d, "  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce], storageClassName: %s, resources: {requests: {storage: 50Gi}}}\n", class)
	}
	p.around(d, s, at)
}

func (p *plan) replicas(s *service, at float64) int {
	if s.store || at < p.services[s.name].probes {
		return 1
	}
	return 2
}

// container writes the rest of a service's container.
func (p *plan) container(d *doc, s *service, at float64) {
	own := p.services[s.name]
	d.WriteString("        env:\n        - {name: LOG_LEVEL, value: info}\n")
	for _, to := range s.calls {
		c := serviceNamed(to)
		name := strings.ToUpper(strings.ReplaceAll(to, "-", "_"))
		scheme := "http"
		if c.store {
			scheme = map[bool]string{true: "redis", false: "postgres"}[c.image == "redis"]
		}
		if c.name == "rates" && !c.shown(at) {
			c = serviceNamed("rates-legacy")
		}
		fmt.Fprintf(d, "        - {name: %s_URL, value: \"%s://%s.%s:%d\"}\n", name, scheme, c.name, c.namespace, c.port)
	}
	for _, secret := range p.secrets(s, at) {
		fmt.Fprintf(d, "        - {name: %s, value: %q}\n", secret[0], secret[1])
	}
	if at >= own.probes {
		probe := fmt.Sprintf("{httpGet: {path: /health, port: %d}}", s.port)
		if s.store {
			probe = fmt.Sprintf("{tcpSocket: {port: %d}}", s.port)
		}
		fmt.Fprintf(d, "        livenessProbe: %s\n        readinessProbe: %s\n", probe, probe)
	}
	if p.limited(s, at) {
		d.WriteString("        resources: {limits: {cpu: \"1\", memory: 512Mi}, requests: {cpu: 100m, memory: 256Mi}}\n")
	}
	switch {
	case at >= own.hardened:
		d.WriteString("        securityContext: {runAsNonRoot: true, runAsUser: 10001, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}\n")
	case at >= own.hardened-0.10:
		d.WriteString("        securityContext: {runAsNonRoot: true, runAsUser: 10001, allowPrivilegeEscalation: false}\n")
	}
}

// around writes the objects beside a workload.
func (p *plan) around(d *doc, s *service, at float64) {
	switch {
	case s.name == "edge-gateway":
		d.add("apiVersion: v1\nkind: Service\nmetadata: {name: edge-gateway, namespace: edge}\nspec: {type: LoadBalancer, selector: {app: edge-gateway}, ports: [{port: 443, targetPort: 8443, name: https}]}\n")
	default:
		d.add("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\nspec: {selector: {app: %s}, ports: [{port: %d}]}\n", s.name, s.namespace, s.name, s.port)
	}
	if s.name == "payment-api" && p.sideDoor(at) {
		d.add("apiVersion: v1\nkind: Service\nmetadata: {name: payment-api-direct, namespace: payments}\nspec: {type: LoadBalancer, selector: {app: payment-api}, ports: [{port: 80, targetPort: 8080, name: http}]}\n")
	}
	if at >= p.services[s.name].account {
		d.add("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s, namespace: %s}\n", s.name, s.namespace)
		d.add("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: %s, namespace: %s}\nrules: [{apiGroups: [\"\"], resources: [configmaps], resourceNames: [%s], verbs: [get]}]\n", s.name, s.namespace, s.name)
		d.add("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: %s, namespace: %s}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %s}\nsubjects: [{kind: ServiceAccount, name: %s, namespace: %s}]\n", s.name, s.namespace, s.name, s.name, s.namespace)
	}
	if (s.host != "" || s.name == "edge-gateway") && at >= p.autoscaled && s.name != "instant-loans" {
		d.add("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: %s, namespace: %s}\nspec: {minReplicas: 2, maxReplicas: 8, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}}\n", s.name, s.namespace, s.name)
	}
	if at >= p.zones[s.namespace].network && s.name != "instant-loans" {
		p.networkPolicy(d, s, at)
	}
}

// networkPolicy lets in who calls and lets out to who is called.
func (p *plan) networkPolicy(d *doc, s *service, at float64) {
	d.add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: %s}\nspec:\n  podSelector: {matchLabels: {app: %s}}\n  policyTypes: [Ingress, Egress]\n", s.name, s.namespace, s.name)
	peer := func(o *service) string {
		return fmt.Sprintf("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}, podSelector: {matchLabels: {app: %s}}}", o.namespace, o.name)
	}
	var in, out []string
	for _, c := range callers(s, at) {
		in = append(in, peer(c))
	}
	for _, to := range s.calls {
		if c := serviceNamed(to); c.shown(at) {
			out = append(out, peer(c))
		}
	}
	switch {
	case s.name == "edge-gateway":
		d.WriteString("  ingress: [{ports: [{port: 8443}]}]\n")
	case len(in) > 0:
		fmt.Fprintf(d, "  ingress: [{from: [%s], ports: [{port: %d}]}]\n", strings.Join(in, ", "), s.port)
	}
	d.WriteString("  egress:\n  - {to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}], ports: [{port: 53, protocol: UDP}]}\n")
	if len(out) > 0 {
		fmt.Fprintf(d, "  - {to: [%s]}\n", strings.Join(out, ", "))
	}
}

// callers are the services of the cluster that call one.
func callers(s *service, at float64) []*service {
	var list []*service
	for i := range cast {
		if o := &cast[i]; o.kind != "" && o.shown(at) && slices.Contains(o.calls, s.name) {
			list = append(list, o)
		}
	}
	if s.host != "" && !slices.Contains(serviceNamed("edge-gateway").calls, s.name) {
		list = append(list, serviceNamed("edge-gateway"))
	}
	return list
}
