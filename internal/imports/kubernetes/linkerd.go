package kubernetes

import (
	"cmp"

	"muster/internal/imports/model"
)

// linkerdSetting is an annotation of the pod, else of its namespace, and where it stands.
func (w *world) linkerdSetting(l *workload, key string) (value, at string) {
	if own := l.annotations[key]; own != "" {
		return own, l.at()
	}
	if ns := w.namespaces[l.namespace]; ns != nil && ns.annotations[key] != "" {
		return ns.annotations[key], ns.at()
	}
	return "", ""
}

// linkerd says whether Linkerd's proxy stands in the pod; unknown where nobody speaks of Linkerd.
func (w *world) linkerd(l *workload) model.Truth {
	switch word, _ := w.linkerdSetting(l, "linkerd.io/inject"); word {
	case "enabled", "ingress":
		return model.Yes
	case "disabled":
		if !w.mesh.present { // in a mesh of another maker it only keeps Linkerd out
			return model.No
		}
	}
	return model.Unknown
}

// linkerdMode is strict where its proxies refuse callers without an identity. Without a policy they accept both.
func (w *world) linkerdMode(l *workload) (model.MTLS, string) {
	word, at := w.linkerdSetting(l, "config.linkerd.io/default-inbound-policy")
	switch cmp.Or(word, "none") {
	case "all-authenticated", "cluster-authenticated", "deny":
		return model.MTLSStrict, at
	case "all-unauthenticated", "cluster-unauthenticated":
		return model.MTLSPermissive, at
	}
	return model.MTLSNotDeclared, ""
}
