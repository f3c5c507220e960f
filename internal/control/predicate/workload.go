package predicate

import (
	"slices"
	"strings"

	"muster/internal/control/catalogue"
	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

// checks are all judgements of single workloads. A default that is bad by specification fails; one that the image or
// the cluster decides says nothing.
var checks = []check{
	{"RUN-1", "not_root", catalogue.File, "a user that is not root", notRoot},
	{"RUN-1", "not_privileged", catalogue.File, "privileged is not set", notPrivileged},
	{"RUN-1", "no_added_capabilities", catalogue.File, "no capability but NET_BIND_SERVICE is added", noAddedCapabilities},
	{"RUN-1", "no_escalation", catalogue.File, "gaining more rights is switched off", noEscalation},
	{"RUN-1", "no_host_access", catalogue.File, "no path and no namespace of the host", noHostAccess},
	{"RUN-1", "seccomp", catalogue.File, "the seccomp profile RuntimeDefault or one of its own", seccomp},
	{"RUN-1", "read_only_root", catalogue.File, "a read-only root file system", readOnlyRoot},
	{"RUN-2", "cpu", catalogue.File, "a CPU limit", cpuLimit},
	{"RUN-2", "memory", catalogue.File, "a memory limit", memoryLimit},
	{"RUN-3", "liveness", catalogue.File, "a liveness check", liveness},
	{"RUN-3", "readiness", catalogue.File, "a readiness check", readiness},
	{"RUN-3", "replicas", catalogue.File, "two replicas or more", replicas},
	{"RUN-4", "autoscaled", catalogue.File, "a HorizontalPodAutoscaler", autoscaled},
	{"RUN-7", "timeout", catalogue.Mesh, "a time-out towards everything it calls", timeouts},
	{"RUN-7", "breaker", catalogue.Mesh, "outlier detection towards everything it calls", breakers},
	{"PAT-5", "pinned", catalogue.File, "an exact tag or a digest", pinned},
	{"DAT-1", "encrypted", catalogue.File, "a storage class that encrypts", storageEncrypted},
	{"DAT-3", "no_literal_secrets", catalogue.File, "no secret written in clear", noLiteralSecrets},
	{"DEV-1", "no_literal_secrets", catalogue.File, "no secret written in clear", noLiteralSecrets},
	{"IAM-9", "no_static_keys", catalogue.File, "no static key of a cloud or another system", noStaticKeys},
	{"IAM-5", "own_account", catalogue.File, "a service account of its own", ownAccount},
	{"IAM-5", "no_wildcard", catalogue.File, "no wildcard and no cluster-wide right", noWildcard},
	{"IAM-5", "no_idle_token", catalogue.File, "no account token where none is needed", noIdleToken},
	{"API-1", "only_through_gateway", catalogue.File, "reachable from outside through a gateway only", onlyThroughGateway},
	{"NET-1", "in", catalogue.File, "a network policy that limits who may come in", isolatedIn},
	{"NET-1", "out", catalogue.File, "a network policy that limits where it may go", isolatedOut},
	{"NET-5", "egress_allow_list", catalogue.File, "a network policy that lists where it may go", isolatedOut},
	{"IAM-1", "refuses_anonymous", catalogue.Mesh, "no request gets in without a signed token", refusesAnonymous},
	{"IAM-3", "named_callers", catalogue.Mesh, "strict mutual TLS, and policies that name every caller", namedCallers},
	{"IAM-4", "denies_by_default", catalogue.Mesh, "what no rule names is refused", deniesByDefault},
	{"TLS-6", "mutual_tls", catalogue.Mesh, "strict mutual TLS on every port", mutualTLS},
}

func notRoot(s *subject) seen {
	return s.each(func(c model.Container) seen {
		switch c.RunsAsRoot {
		case model.Yes:
			return fail(c.At, "container %s runs as root", c.Name)
		case model.No:
			return pass(c.At, "container %s runs as another user than root", c.Name)
		case model.Unknown:
		}
		return silent
	})
}

func notPrivileged(s *subject) seen {
	return s.each(func(c model.Container) seen {
		if c.Privileged {
			return fail(c.At, "container %s is privileged", c.Name)
		}
		return pass(c.At, "container %s is not privileged", c.Name)
	})
}

func noAddedCapabilities(s *subject) seen {
	return s.each(func(c model.Container) seen {
		added := slices.DeleteFunc(slices.Clone(c.CapAdd), func(name string) bool {
			return strings.TrimPrefix(strings.ToUpper(name), "CAP_") == "NET_BIND_SERVICE"
		})
		if len(added) > 0 {
			return fail(c.At, "container %s adds %s", c.Name, join(added))
		}
		return pass(c.At, "container %s adds no capability", c.Name)
	})
}

func noEscalation(s *subject) seen {
	return s.each(func(c model.Container) seen {
		switch {
		case c.AllowPrivilegeEscalation != nil && !*c.AllowPrivilegeEscalation && !c.Privileged:
			return pass(c.At, "container %s cannot gain more rights", c.Name)
		case c.AllowPrivilegeEscalation == nil:
			return fail(c.At, "container %s may gain more rights: nothing switches that off, as is the default", c.Name)
		}
		return fail(c.At, "container %s may gain more rights than it starts with", c.Name)
	})
}

func noHostAccess(s *subject) seen {
	var reached []string
	for word, yes := range map[string]bool{"the host's network": s.HostNetwork, "the host's process ids": s.HostPID, "the host's IPC": s.HostIPC} {
		if yes {
			reached = append(reached, word)
		}
	}
	slices.Sort(reached)
	if reached = append(reached, s.HostPaths...); len(reached) > 0 {
		return fail(s.At, "it uses %s", join(reached))
	}
	return pass(s.At, "it uses nothing of the host")
}

func seccomp(s *subject) seen {
	return s.each(func(c model.Container) seen {
		switch {
		case c.Seccomp == "Unconfined" || c.Privileged:
			return fail(c.At, "container %s runs without a seccomp profile", c.Name)
		case c.Seccomp != "":
			return pass(c.At, "container %s runs under %s", c.Name, c.Seccomp)
		case !s.kubernetes():
			return pass(c.At, "container %s runs under the engine's default profile", c.Name)
		}
		return silent // the node decides
	})
}

func readOnlyRoot(s *subject) seen {
	return s.each(func(c model.Container) seen {
		if c.ReadOnlyRoot {
			return pass(c.At, "container %s has a read-only root file system", c.Name)
		}
		return fail(c.At, "container %s can write to its root file system, as is the default", c.Name)
	})
}

func cpuLimit(s *subject) seen {
	return s.each(func(c model.Container) seen { return limited(c, c.CPULimit, "CPU") })
}

func memoryLimit(s *subject) seen {
	return s.each(func(c model.Container) seen { return limited(c, c.MemoryLimit, "memory") })
}

func limited(c model.Container, has bool, what string) seen {
	if has {
		return pass(c.At, "container %s has a %s limit", c.Name, what)
	}
	return fail(c.At, "container %s has no %s limit", c.Name, what)
}

func liveness(s *subject) seen {
	return s.each(func(c model.Container) seen { return s.probed(c, c.Liveness, "liveness") })
}

func readiness(s *subject) seen {
	return s.each(func(c model.Container) seen { return s.probed(c, c.Readiness, "readiness") })
}

// probed says nothing of short runs, which end by themselves, and of Compose, where the image may bring its own check.
func (s *subject) probed(c model.Container, has bool, what string) seen {
	switch {
	case has:
		return pass(c.At, "container %s has a %s check", c.Name, what)
	case s.batch() || !s.kubernetes():
		return silent
	}
	return fail(c.At, "container %s has no %s check", c.Name, what)
}

func (s *subject) batch() bool { return s.WorkloadKind == "Job" || s.WorkloadKind == "CronJob" }

func replicas(s *subject) seen {
	n := 1
	if s.Replicas != nil {
		n = *s.Replicas
	}
	switch {
	case s.Autoscaled != "":
		return pass(s.Autoscaled, "an autoscaler sets the number of replicas")
	case n >= 2:
		return pass(s.At, "%d replicas", n)
	case s.batch() || s.WorkloadKind == "DaemonSet" || !s.kubernetes():
		return silent
	case s.Replicas == nil:
		return fail(s.At, "one replica, as is the default")
	}
	return fail(s.At, "%d replicas", n)
}

func autoscaled(s *subject) seen {
	if s.Autoscaled != "" {
		return pass(s.Autoscaled, "an autoscaler names it")
	}
	return silent
}

func pinned(s *subject) seen {
	return s.each(func(c model.Container) seen {
		switch {
		case c.ImagePin == model.PinMoving, infer.Family(c.Image):
			return fail(c.At, "image %s moves: the same name is another image tomorrow", c.Image)
		case c.ImagePin == model.PinTag, c.ImagePin == model.PinDigest:
			return pass(c.At, "image %s", c.Image)
		}
		return silent // built from source: the files name no image
	})
}

func storageEncrypted(s *subject) seen {
	answer := silent
	for i, v := range s.Storage {
		switch v.Encrypted {
		case model.No:
			return fail(v.At, "claim %s uses class %s, which does not encrypt", v.Claim, v.Class)
		case model.Yes:
			if i == 0 || answer != silent {
				answer = pass(v.At, "claim %s uses class %s, which encrypts", v.Claim, v.Class)
			}
		case model.Unknown:
			answer = silent
		}
	}
	for _, v := range s.Storage {
		if v.Encrypted == model.Unknown {
			return silent
		}
	}
	return answer
}
