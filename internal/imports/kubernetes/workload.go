package kubernetes

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

// workload is an object that runs pods.
type workload struct {
	*object
	labels      map[string]string // of its pods
	annotations map[string]string // of its pods
	spec        corev1.PodSpec
	pod         *yaml.Node // where spec was written
	services    []*service
	policies    []*networkPolicy // that select it
	meshFacts   []model.Fact
	out         model.Service
}

// podPaths says where each kind keeps its pod template.
var podPaths = map[string][]string{
	"Pod": {}, "Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"},
	"ReplicaSet": {"spec", "template"}, "ReplicationController": {"spec", "template"}, "Job": {"spec", "template"},
	"CronJob": {"spec", "jobTemplate", "spec", "template"}, "Rollout": {"spec", "template"}, "DeploymentConfig": {"spec", "template"}, "CloneSet": {"spec", "template"},
}

// workloadKind reports whether an object runs pods. Knative calls its workloads Services.
func workloadKind(o *object) bool {
	if o.group == knative {
		return o.kind == "Service"
	}
	if _, ok := podPaths[o.kind]; !ok {
		return false
	}
	if o.kind == "Rollout" && child(o.node, "spec", "workloadRef") != nil {
		return false // it rolls out a Deployment, which says the rest
	}
	return slices.Contains([]string{"", "apps", "batch", "argoproj.io", "apps.openshift.io", "apps.kruise.io"}, o.group)
}

func (w *world) findWorkloads() error {
	present := map[string]bool{}
	for _, o := range w.objects {
		if workloadKind(o) {
			present[o.namespace+"/"+o.kind+"/"+o.name] = true
		}
	}
	for _, o := range w.objects {
		if !workloadKind(o) || slices.ContainsFunc(o.owners, func(owner string) bool { return present[o.namespace+"/"+owner] }) {
			continue
		}
		l, err := newWorkload(o)
		if err != nil {
			return err
		}
		w.workloads = append(w.workloads, l)
	}
	return nil
}

// template is every kind's way to its pods, in one shape.
type template struct {
	Metadata corev1PodMeta  `json:"metadata"`
	Spec     corev1.PodSpec `json:"spec"`
}

type corev1PodMeta struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func newWorkload(o *object) (*workload, error) {
	path, kind := podPaths[o.kind], o.kind
	if o.group == knative {
		path, kind = []string{"spec", "template"}, "KnativeService"
	}
	l := &workload{object: o, pod: child(o.node, append(slices.Clone(path), "spec")...)}
	var t template
	var replicas *int
	var err error
	switch o.kind {
	case "Pod":
		err = o.decode(&t)
	case "CronJob":
		var c struct {
			Spec struct {
				JobTemplate struct{ Spec struct{ Template template } }
			}
		}
		err = o.decode(&c)
		t = c.Spec.JobTemplate.Spec.Template
	default:
		var d struct {
			Spec struct {
				Replicas *int
				Template template
			}
		}
		err = o.decode(&d)
		t, replicas = d.Spec.Template, d.Spec.Replicas
	}
	if err != nil {
		return nil, err
	}
	l.labels, l.annotations, l.spec = t.Metadata.Labels, t.Metadata.Annotations, t.Spec
	l.out = model.Service{
		Name: o.name, Namespace: o.namespace, WorkloadKind: kind, Replicas: replicas, At: o.at(),
		ServiceNames: []string{}, Profiles: []string{}, Containers: []model.Container{}, Images: []string{}, Ports: []model.Port{}, ServicePorts: []model.Port{},
		Exposures: []model.Exposure{}, HostPaths: []string{}, AuthorizationPolicies: []string{}, NetworkPolicies: []string{}, LiteralSecrets: []model.LiteralSecret{},
		PortMTLS: []model.PortMTLS{}, Rights: []model.Right{}, Storage: []model.Storage{}, Admission: model.Admission{DemandsToken: model.Unknown},
		Facts: []model.Fact{}, Mesh: model.Unknown, MTLS: model.MTLSNotDeclared,
	}
	l.describe()
	return l, nil
}

