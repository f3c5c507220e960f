// Package kubernetes reads Kubernetes, Istio and Gateway API objects into services, who calls whom, and what protects them.
package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"muster/internal/imports/limit"
	"muster/internal/imports/model"
)

// object is one Kubernetes object and where it stands.
type object struct {
	group, version, kind string
	namespace, name      string
	labels, annotations  map[string]string
	owners               []string // "Kind/name"
	path                 string
	line                 int
	node                 *yaml.Node
	json                 []byte
	file                 []byte // the whole file, to say what is wrong with it
}

func (o *object) at() string  { return model.At(o.path, o.line) }
func (o *object) key() string { return o.group + "|" + o.kind + "|" + o.namespace + "|" + o.name }
func (o *object) decode(v any) error {
	if err := json.Unmarshal(o.json, v); err != nil {
		if line := templateLine(o.file); line > 0 {
			return templated(o.path, line)
		}
		return model.Fail(o.path, o.line, "The %s %s cannot be read: %s.", o.kind, o.name, reason(err))
	}
	return nil
}

func templated(path string, line int) error {
	return model.Fail(path, line, "This is a Helm template; run helm template first and import what it prints.")
}

// templateLine is the line of the first Helm expression; 0 when there is none.
func templateLine(data []byte) int {
	place := helm.FindIndex(data)
	if place == nil {
		return 0
	}
	return 1 + bytes.Count(data[:place[0]], []byte("\n"))
}

// reason says what is wrong without showing a value, which may be a secret.
func reason(err error) string {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Sprintf("field %s is a %s where a %s is expected", wrongType.Field, strings.Fields(wrongType.Value)[0], wrongType.Type.Kind())
	}
	return "a field has a value of the wrong form"
}

const (
	maxDepth = 100
	maxNodes = 1_000_000

	maxObjects = 50_000 // of one file
)

var (
	sniffYAML = regexp.MustCompile(`(?m)^(?:- |  )?["']?apiVersion["']?\s*:\s*\S`)
	sniffKind = regexp.MustCompile(`(?m)^\s{0,4}["']?kind["']?\s*:\s*\S`)
	sniffJSON = regexp.MustCompile(`"apiVersion"\s*:\s*"[^"]*"`)
	jsonKind  = regexp.MustCompile(`"kind"\s*:\s*"[A-Z]`)
	helm      = regexp.MustCompile(`\{\{-?\s*(\.[A-Z]|include |if |range |end\b|define |template |with |toYaml|tpl |\$|/\*)`)
)

// Sniff tells whether these bytes look like Kubernetes objects, templated ones included, so that Read can say what is wrong with those.
func Sniff(data []byte) bool {
	if !bytes.Contains(data, []byte("apiVersion")) || !bytes.Contains(data, []byte("kind")) {
		return false
	}
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(trimmed, []byte("{")) {
		return sniffJSON.Match(data) && jsonKind.Match(data)
	}
	return sniffYAML.Match(data) && sniffKind.Match(data)
}

// parse reads the objects of one file.
func parse(f model.File) ([]*object, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(f.Data, []byte("\xef\xbb\xbf"))))
	var objects []*object
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, syntaxError(f, err)
		}
		if len(document.Content) == 0 {
			continue
		}
		found, err := fromNode(f, document.Content[0], 0)
		if err != nil {
			return nil, err
		}
		if objects = append(objects, found...); len(objects) > maxObjects {
			return nil, model.Fail(f.Path, document.Line, "It holds more than %d objects; import it in parts.", maxObjects)
		}
	}
}

func syntaxError(f model.File, err error) error {
	if line := templateLine(f.Data); line > 0 {
		return templated(f.Path, line)
	}
	line, reason := limit.Syntax(f, err)
	if strings.Contains(reason, "max depth") {
		return model.Fail(f.Path, line, "It is nested deeper than %d levels.", maxDepth)
	}
	return model.Fail(f.Path, line, "This is not valid YAML: %s.", reason)
}

// fromNode makes objects of one document: an object, a List of them, or nothing.
func fromNode(f model.File, node *yaml.Node, depth int) ([]*object, error) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil, nil
	}
	if node.Kind == yaml.SequenceNode {
		return fromItems(f, node, depth)
	}
	if node.Kind != yaml.MappingNode {
		return nil, model.Fail(f.Path, node.Line, "A document of this file is not a Kubernetes object.")
	}
	if items := child(node, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(text(node, "kind"), "List") {
		return fromItems(f, items, depth)
	}
	o, err := newObject(f, node)
	if err != nil || o == nil {
		return nil, err
	}
	return []*object{o}, nil
}

