package servicemap

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"muster/internal/topology"
)

func escape(text string) string { return url.QueryEscape(text) }

// image is how Muster's image is called in what is offered; whoever runs it puts their registry's name there.
const image = "IMAGE-OF-MUSTER"

// namespaceOf is the namespace of a segment with the most workloads, where a job would run.
func (s *scene) namespaceOf(segment int) string {
	counts := map[string]int{}
	for i := range s.Workloads {
		w := &s.Workloads[i]
		if slices.Contains(w.Segments, segment) {
			counts[w.Namespace[strings.LastIndexByte(w.Namespace, '/')+1:]]++
		}
	}
	best := ""
	for name, n := range counts {
		if c := cmp.Compare(n, counts[best]); best == "" || c > 0 || c == 0 && name < best {
			best = name
		}
	}
	return cmp.Or(best, "default")
}

// job is a manifest that tries the arcs of a cluster from inside. Policies rule it by its labels and its account, so both
// have to be those of the caller that it stands for.
func job(g *topology.Segment, namespace string) string {
	return fmt.Sprintf(`# kubectl create configmap muster-arcs -n %[1]s --from-file=arcs.json
# kubectl apply -f job.yaml && kubectl logs -n %[1]s job/muster-arcs > report.json
apiVersion: batch/v1
kind: Job
metadata: {name: muster-arcs, namespace: %[1]s}
spec:
  backoffLimit: 0
  template:
    metadata:
      # Policies see labels: give it those of the caller that it stands for.
      labels: {app: CALLER}
    spec:
      restartPolicy: Never
      # The mesh sees the account: give it the caller's.
      serviceAccountName: CALLER
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: probe
        image: %[2]s
        args: [probe, --arcs, /arcs/arcs.json, --json, --seen-from, %[3]q]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        resources: {limits: {cpu: 500m, memory: 128Mi}}
        volumeMounts: [{name: arcs, mountPath: /arcs, readOnly: true}]
      volumes: [{name: arcs, configMap: {name: muster-arcs}}]
`, namespace, image, g.Name)
}

// composeService is the same for a network of a Compose project.
func composeService(g *topology.Segment) string {
	network := g.Key[strings.LastIndexByte(g.Key, '/')+1:]
	return fmt.Sprintf(`# docker compose run --rm muster-arcs > report.json
services:
  muster-arcs:
    image: %[1]s
    command: [probe, --arcs, /arcs.json, --json, --seen-from, %[3]q]
    profiles: [arcs]
    networks: [%[2]s]
    read_only: true
    cap_drop: [ALL]
    security_opt: [no-new-privileges]
    volumes: ["./arcs.json:/arcs.json:ro"]
`, image, network, g.Name)
}
