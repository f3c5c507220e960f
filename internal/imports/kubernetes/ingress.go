package kubernetes

import (
	"slices"
	"strings"

	"muster/internal/imports/model"
)

// terms is what an opening says about encryption.
type terms struct {
	tls       model.Truth
	redirects bool
	minTLS    string
}

func (t terms) exposure(via, name, address, scope, at string) model.Exposure {
	return model.Exposure{Via: via, Name: name, Address: address, Scope: scope, TLS: t.tls, Redirects: t.redirects, MinTLS: t.minTLS, At: at}
}

// ingressBackend has the form of today and the v1beta1 one, which names the service directly.
type ingressBackend struct {
	ServiceName string
	Service     *struct{ Name string }
}

type ingressTLS struct{ Hosts []string }

type ingress struct {
	Spec struct {
		IngressClassName string
		TLS              []ingressTLS
		Backend          *ingressBackend
		DefaultBackend   *ingressBackend
		Rules            []struct {
			Host string
			HTTP struct {
				Paths []struct{ Backend ingressBackend }
			}
		}
	}
}

func (w *world) exposeIngress(o *object) error {
	var in ingress
	if err := o.decode(&in); err != nil {
		return err
	}
	scope := "all"
	if o.annotations["alb.ingress.kubernetes.io/scheme"] == "internal" || strings.Contains(in.class(o), "internal") {
		scope = "internal"
	}
	add := func(b *ingressBackend, host string) {
		if b == nil {
			return
		}
		name := b.ServiceName
		if b.Service != nil {
			name = b.Service.Name
		}
		w.exposeHost(name, o.namespace, in.terms(o, host).exposure("ingress", o.name, host, scope, o.at()))
	}
	add(in.Spec.Backend, "")
	add(in.Spec.DefaultBackend, "")
	for _, r := range in.Spec.Rules {
		for i := range r.HTTP.Paths {
			add(&r.HTTP.Paths[i].Backend, r.Host)
		}
	}
	return nil
}

func (in *ingress) class(o *object) string {
	if class := o.annotations["kubernetes.io/ingress.class"]; class != "" {
		return class
	}
	return in.Spec.IngressClassName
}

// terms says what holds for one host of an Ingress.
func (in *ingress) terms(o *object, host string) terms {
	covered := slices.ContainsFunc(in.Spec.TLS, func(t ingressTLS) bool {
		return len(t.Hosts) == 0 || slices.ContainsFunc(t.Hosts, func(h string) bool { return sameHost(h, host) })
	})
	for _, key := range []string{"alb.ingress.kubernetes.io/certificate-arn", "ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/managed-certificates", "networking.gke.io/certmap"} {
		covered = covered || o.annotations[key] != ""
	}
	covered = covered || o.annotations["traefik.ingress.kubernetes.io/router.tls"] == "true" || strings.Contains(o.annotations["alb.ingress.kubernetes.io/listen-ports"], "HTTPS")
	return terms{tls: model.Of(covered), redirects: covered && sendsOn(o.annotations, in.class(o)), minTLS: albPolicy(o.annotations["alb.ingress.kubernetes.io/ssl-policy"])}
}

// sameHost compares a certificate's host, which may begin with "*.", with a rule's.
func sameHost(pattern, host string) bool {
	if rest, wild := strings.CutPrefix(pattern, "*."); wild && host != pattern {
		_, parent, _ := strings.Cut(host, ".")
		return parent == rest
	}
	return strings.EqualFold(pattern, host)
}

// redirectKeys are the annotations by which controllers send plain HTTP on to HTTPS.
var redirectKeys = []string{
	"nginx.ingress.kubernetes.io/ssl-redirect", "nginx.ingress.kubernetes.io/force-ssl-redirect", "ingress.kubernetes.io/ssl-redirect", "ingress.kubernetes.io/force-ssl-redirect",
	"nginx.org/redirect-to-https", "ingress.bluemix.net/redirect-to-https", "haproxy.org/ssl-redirect", "haproxy-ingress.github.io/ssl-redirect", "appgw.ingress.kubernetes.io/ssl-redirect",
	"alb.ingress.kubernetes.io/ssl-redirect", "traefik.ingress.kubernetes.io/redirect-entry-point", "konghq.com/https-redirect-status-code",
}

// sendsOn reports whether plain HTTP is only redirected. The community's nginx does so by default where there is a certificate.
func sendsOn(annotations map[string]string, class string) bool {
	said := false
	for _, key := range redirectKeys {
		switch strings.ToLower(annotations[key]) {
		case "":
		case "false":
			said = true
		default:
			return true
		}
	}
	if annotations["kubernetes.io/ingress.allow-http"] == "false" || annotations["traefik.ingress.kubernetes.io/router.entrypoints"] == "websecure" {
		return true
	}
	for key, value := range annotations {
		if strings.HasPrefix(key, "alb.ingress.kubernetes.io/actions.") && strings.Contains(value, "redirect") && strings.Contains(strings.ToUpper(value), "HTTPS") {
			return true
		}
	}
	return !said && class == "nginx"
}

// albPolicy reads the oldest protocol out of the name of one of Amazon's policies.
func albPolicy(name string) string {
	switch {
	case strings.HasPrefix(name, "ELBSecurityPolicy-TLS13-1-3"):
		return "TLS1.3"
	case strings.HasPrefix(name, "ELBSecurityPolicy-TLS13-1-2"), strings.Contains(name, "TLS-1-2-"), strings.HasPrefix(name, "ELBSecurityPolicy-FS-1-2"):
		return "TLS1.2"
	case strings.HasPrefix(name, "ELBSecurityPolicy-TLS13-1-1"), strings.Contains(name, "TLS-1-1-"), strings.HasPrefix(name, "ELBSecurityPolicy-FS-1-1"):
		return "TLS1.1"
	case strings.HasPrefix(name, "ELBSecurityPolicy-"):
		return "TLS1.0"
	}
	return ""
}
