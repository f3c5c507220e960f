package compose

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

// service is one service of the project while it is read.
type service struct {
	name  string
	value *value
	file  string
	line  int

	settings []setting // its environment, once it is read
}

// text is a scalar with its variables put in. What cannot be resolved stays as it was written.
func (p *project) text(v *value) string {
	if v == nil || v.kind != scalar {
		return ""
	}
	return p.interpolate(v.text)
}

// unresolved reports whether a variable was left as it was written.
func unresolved(text string) bool { return strings.Contains(text, "$") }

// describe makes the services and edges of the whole project.
func (p *project) describe(result *model.Inspection) {
	e := &edges{byPair: map[[2]string]*model.Dependency{}}
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		s := p.services[name]
		result.Services = append(result.Services, p.service(s))
	}
	p.connect(e)
	for i := range result.Services {
		p.secretsOf(&result.Services[i])
		finish(&result.Services[i])
	}
	result.Dependencies, result.Unresolved = e.list()
}

func (p *project) service(s *service) model.Service {
	v := s.value
	out := model.Service{
		Name: s.name, Group: s.name, WorkloadKind: "Compose service", ServiceNames: []string{}, Profiles: []string{}, Containers: []model.Container{}, Images: []string{},
		Ports: []model.Port{}, ServicePorts: []model.Port{}, Exposures: []model.Exposure{}, HostPaths: []string{}, AuthorizationPolicies: []string{}, NetworkPolicies: []string{},
		PortMTLS: []model.PortMTLS{}, Rights: []model.Right{}, Storage: []model.Storage{}, Admission: model.Admission{DemandsToken: model.Unknown},
		LiteralSecrets: []model.LiteralSecret{}, Facts: []model.Fact{}, Mesh: model.Unknown, MTLS: model.MTLSNotDeclared, At: model.At(s.file, s.line),
	}
	for _, item := range v.field("profiles").items() {
		out.Profiles = append(out.Profiles, p.text(item))
	}
	if n, err := strconv.Atoi(cmp.Or(p.text(v.field("deploy").field("replicas")), p.text(v.field("scale")))); err == nil {
		out.Replicas = &n
	}
	c := p.container(s)
	out.Containers = append(out.Containers, c)
	if c.Image != "" {
		out.Images = append(out.Images, c.Image)
	}
	out.BuildOnly = c.Image == "" && v.field("build") != nil
	out.RunsAsRoot, out.Privileged, out.HasSecurityContext = c.RunsAsRoot, c.Privileged, c.HasSecurityContext
	out.CPULimit, out.MemoryLimit, out.Liveness, out.ReadOnlyRoot, out.ImagePin = c.CPULimit, c.MemoryLimit, c.Liveness, c.ReadOnlyRoot, c.ImagePin
	out.HostNetwork, out.HostPID, out.HostIPC = p.text(v.field("network_mode")) == "host", p.text(v.field("pid")) == "host", p.text(v.field("ipc")) == "host"
	p.volumes(v, &out)
	p.ports(s, &out)
	out.Gates = p.gates(s)
	out.Gateway = infer.EdgeProxy(c.Image) || (infer.ReverseProxy(c.Image) && out.Exposed)
	out.Datastore, out.DatastoreKind = infer.Datastore(s.name, out.Images)
	if kind := infer.DatastoreByImageWord(out.Images); kind != "" && !out.Datastore {
		out.Datastore, out.DatastoreKind = true, kind
	}
	out.Language = infer.Language(out.Images)
	return out
}

func (p *project) container(s *service) model.Container {
	v := s.value
	c := model.Container{Name: s.name, Image: p.text(v.field("image")), RunsAsRoot: p.root(v), CapAdd: []string{}, At: model.At(s.file, s.line)}
	c.ImagePin = infer.Pin(c.Image)
	c.Privileged, c.ReadOnlyRoot = truth(p.text(v.field("privileged"))), truth(p.text(v.field("read_only")))
	for _, item := range v.field("cap_add").items() {
		c.CapAdd = append(c.CapAdd, p.text(item))
	}
	for _, item := range v.field("cap_drop").items() {
		c.DropsAllCaps = c.DropsAllCaps || strings.EqualFold(p.text(item), "all")
	}
	p.securityOptions(v, &c)
	for _, key := range []string{"user", "cap_add", "cap_drop", "read_only", "security_opt", "privileged"} {
		c.HasSecurityContext = c.HasSecurityContext || v.field(key) != nil
	}
	limits := v.field("deploy").field("resources").field("limits")
	c.CPULimit = set(limits.field("cpus")) || set(v.field("cpus")) || set(v.field("cpu_quota"))
	c.MemoryLimit = set(limits.field("memory")) || set(v.field("mem_limit"))
	if h := v.field("healthcheck"); h != nil && h.kind == mapping && !truth(p.text(h.field("disable"))) {
		test := h.field("test").orList()
		c.Liveness = !(len(test) == 1 && strings.EqualFold(test[0].text, "NONE"))
	}
	return c
}

