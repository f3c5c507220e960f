package topology

import (
	"fmt"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/inventory"
)

func (d *drawing) segment(key, name, band string, cluster bool) int {
	i, known := d.segments[key]
	if !known {
		i = len(d.Segments)
		d.segments[key] = i
		d.Segments = append(d.Segments, Segment{Key: key, Name: name, Band: band, Cluster: cluster})
	}
	return i
}

// compose places a workload in its project's networks, which are all the policy that there is.
func (d *drawing) compose(out *Workload, w *Seen, src *inventory.Source) {
	key := fmt.Sprint(src.ID)
	out.Host = key
	for _, p := range w.Ports {
		if p.Protocol == "tcp" {
			out.Addresses = append(out.Addresses, fmt.Sprintf("%s:%d", w.Name, p.Port))
		}
	}
	out.Mesh = Mesh{Member: No}
	out.Ingress, out.Egress = Isolation{Complete: true}, Isolation{Complete: true}
	if w.Gates == nil {
		return // read by a Muster that did not look at networks
	}
	for _, n := range w.Gates.Networks {
		out.Segments = append(out.Segments, d.segment(key+"/"+n, "network "+n+" of "+src.Name, "the Compose project "+src.Name, false))
	}
	if len(w.Gates.Networks) == 0 { // alone, by its own word
		out.Segments = append(out.Segments, d.segment(key+"/alone "+w.Name, w.Name+", without a network", "the Compose project "+src.Name, false))
	}
	for _, s := range w.Gates.Secrets {
		out.Secrets = append(out.Secrets, key+"/"+s)
	}
	d.escapes(out, w, OnHost, true)
}

// kubernetes places a workload in its cluster.
func (d *drawing) kubernetes(out *Workload, w *Seen, src *inventory.Source, complete bool, index map[string]int) {
	key := fmt.Sprint(src.ID)
	out.Namespace = key + "/" + w.Namespace
	out.Segments = []int{d.segment(key, clusterName(src), clusterName(src), true)}
	for _, name := range w.ServiceNames {
		for _, p := range w.ServicePorts {
			if p.Protocol == "tcp" {
				out.Addresses = append(out.Addresses, fmt.Sprintf("%s.%s:%d", name, w.Namespace, p.Port))
			}
		}
	}
	out.Account = key + "/" + w.Namespace + "/" + w.ServiceAccount
	out.Mesh = Mesh{Member: truth(w.Mesh), Complete: complete, Mode: mode(w)}
	if g := w.Gates; g != nil {
		out.Ingress, out.Egress = isolation(&g.Ingress, key, complete, index), isolation(&g.Egress, key, complete, index)
		out.Mesh.Token = g.Token
		out.Mesh.Allow, out.Mesh.Deny = rules(&g.Allow, key, index), rules(&g.Deny, key, index)
		if g.Allow.Members && !g.Allow.Everyone { // "any name" asks for a certificate, as a strict mesh does
			out.Mesh.Allow.Everyone, out.Mesh.Mode = true, Strict
		}
		for _, s := range g.Secrets {
			out.Secrets = append(out.Secrets, key+"/"+s)
		}
	} else {
		out.Ingress, out.Egress = Isolation{Unread: true}, Isolation{Unread: true}
		out.Mesh.Allow = Rules{Any: w.Admission.Allows > 0, Unclear: true}
	}
	d.escapes(out, w, InSegment, w.WorkloadKind == "DaemonSet") // which pods share its machine is not in the files
	d.rights(out, w)
}

func clusterName(src *inventory.Source) string {
	if strings.EqualFold(src.Name, "cluster") {
		return "the cluster"
	}
	return "the cluster of " + src.Name
}

func truth(t model.Truth) Truth {
	switch t {
	case model.Yes:
		return Yes
	case model.No:
		return No
	case model.Unknown:
	}
	return Unknown
}

// mode is the weakest of the workload's ports.
func mode(w *Seen) Mode {
	weak := slices.ContainsFunc(w.PortMTLS, func(p model.PortMTLS) bool { return p.Mode == model.MTLSPermissive || p.Mode == model.MTLSDisable })
	switch {
	case weak, w.MTLS == model.MTLSPermissive, w.MTLS == model.MTLSDisable:
		return Permissive
	case w.MTLS == model.MTLSStrict:
		return Strict
	}
	return NotDeclared
}

func isolation(d *model.Direction, key string, complete bool, index map[string]int) Isolation {
	i := Isolation{Isolated: d.Isolated, Complete: complete, Unread: d.Unread, Unclear: d.Unclear}
	i.Everyone, i.Outside = d.Everyone, d.Outside
	i.Namespaces, i.Workloads = spaces(d.Namespaces, key), indexes(d.Workloads, index)
	if d.Named {
		i.Named = i.Workloads
	}
	return i
}

func rules(c *model.Callers, key string, index map[string]int) Rules {
	return Rules{Any: c.Any, Everyone: c.Everyone, Unclear: c.Unclear, Others: c.Others, Namespaces: spaces(c.Namespaces, key), Workloads: indexes(c.Workloads, index)}
}

func spaces(names []string, key string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, key+"/"+n)
	}
	return out
}

func indexes(names []string, index map[string]int) []int {
	out := make([]int, 0, len(names))
	for _, n := range names {
		if i, known := index[n]; known {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// escapes are what leads out of a container.
func (d *drawing) escapes(out *Workload, w *Seen, s Scope, sure bool) {
	add := func(words string) {
		out.Powers = append(out.Powers, Power{Words: words, Scope: s, Sure: sure, Escape: true})
	}
	switch {
	case w.DockerSocket:
		add("holds the container engine's socket")
	case w.Privileged:
		add("runs privileged")
	case slices.Contains(w.HostPaths, "/"):
		add("mounts the whole disk of its host")
	}
}

// rights are what a service account may do that leads further: read secrets, or start containers.
func (d *drawing) rights(out *Workload, w *Seen) {
	if w.AutomountToken != nil && !*w.AutomountToken {
		return // it gets no token to use them with
	}
	for i := range w.Rights {
		r := &w.Rights[i]
		words, sure := danger(r)
		if words == "" {
			continue
		}
		p := Power{Words: words, Scope: InNamespace, Sure: sure}
		if r.ClusterWide {
			p.Scope = InSegment
		} else if r.Namespace != "" && r.Namespace != w.Namespace {
			p.Space = out.Namespace[:len(out.Namespace)-len(w.Namespace)] + r.Namespace
		}
		if !slices.Contains(out.Powers, p) {
			out.Powers = append(out.Powers, p)
		}
	}
}

// starters are the resources that start containers.
var starters = []string{"pods", "pods/exec", "deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs", "replicationcontrollers"}

// danger says what of a right leads further; sure is false where the files lack the role.
func danger(r *model.Right) (words string, sure bool) {
	if len(r.Verbs) == 0 {
		switch r.Role {
		case "ClusterRole/cluster-admin", "ClusterRole/admin", "ClusterRole/edit":
			return "its account may read secrets and start containers", true
		case "ClusterRole/view", "ClusterRole/system:discovery", "ClusterRole/system:auth-delegator":
			return "", false
		}
		return "its account holds a role that is not in the files", false
	}
	has := func(list []string, words ...string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return v == "*" || slices.Contains(words, v) })
	}
	switch {
	case has(r.Resources, "secrets") && has(r.Verbs, "get", "list", "watch"):
		return "its account may read secrets", true
	case has(r.Resources, starters...) && has(r.Verbs, "create", "patch", "update"):
		return "its account may start containers", true
	}
	return "", false
}
