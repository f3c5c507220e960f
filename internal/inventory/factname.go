package inventory

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
)

var factNames = map[string]string{
	model.FactImage: "image", model.FactPort: "port", model.FactRunsAsRoot: "runs as root", model.FactPrivileged: "privileged", model.FactReadOnlyRoot: "read-only root file system",
	model.FactEscalation: "privilege escalation", model.FactCapabilities: "capabilities", model.FactLimits: "limits", model.FactProbes: "probes", model.FactReplicas: "replicas",
	model.FactServiceAccount: "service account", model.FactHostAccess: "host access", model.FactExposure: "way in", model.FactMesh: "in the mesh", model.FactMTLS: "mutual TLS",
	model.FactAuthorization: "authorization policy", model.FactRequestAuth: "token check", model.FactNetworkPolicy: "network policy", model.FactLiteralSecret: "secret in clear",
	model.FactDatastore: "datastore", model.FactLanguage: "language", model.FactOperations: "operations", model.FactStorage: "storage",
}

// FactName is a fact's key in words.
func FactName(key string) string { return cmp.Or(factNames[key], strings.ReplaceAll(key, "_", " ")) }