func (p *project) securityOptions(v *value, c *model.Container) {
	for _, item := range v.field("security_opt").items() {
		switch option, word, _ := strings.Cut(strings.ReplaceAll(p.text(item), "=", ":"), ":"); {
		case option == "no-new-privileges" && word != "false":
			no := false
			c.AllowPrivilegeEscalation = &no
		case option == "seccomp" && word == "unconfined":
			c.Seccomp = "Unconfined"
		case option == "seccomp" && word != "":
			c.Seccomp = "Localhost"
		}
	}
}

func set(v *value) bool { return v != nil && v.kind == scalar && v.text != "" && v.text != "0" }

func truth(text string) bool {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true
	}
	return false
}

// root says unknown where the file sets no user: then the image decides.
func (p *project) root(v *value) model.Truth {
	user, _, _ := strings.Cut(p.text(v.field("user")), ":")
	switch {
	case user == "" || unresolved(user):
		return model.Unknown
	case user == "0" || user == "root":
		return model.Yes
	}
	return model.No
}

func (p *project) volumes(v *value, out *model.Service) {
	for _, item := range v.field("volumes").items() {
		source := p.text(item.field("source"))
		if item.kind == scalar {
			source, _, _ = strings.Cut(p.text(item), ":")
		}
		if strings.HasPrefix(source, "/") {
			out.HostPaths = append(out.HostPaths, source)
		}
		out.DockerSocket = out.DockerSocket || strings.HasSuffix(source, "docker.sock") || (item.kind == scalar && strings.Contains(p.text(item), "docker.sock"))
	}
	if out.DockerSocket && !slices.ContainsFunc(out.HostPaths, func(h string) bool { return path.Base(h) == "docker.sock" }) {
		out.HostPaths = append(out.HostPaths, "/var/run/docker.sock")
	}
}

// ports are those published on the host; expose opens nothing.
func (p *project) ports(s *service, out *model.Service) {
	for _, item := range s.value.field("ports").items() {
		if item.kind == mapping {
			p.longPort(item, out, s.name)
			continue
		}
		p.shortPort(item, out, s.name)
	}
	for _, item := range s.value.field("expose").items() {
		number, proto, _ := strings.Cut(p.text(item), "/")
		addPort(out, number, proto)
	}
}

func (p *project) longPort(item *value, out *model.Service, name string) {
	target, published, ip := p.text(item.field("target")), p.text(item.field("published")), p.text(item.field("host_ip"))
	addPort(out, target, p.text(item.field("protocol")))
	publish(out, name, ip, published, model.At(item.file, item.line))
}

// shortPort reads [[ip:]host:]container[/protocol]; a host in square brackets is IPv6.
func (p *project) shortPort(item *value, out *model.Service, name string) {
	text, proto, _ := strings.Cut(p.text(item), "/")
	parts := splitPort(text)
	container := parts[len(parts)-1]
	host, ip := "", ""
	if len(parts) > 1 {
		host = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		ip = strings.Trim(strings.Join(parts[:len(parts)-2], ":"), "[]")
	}
	addPort(out, container, proto)
	publish(out, name, ip, host, model.At(item.file, item.line))
}

// splitPort splits at colons outside ${…} and […].
func splitPort(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ':':
			if depth == 0 {
				parts, start = append(parts, text[start:i]), i+1
			}
		}
	}
	return append(parts, text[start:])
}

func addPort(out *model.Service, text, proto string) {
	first, last, ranged := strings.Cut(text, "-")
	from, err := strconv.Atoi(first)
	if err != nil {
		return
	}
	to := from
	if ranged {
		if to, err = strconv.Atoi(last); err != nil || to < from || to > from+100 {
			return
		}
	}
	for n := from; n <= to; n++ {
		port := model.Port{Port: n, Protocol: cmp.Or(strings.ToLower(proto), "tcp")}
		if !slices.Contains(out.Ports, port) {
			out.Ports = append(out.Ports, port)
		}
	}
}

// publish notes a port on the host. Without a number the engine draws one at each start.
func publish(out *model.Service, name, ip, host, at string) {
	scope := "all"
	if strings.HasPrefix(ip, "127.") || ip == "::1" || ip == "[::1]" || ip == "localhost" {
		scope = "loopback"
	}
	e := model.Exposure{Via: "published_port", Name: name, Scope: scope, Ephemeral: host == "" || host == "0", TLS: model.Unknown, At: at}
	if !e.Ephemeral {
		if strings.Contains(ip, ":") {
			ip = "[" + ip + "]"
		}
		e.Address = fmt.Sprintf("%s:%s", ip, host)
	}
	same := func(o model.Exposure) bool { return !e.Ephemeral && o.Address == e.Address && o.Scope == e.Scope }
	if !slices.ContainsFunc(out.Exposures, same) { // a later file may repeat a port
		out.Exposures = append(out.Exposures, e)
	}
	out.Exposed = out.Exposed || (scope == "all" && !e.Ephemeral)
}
