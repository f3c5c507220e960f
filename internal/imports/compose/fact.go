package compose

import (
	"fmt"
	"strings"

	"muster/internal/imports/model"
)

// finish states the facts of a service, for people to read.
func finish(s *model.Service) {
	state := func(key, part, value, at string) {
		s.Facts = append(s.Facts, model.Fact{Key: key, Part: part, Value: value, At: at})
	}
	c := s.Containers[0]
	if c.Image != "" {
		state(model.FactImage, "", c.Image, s.At)
	} else if s.BuildOnly {
		state(model.FactImage, "", "built from source, no image", s.At)
	}
	if c.RunsAsRoot != model.Unknown {
		state(model.FactRunsAsRoot, "", string(c.RunsAsRoot), s.At)
	}
	if c.Privileged {
		state(model.FactPrivileged, "", "yes", s.At)
	}
	state(model.FactReadOnlyRoot, "", string(model.Of(c.ReadOnlyRoot)), s.At)
	capabilities := []string{}
	if c.DropsAllCaps {
		capabilities = append(capabilities, "drop ALL")
	}
	for _, add := range c.CapAdd {
		capabilities = append(capabilities, "add "+add)
	}
	if len(capabilities) > 0 {
		state(model.FactCapabilities, "", strings.Join(capabilities, ", "), s.At)
	}
	limits := []string{}
	if c.CPULimit {
		limits = append(limits, "CPU")
	}
	if c.MemoryLimit {
		limits = append(limits, "memory")
	}
	state(model.FactLimits, "", words(limits), s.At)
	if c.Liveness {
		state(model.FactProbes, "", "health check", s.At)
	}
	for _, p := range s.Ports {
		state(model.FactPort, "", fmt.Sprintf("%d/%s", p.Port, p.Protocol), s.At)
	}
	for _, e := range s.Exposures {
		state(model.FactExposure, "published port", exposureWords(e), e.At)
	}
	if s.HostNetwork {
		state(model.FactHostAccess, "host network", "yes", s.At)
	}
	for _, path := range s.HostPaths {
		state(model.FactHostAccess, "host path "+path, "yes", s.At)
	}
	for _, secret := range s.LiteralSecrets {
		state(model.FactLiteralSecret, secret.Name, secret.Source, secret.At)
	}
	if s.Datastore {
		state(model.FactDatastore, "", s.DatastoreKind, s.At)
	}
}

func words(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func exposureWords(e model.Exposure) string {
	switch {
	case e.Ephemeral:
		return "published on a port that changes at each start"
	case e.Scope == "loopback":
		return "published on this host only, " + e.Address
	}
	return "published on all interfaces, " + e.Address
}
