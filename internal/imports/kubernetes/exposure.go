package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"muster/internal/imports/model"
)

// expose finds every way in from outside.
func (w *world) expose() error {
	for _, s := range w.services {
		w.exposeService(s)
	}
	for _, l := range w.workloads {
		l.exposeHostPorts()
	}
	for _, v := range w.mesh.routes {
		w.exposeVirtualService(v)
	}
	if err := w.findRedirects(); err != nil {
		return err
	}
	for _, o := range w.objects {
		var err error
		switch o.group + "/" + o.kind {
		case "networking.k8s.io/Ingress":
			err = w.exposeIngress(o)
		case "gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io/GRPCRoute", "gateway.networking.k8s.io/TLSRoute", "gateway.networking.k8s.io/TCPRoute", "gateway.networking.k8s.io/UDPRoute":
			err = w.exposeRoute(o)
		default:
			w.exposeOther(o)
		}
		if err != nil {
			return err
		}
	}
	w.markGateways()
	return nil
}

func (l *workload) expose(e model.Exposure) {
	if !slices.Contains(l.out.Exposures, e) {
		l.out.Exposures = append(l.out.Exposures, e)
	}
	l.out.Exposed = l.out.Exposed || (e.Scope == "all" && !e.Ephemeral)
}

// internalBalancer are the annotations by which clouds keep a load balancer inside the company's network.
var internalBalancer = map[string][]string{
	"networking.gke.io/load-balancer-type":                               {"internal"},
	"cloud.google.com/load-balancer-type":                                {"internal"},
	"service.beta.kubernetes.io/azure-load-balancer-internal":            {"true"},
	"service.beta.kubernetes.io/aws-load-balancer-internal":              {"true", "0.0.0.0/0"},
	"service.beta.kubernetes.io/aws-load-balancer-scheme":                {"internal"},
	"service.beta.kubernetes.io/oci-load-balancer-internal":              {"true"},
	"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type":     {"private"},
	"service.beta.kubernetes.io/openstack-internal-load-balancer":        {"true"},
	"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": {"intranet"},
}

func isInternal(annotations map[string]string) bool {
	for key, words := range internalBalancer {
		if slices.Contains(words, strings.ToLower(annotations[key])) {
			return true
		}
	}
	return false
}

func (w *world) exposeService(s *service) {
	if s.group == knative {
		w.exposeKnative(s)
		return
	}
	via := map[corev1.ServiceType]string{corev1.ServiceTypeLoadBalancer: "load_balancer", corev1.ServiceTypeNodePort: "node_port"}[s.spec.Type]
	if via == "" && len(s.spec.ExternalIPs) > 0 {
		via = "load_balancer"
	}
	if via == "" {
		return
	}
	scope := "all"
	if via == "load_balancer" && (isInternal(s.annotations) || onlyPrivate(s.spec.LoadBalancerSourceRanges)) {
		scope = "internal"
	}
	certificate := s.annotations["service.beta.kubernetes.io/aws-load-balancer-ssl-cert"] != ""
	for _, l := range s.workloads {
		for _, p := range s.spec.Ports {
			port := p.Port
			if via == "node_port" && p.NodePort != 0 {
				port = p.NodePort
			}
			tls := model.Unknown
			if p.Name == "http" || strings.HasPrefix(p.Name, "http-") || p.Port == 80 {
				tls = model.No
			} else if certificate {
				tls = model.Yes
			}
			l.expose(model.Exposure{Via: via, Name: s.name, Address: fmt.Sprintf(":%d", port), Scope: scope, TLS: tls, At: s.at()})
		}
	}
}

func (l *workload) exposeHostPorts() {
	node := child(l.pod, "containers")
	for i, c := range l.spec.Containers {
		for j, p := range c.Ports {
			port := p.HostPort
			if port == 0 && l.spec.HostNetwork {
				port = p.ContainerPort
			}
			if port == 0 {
				continue
			}
			scope := "all"
			if strings.HasPrefix(p.HostIP, "127.") || p.HostIP == "::1" {
				scope = "loopback"
			}
			at := model.At(l.path, itemLine(child(nodeItem(node, i), "ports"), j))
			l.expose(model.Exposure{Via: "host_port", Name: l.name, Address: fmt.Sprintf("%s:%d", p.HostIP, port), Scope: scope, TLS: model.Unknown, At: at})
		}
	}
}

// exposeHost opens the way to every workload behind a service's name.
func (w *world) exposeHost(host, namespace string, e model.Exposure) {
	for _, l := range w.behind(host, namespace) {
		l.expose(e)
	}
}
