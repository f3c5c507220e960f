package kubernetes

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"muster/internal/imports/model"
)

const knative = "serving.knative.dev"

// findKnative gives each Knative Service the name under which others call it.
func (w *world) findKnative() {
	for _, l := range w.workloads {
		place := namespaceName{l.namespace, l.name}
		if l.group != knative || w.byService[place] != nil {
			continue
		}
		s := &service{object: l.object, spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}, workloads: []*workload{l}}
		w.services = append(w.services, s)
		w.byService[place] = s
		l.services = append(l.services, s)
		l.joinService(s)
	}
}

// exposeKnative opens what is not kept inside the cluster by its label.
func (w *world) exposeKnative(s *service) {
	visibility := cmp.Or(s.labels["networking.knative.dev/visibility"], s.labels["serving.knative.dev/visibility"])
	if visibility == "cluster-local" {
		return
	}
	for _, l := range s.workloads {
		l.expose(model.Exposure{Via: "gateway", Name: s.name, Scope: "all", TLS: model.Unknown, At: s.at()})
	}
}
