package kubernetes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"muster/internal/imports/model"
)

// metaSelectors are alternatives.
type metaSelectors struct{ list []metav1.LabelSelector }

func (m *metaSelectors) match(set map[string]string) bool {
	return slices.ContainsFunc(m.list, func(s metav1.LabelSelector) bool { return selectorOf(&s).Matches(labels.Set(set)) })
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// storageClass is what a class says about encryption.
type storageClass struct {
	encrypted model.Truth
	standard  bool // the class of claims that name none
}

// store lists the volumes that each workload claims.
func (w *world) store() error {
	classes, claims := map[string]storageClass{}, map[namespaceName]*object{}
	for _, o := range w.objects {
		switch o.group + "/" + o.kind {
		case "storage.k8s.io/StorageClass":
			var c struct{ Parameters map[string]any }
			if err := o.decode(&c); err != nil {
				return err
			}
			classes[o.name] = storageClass{encryption(c.Parameters), o.annotations["storageclass.kubernetes.io/is-default-class"] == "true"}
		case "/PersistentVolumeClaim":
			claims[namespaceName{o.namespace, o.name}] = o
		}
	}
	for _, l := range w.workloads {
		if err := l.claim(claims, classes); err != nil {
			return err
		}
	}
	return nil
}

// claimSpec is the part of a claim that names its class.
type claimSpec struct {
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	Spec struct{ StorageClassName *string }
}

func (c claimSpec) class() *string {
	if old, ok := c.Metadata.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return &old
	}
	return c.Spec.StorageClassName
}

func (l *workload) claim(claims map[namespaceName]*object, classes map[string]storageClass) error {
	for _, v := range l.spec.Volumes {
		switch {
		case v.PersistentVolumeClaim != nil:
			name := v.PersistentVolumeClaim.ClaimName
			o := claims[namespaceName{l.namespace, name}]
			if o == nil {
				l.out.Storage = append(l.out.Storage, model.Storage{Claim: name, Encrypted: model.Unknown, At: l.at()})
				continue
			}
			var c claimSpec
			if err := o.decode(&c); err != nil {
				return err
			}
			l.volume(name, c.class(), classes, o.at())
		case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
			l.volume(v.Name, v.Ephemeral.VolumeClaimTemplate.Spec.StorageClassName, classes, l.at())
		}
	}
	if l.kind != "StatefulSet" {
		return nil
	}
	var set struct {
		Spec struct{ VolumeClaimTemplates []claimSpec }
	}
	if err := l.decode(&set); err != nil {
		return err
	}
	node := child(l.node, "spec", "volumeClaimTemplates")
	for i, c := range set.Spec.VolumeClaimTemplates {
		l.volume(c.Metadata.Name, c.class(), classes, model.At(l.path, itemLine(node, i)))
	}
	return nil
}

// volume notes one claim; without a class it gets the files' default class, if they declare one.
func (l *workload) volume(name string, class *string, classes map[string]storageClass, at string) {
	s := model.Storage{Claim: name, Encrypted: model.Unknown, At: at}
	if class != nil {
		s.Class = *class
	} else {
		for _, n := range sortedNames(classes) {
			if classes[n].standard {
				s.Class = n
			}
		}
	}
	if c, known := classes[s.Class]; known {
		s.Encrypted = c.encrypted
	}
	if !slices.Contains(l.out.Storage, s) {
		l.out.Storage = append(l.out.Storage, s)
	}
}

// keyParameters name the key that a class's volumes are encrypted with.
var keyParameters = []string{"kmskeyid", "kms-key-id", "diskencryptionsetid", "disk-encryption-kms-key", "encryptionkmsid", "encryptionkey", "kmskeyname"}

// encryption reads a class's parameters. Silence is unknown: many clouds encrypt every disk.
func encryption(parameters map[string]any) model.Truth {
	answer := model.Unknown
	for key, value := range parameters {
		text := strings.ToLower(strings.TrimSpace(fmt.Sprint(value)))
		switch key = strings.ToLower(key[strings.LastIndexByte(key, '/')+1:]); {
		case key == "encrypted" && text == "false":
			return model.No
		case key == "encrypted" && text == "true", key == "secure" && text == "true", slices.Contains(keyParameters, key) && text != "":
			answer = model.Yes
		}
	}
	return answer
}