// describe fills what the pod's own text says.
func (l *workload) describe() {
	s := &l.out
	l.containers("initContainers", l.spec.InitContainers, true)
	l.containers("containers", l.spec.Containers, false)
	s.HostNetwork, s.HostPID, s.HostIPC = l.spec.HostNetwork, l.spec.HostPID, l.spec.HostIPC
	for _, v := range l.spec.Volumes {
		if v.HostPath != nil {
			s.HostPaths = append(s.HostPaths, v.HostPath.Path)
			s.DockerSocket = s.DockerSocket || engineSocket(v.HostPath.Path)
		}
	}
	s.ServiceAccount = l.spec.ServiceAccountName
	if s.ServiceAccount == "" {
		s.ServiceAccount = l.spec.DeprecatedServiceAccount
	}
	if s.ServiceAccount == "" {
		s.ServiceAccount = "default"
	}
	s.AutomountToken = l.spec.AutomountServiceAccountToken
	s.Datastore, s.DatastoreKind = infer.Datastore(l.name, s.Images)
	if kind := infer.DatastoreByImageWord(s.Images); kind != "" && (!s.Datastore || s.DatastoreKind == "database") {
		s.Datastore, s.DatastoreKind = true, kind
	}
	s.Language = infer.Language(s.Images)
	l.fold()
}

// engineSocket reports whether a path on the host hands over its container engine.
func engineSocket(path string) bool {
	return strings.HasSuffix(path, "docker.sock") || strings.HasSuffix(path, "containerd.sock") || strings.HasSuffix(path, "crio.sock")
}

// fold makes the workload's values of its long-running containers; sidecars count.
func (l *workload) fold() {
	s := &l.out
	s.HasSecurityContext, s.CPULimit, s.MemoryLimit, s.Liveness, s.Readiness, s.ReadOnlyRoot = true, true, true, true, true, true
	s.RunsAsRoot, s.ImagePin = model.No, model.PinDigest
	n := 0
	for _, c := range s.Containers {
		if c.Init {
			continue
		}
		n++
		s.HasSecurityContext = s.HasSecurityContext && c.HasSecurityContext
		s.CPULimit, s.MemoryLimit = s.CPULimit && c.CPULimit, s.MemoryLimit && c.MemoryLimit
		s.Liveness, s.Readiness = s.Liveness && c.Liveness, s.Readiness && c.Readiness
		s.ReadOnlyRoot = s.ReadOnlyRoot && c.ReadOnlyRoot
		s.Privileged = s.Privileged || c.Privileged
		s.ImagePin = infer.Worst(s.ImagePin, c.ImagePin)
		if c.RunsAsRoot == model.Yes || (c.RunsAsRoot == model.Unknown && s.RunsAsRoot == model.No) {
			s.RunsAsRoot = c.RunsAsRoot
		}
	}
	if n == 0 {
		s.HasSecurityContext, s.CPULimit, s.MemoryLimit, s.Liveness, s.Readiness, s.ReadOnlyRoot = false, false, false, false, false, false
		s.RunsAsRoot, s.ImagePin = model.Unknown, model.PinNone
	}
}

// containers describes one list of containers of the pod.
func (l *workload) containers(key string, list []corev1.Container, init bool) {
	node := child(l.pod, key)
	for i, c := range list {
		// An init container that always restarts is a sidecar: it runs as long as the pod.
		short := init && (c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways)
		out := describeContainer(l.spec.SecurityContext, c, short)
		out.Seccomp = cmp.Or(out.Seccomp, l.annotatedSeccomp(c.Name))
		out.At = model.At(l.path, itemLine(node, i))
		l.out.Containers = append(l.out.Containers, out)
		if !short && c.Image != "" && !slices.Contains(l.out.Images, c.Image) {
			l.out.Images = append(l.out.Images, c.Image)
		}
		for _, p := range c.Ports {
			if !short {
				l.out.Ports = append(l.out.Ports, model.Port{Port: int(p.ContainerPort), Protocol: protocol(string(p.Protocol)), Name: p.Name})
			}
		}
		l.literals(child(nodeItem(node, i), "env"), c.Env)
	}
}

