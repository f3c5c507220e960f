package infer

import (
	"path"
	"regexp"
	"strings"
)

var (
	ingressImages = regexp.MustCompile(`^(nginx-ingress(-controller)?|traefik|kong|kong-gateway|haproxy-ingress|ambassador|emissary|aes|gloo-envoy-wrapper|apisix|skipper|kourier|voyager|openresty-ingress|nginx-proxy|nginx-proxy-manager|swag)$`)
	ingressPaths  = regexp.MustCompile(`(^|/)(ingress-nginx/controller|haproxytech/kubernetes-ingress|projectcontour/envoy|nginx/nginx-ingress|envoyproxy/gateway-proxy)(/|$)`)
	proxyImages   = regexp.MustCompile(`^(nginx|nginx-unprivileged|nginxinc|traefik|caddy|haproxy|envoy|envoy-alpine|openresty)$`)
)

// EdgeProxy reports whether an image is made to be the way in: an ingress controller or API gateway.
func EdgeProxy(image string) bool {
	name, _, _ := splitImage(strings.ToLower(image))
	return ingressImages.MatchString(path.Base(name)) || ingressPaths.MatchString(name)
}

// ReverseProxy reports whether an image is a web server that often stands in front of others. Only its place tells.
func ReverseProxy(image string) bool {
	name, _, _ := splitImage(strings.ToLower(image))
	return proxyImages.MatchString(path.Base(name))
}