func fromItems(f model.File, items *yaml.Node, depth int) ([]*object, error) {
	if depth > 3 {
		return nil, model.Fail(f.Path, items.Line, "Lists are nested in lists more than three times.")
	}
	var objects []*object
	for _, item := range items.Content {
		found, err := fromNode(f, item, depth+1)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

func newObject(f model.File, node *yaml.Node) (*object, error) {
	if kind := text(node, "kind"); kind != "" && !relevant(kind) && text(node, "apiVersion") != "" && !helm.MatchString(kind) {
		return bareObject(f, node), nil
	}
	budget := maxNodes
	value, err := plain(node, "", 0, &budget)
	if err != nil {
		return nil, model.Fail(f.Path, node.Line, "This document cannot be read: %s.", err.Error())
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, model.Fail(f.Path, node.Line, "A document of this file cannot be read.")
	}
	var head struct {
		APIVersion, Kind string
		Metadata         struct {
			Name, GenerateName, Namespace string
			Labels, Annotations           map[string]string
			OwnerReferences               []struct{ Kind, Name string }
		}
	}
	o := &object{path: f.Path, line: node.Line, node: node, json: encoded, file: f.Data}
	o.kind, o.name = text(node, "kind"), text(child(node, "metadata"), "name")
	if err := o.decode(&head); err != nil {
		return nil, err
	}
	if head.APIVersion == "" || head.Kind == "" {
		return nil, model.Fail(f.Path, node.Line, "A document of this file has no apiVersion or no kind, so it is not a Kubernetes object.")
	}
	if helm.MatchString(head.Kind + head.Metadata.Name + head.Metadata.Namespace) {
		return nil, templated(f.Path, node.Line)
	}
	o.group, o.version, _ = strings.Cut(head.APIVersion, "/")
	if o.version == "" {
		o.group, o.version = "", head.APIVersion
	}
	o.group = modernGroup(o.group, head.Kind)
	o.namespace = head.Metadata.Namespace
	if o.name == "" {
		o.name = strings.TrimSuffix(head.Metadata.GenerateName, "-")
	}
	o.labels, o.annotations = head.Metadata.Labels, head.Metadata.Annotations
	for _, owner := range head.Metadata.OwnerReferences {
		o.owners = append(o.owners, owner.Kind+"/"+owner.Name)
	}
	return o, nil
}

// relevant reports whether objects of a kind say anything that is read. Most bytes of real files are of kinds that do not.
func relevant(kind string) bool {
	_, runs := podPaths[kind]
	return runs || known[kind] && !slices.Contains([]string{"CustomResourceDefinition", "PodDisruptionBudget", "GatewayClass", "ReferenceGrant", "PersistentVolume", "Secret", "Endpoints", "EndpointSlice"}, kind)
}

// bareObject keeps only the head of an object, so that files of definitions take little memory.
func bareObject(f model.File, node *yaml.Node) *object {
	meta := child(node, "metadata")
	o := &object{path: f.Path, line: node.Line, kind: text(node, "kind"), name: text(meta, "name"), namespace: text(meta, "namespace")}
	o.group, o.version, _ = strings.Cut(text(node, "apiVersion"), "/")
	if o.version == "" {
		o.group, o.version = "", o.group
	}
	if o.name == "" {
		o.name = strings.TrimSuffix(text(meta, "generateName"), "-")
	}
	return o
}

// modernGroup maps groups that Kubernetes has left to those that took over, so that an old file means the same.
func modernGroup(group, kind string) string {
	if group != "extensions" {
		return group
	}
	if kind == "Ingress" || kind == "NetworkPolicy" {
		return "networking.k8s.io"
	}
	return "apps"
}

// texts are the mappings and keys whose values Kubernetes takes as text; people forget the quotes.
var texts = []string{"labels", "annotations", "matchLabels", "selector", "nodeSelector", "data"}

// plain turns a node into JSON values, with aliases expanded up to a budget.
func plain(n *yaml.Node, under string, depth int, budget *int) (any, error) {
	if *budget--; *budget < 0 {
		return nil, errors.New("its aliases expand to more than a million values")
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return plain(n.Alias, under, depth+1, budget)
	case yaml.MappingNode:
		return plainMapping(n, under, depth, budget)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := plain(c, under, depth+1, budget)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return scalar(n, under == "value" || slices.Contains(texts, under)), nil
}

func plainMapping(n *yaml.Node, under string, depth int, budget *int) (any, error) {
	values := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		below := key
		if slices.Contains(texts, under) {
			below = under
		}
		v, err := plain(n.Content[i+1], below, depth+1, budget)
		if err != nil {
			return nil, err
		}
		if merged, ok := v.(map[string]any); ok && n.Content[i].Tag == "!!merge" {
			for k, v := range merged {
				if _, own := values[k]; !own {
					values[k] = v
				}
			}
			continue
		}
		values[key] = v
	}
	return values, nil
}

func scalar(n *yaml.Node, asText bool) any {
	if n.Tag == "!!null" {
		return nil
	}
	if asText {
		return n.Value
	}
	switch n.Tag {
	case "!!bool":
		return strings.EqualFold(n.Value, "true") || strings.EqualFold(n.Value, "yes") || strings.EqualFold(n.Value, "on")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
		}
	}
	return n.Value
}

// child finds a key of a mapping, through aliases; nil when there is none.
func child(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = resolve(n)
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return resolve(n)
}

func resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

func text(n *yaml.Node, key string) string {
	if c := child(n, key); c != nil && c.Kind == yaml.ScalarNode {
		return c.Value
	}
	return ""
}

// keyLine is the line of a key in a mapping, or of the mapping itself.
func keyLine(n *yaml.Node, key string) int {
	n = resolve(n)
	if n == nil {
		return 0
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i].Line
		}
	}
	return n.Line
}

// itemLine is the line of the i-th item of a sequence.
func itemLine(n *yaml.Node, i int) int {
	if n = resolve(n); n == nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
		return 0
	}
	return n.Content[i].Line
}