// annotatedSeccomp reads the annotations that came before the field.
func (l *workload) annotatedSeccomp(container string) string {
	word := cmp.Or(l.annotations["container.seccomp.security.alpha.kubernetes.io/"+container], l.annotations["seccomp.security.alpha.kubernetes.io/pod"])
	switch {
	case word == "runtime/default" || word == "docker/default":
		return "RuntimeDefault"
	case word == "unconfined":
		return "Unconfined"
	case strings.HasPrefix(word, "localhost/"):
		return "Localhost"
	}
	return ""
}

func nodeItem(n *yaml.Node, i int) *yaml.Node {
	if n = resolve(n); n == nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
		return nil
	}
	return resolve(n.Content[i])
}

func (l *workload) literals(node *yaml.Node, env []corev1.EnvVar) {
	for i, e := range env {
		if e.ValueFrom == nil && infer.LiteralSecret(e.Name, e.Value) {
			l.secret(e.Name, "env", model.At(l.path, itemLine(node, i)))
		}
	}
}

func (l *workload) secret(name, source, at string) {
	s := model.LiteralSecret{Name: name, Source: source, At: at}
	if !slices.Contains(l.out.LiteralSecrets, s) {
		l.out.LiteralSecrets = append(l.out.LiteralSecrets, s)
	}
}

func describeContainer(pod *corev1.PodSecurityContext, c corev1.Container, init bool) model.Container {
	sc := c.SecurityContext
	out := model.Container{
		Name: c.Name, Init: init, Image: c.Image, ImagePin: infer.Pin(c.Image), CapAdd: []string{}, RunsAsRoot: runsAsRoot(pod, sc),
		HasSecurityContext: sc != nil || pod != nil,
		Liveness:           c.LivenessProbe != nil, Readiness: c.ReadinessProbe != nil, Seccomp: seccomp(pod, sc),
	}
	_, out.CPULimit = c.Resources.Limits[corev1.ResourceCPU]
	_, out.MemoryLimit = c.Resources.Limits[corev1.ResourceMemory]
	if sc == nil {
		return out
	}
	out.Privileged = sc.Privileged != nil && *sc.Privileged
	out.ReadOnlyRoot = sc.ReadOnlyRootFilesystem != nil && *sc.ReadOnlyRootFilesystem
	out.AllowPrivilegeEscalation = sc.AllowPrivilegeEscalation
	if sc.Capabilities != nil {
		for _, cap := range sc.Capabilities.Add {
			out.CapAdd = append(out.CapAdd, string(cap))
		}
		out.DropsAllCaps = slices.ContainsFunc(sc.Capabilities.Drop, func(c corev1.Capability) bool { return strings.EqualFold(string(c), "ALL") })
	}
	return out
}

// seccomp is the container's own profile, else the pod's.
func seccomp(pod *corev1.PodSecurityContext, c *corev1.SecurityContext) string {
	switch {
	case c != nil && c.SeccompProfile != nil:
		return string(c.SeccompProfile.Type)
	case pod != nil && pod.SeccompProfile != nil:
		return string(pod.SeccompProfile.Type)
	}
	return ""
}

// runsAsRoot says unknown where neither the pod nor the container decides: then the image does.
func runsAsRoot(pod *corev1.PodSecurityContext, c *corev1.SecurityContext) model.Truth {
	var user *int64
	var nonRoot *bool
	if pod != nil {
		user, nonRoot = pod.RunAsUser, pod.RunAsNonRoot
	}
	if c != nil && c.RunAsUser != nil {
		user = c.RunAsUser
	}
	if c != nil && c.RunAsNonRoot != nil {
		nonRoot = c.RunAsNonRoot
	}
	switch {
	case user != nil && *user == 0:
		return model.Yes
	case user != nil, nonRoot != nil && *nonRoot:
		return model.No
	}
	return model.Unknown
}
