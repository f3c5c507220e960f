// Package compose reads Compose files: the services of one project, who starts after or calls whom, and what is published.
package compose

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"muster/internal/imports/limit"
	"muster/internal/imports/model"
)

var (
	servicesKey = regexp.MustCompile(`(?m)^["']?services["']?\s*:`)
	includeKey  = regexp.MustCompile(`(?m)^include\s*:\s*(\n|\[)`)
	otherKey    = regexp.MustCompile(`(?m)^["']?(apiVersion|openapi|swagger|jobs|stages|pipeline)["']?\s*:`)
	jsonKey     = regexp.MustCompile(`^\s*\{[\s\S]*"services"\s*:\s*\{`)
)

// Sniff tells whether these bytes look like a Compose file.
func Sniff(data []byte) bool {
	services, include := bytes.Contains(data, []byte("services")), bytes.Contains(data, []byte("include"))
	if !services && !include && len(data) > maxOldForm || otherKey.Match(data) {
		return false
	}
	return services && (servicesKey.Match(data) || jsonKey.Match(data)) || include && includeKey.Match(data) || oldForm(data)
}

const maxOldForm = 256 << 10

var (
	oldMark = regexp.MustCompile(`(?m)^[ \t]+["']?(?:image|build)["']?\s*:`)
	// oldOthers are marks of files whose top level is a mapping of things with images too.
	oldOthers = []string{"script", "stage", "steps", "runs-on", "repository", "tag", "pullPolicy"}
)

// oldForm reports whether a file is of the first version of Compose: services stand at the top, each with an image or a build.
func oldForm(data []byte) bool {
	if len(data) > maxOldForm || !oldMark.Match(data) {
		return false
	}
	var root yaml.Node
	if yaml.Unmarshal(data, &root) != nil || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode || len(root.Content[0].Content) == 0 {
		return false
	}
	for i := 1; i < len(root.Content[0].Content); i += 2 {
		if !oldService(root.Content[0].Content[i]) {
			return false
		}
	}
	return true
}

func oldService(n *yaml.Node) bool {
	good := false
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if slices.Contains(oldOthers, key) {
			return false
		}
		good = good || ((key == "image" || key == "build") && n.Content[i+1].Kind == yaml.ScalarNode)
	}
	return good
}

// Set is what one import holds of Compose: the files of one project in the order of merging, and every file they may refer to.
type Set struct {
	Files  []model.File
	Others []model.File // .env, env_file, extends and include resolve only in here and in Files
}

const (
	maxDepth = 100
	maxNodes = 500_000
)

// project is one Compose project while it is read.
type project struct {
	set      Set
	env      map[string]string // of the .env file beside the first file
	services map[string]*service
	problems []model.Problem
	loading  []string      // files being included, to find circles
	used     []model.Input // files that others refer to
	envFiles map[string][]variable
	taken    int // variables that services took from files
	grown    int // bytes that variables put in
}

// Read makes services and dependencies of one project. Nothing outside the set is opened.
func Read(set Set) (*model.Inspection, error) {
	p := &project{set: set, env: map[string]string{}, services: map[string]*service{}, envFiles: map[string][]variable{}}
	result := model.New()
	if err := p.loadEnv(result); err != nil {
		return nil, err
	}
	for _, f := range set.Files {
		before := len(p.services)
		n, err := p.load(f)
		if err != nil {
			return nil, err
		}
		note := fmt.Sprintf("%d services", n)
		if n == 1 {
			note = "1 service"
		}
		if before > 0 {
			note += fmt.Sprintf(", merged over %d", before)
		}
		result.Inputs = append(result.Inputs, model.Input{Path: f.Path, Format: "compose", Kind: model.KindManifest, Note: note})
	}
	if err := p.extend(); err != nil {
		return nil, err
	}
	p.describe(result)
	for _, in := range p.used {
		if !slices.ContainsFunc(result.Inputs, func(o model.Input) bool { return o.Path == in.Path }) {
			result.Inputs = append(result.Inputs, in)
		}
	}
	result.Problems = append(result.Problems, p.problems...)
	return result, nil
}

func (p *project) loadEnv(result *model.Inspection) error {
	if len(p.set.Files) == 0 {
		return nil
	}
	f, ok := p.find(path.Join(path.Dir(p.set.Files[0].Path), ".env"))
	if !ok {
		return nil
	}
	env, err := parseEnv(f, nil)
	if err != nil {
		return err
	}
	for _, v := range env {
		p.env[v.key] = v.text
	}
	result.Inputs = append(result.Inputs, model.Input{Path: f.Path, Format: "dotenv", Kind: model.KindDotenv, Note: fmt.Sprintf("%d variables, read for the Compose files beside it", len(p.env))})
	return nil
}

// find looks a path up among the files of the import.
func (p *project) find(name string) (model.File, bool) {
	name = path.Clean(name)
	for _, f := range slices.Concat(p.set.Others, p.set.Files) {
		if path.Clean(f.Path) == name {
			return f, true
		}
	}
	return model.File{}, false
}

// load reads one file and lays its services over what is there.
func (p *project) load(f model.File) (int, error) {
	if slices.Contains(p.loading, f.Path) {
		return 0, model.Fail(f.Path, 0, "It includes itself through %s.", strings.Join(p.loading, ", "))
	}
	if len(p.loading) > 20 {
		return 0, model.Fail(f.Path, 0, "Files include each other more than 20 deep.")
	}
	p.loading = append(p.loading, f.Path)
	defer func() { p.loading = p.loading[:len(p.loading)-1] }()
	whole, err := parse(f)
	if err != nil || whole == nil {
		return 0, err
	}
	root := whole.fields
	list := root["services"]
	if !slices.ContainsFunc(slices.Collect(maps.Keys(root)), topLevel) {
		if !oldForm(f.Data) {
			return 0, model.Fail(f.Path, 0, "This is not a Compose file: it has no services.")
		}
		list = whole
	}
	if err := p.include(f, root["include"]); err != nil {
		return 0, err
	}
	if list == nil || list.kind == nothing {
		return 0, nil
	}
	if list.kind != mapping {
		return 0, model.Fail(f.Path, list.line, "services must be a mapping from names to services.")
	}
	for _, name := range list.keys {
		s := list.fields[name]
		if s.kind == nothing {
			s = &value{kind: mapping, fields: map[string]*value{}, file: s.file, line: s.line, keyLine: s.keyLine}
		}
		if s.kind != mapping {
			return 0, model.Fail(f.Path, s.line, "The service %s is not a mapping.", name)
		}
		if known := p.services[name]; known != nil {
			known.value = merge(known.value, s)
			continue
		}
		p.services[name] = &service{name: name, value: s, file: f.Path, line: s.keyLine}
	}
	return len(list.keys), nil
}

// topLevel reports whether a key may stand at the top of a Compose file.
func topLevel(key string) bool {
	return slices.Contains([]string{"services", "include", "networks", "volumes", "configs", "secrets"}, key)
}

func (p *project) include(f model.File, list *value) error {
	for _, item := range list.items() {
		names := []*value{item}
		if item.kind == mapping {
			names = item.field("path").orList()
		}
		for _, name := range names {
			target := path.Join(path.Dir(f.Path), p.text(name))
			inner, ok := p.find(target)
			if !ok {
				p.problem(f.Path, name.line, "It includes %s, which is not among these files; the services in there are not known.", p.text(name))
				continue
			}
			if slices.ContainsFunc(p.set.Files, func(o model.File) bool { return o.Path == inner.Path }) {
				continue // read for itself
			}
			if _, err := p.load(inner); err != nil {
				return err
			}
			p.use(inner, "compose", "included by "+path.Base(f.Path))
		}
	}
	return nil
}

func (p *project) use(f model.File, format, note string) {
	kind := model.KindManifest
	if format == "dotenv" {
		kind = model.KindDotenv
	}
	p.used = append(p.used, model.Input{Path: f.Path, Format: format, Kind: kind, Note: note})
}

// Refers lists the files that a Compose file includes or extends, by their paths beside it. What cannot be read refers to none.
func Refers(f model.File) []string {
	root, err := parse(f)
	if err != nil || root == nil {
		return nil
	}
	var names []*value
	for _, item := range root.field("include").items() {
		if item.kind == mapping {
			names = append(names, item.field("path").orList()...)
			continue
		}
		names = append(names, item)
	}
	for _, s := range fieldsOf(root.field("services")) {
		if file := s.field("extends").field("file"); file != nil {
			names = append(names, file)
		}
	}
	var paths []string
	for _, n := range names {
		if target := path.Join(path.Dir(f.Path), n.text); n.text != "" && target != path.Clean(f.Path) {
			paths = append(paths, target)
		}
	}
	return paths
}

func (p *project) problem(file string, line int, format string, args ...any) {
	p.problems = append(p.problems, model.Problem{Path: file, At: fmt.Sprintf("line %d", line), Message: fmt.Sprintf(format, args...)})
}

// extend resolves `extends`, from the base to what extends it.
func (p *project) extend() error {
	done := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		if err := p.extendOne(p.services[name], done, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *project) extendOne(s *service, done map[string]bool, chain []string) error {
	key := s.file + "\n" + s.name
	e := s.value.field("extends")
	if e != nil && slices.Contains(chain, key) {
		return model.Fail(s.file, e.line, "The service %s extends itself.", s.name)
	}
	if done[key] || e == nil {
		return nil
	}
	name, file := p.text(e), ""
	if e.kind == mapping {
		name, file = p.text(e.field("service")), p.text(e.field("file"))
	}
	base := p.services[name]
	if file != "" {
		var err error
		if base, err = p.baseFrom(s, e, file, name); err != nil {
			return err
		}
	}
	done[key] = true
	if base == nil {
		p.problem(s.file, e.line, "The service %s extends %s, which is not among these files.", s.name, cmp.Or(file, name))
		return nil
	}
	if err := p.extendOne(base, done, append(chain, key)); err != nil {
		return err
	}
	s.value = merge(base.value.without("depends_on", "links", "volumes_from", "extends"), s.value)
	return nil
}

func (p *project) baseFrom(s *service, e *value, file, name string) (*service, error) {
	f, ok := p.find(path.Join(path.Dir(s.file), file))
	if !ok {
		return nil, nil
	}
	root, err := parse(f)
	if err != nil {
		return nil, err
	}
	v := root.field("services").field(name)
	if v == nil && oldForm(f.Data) {
		v = root.field(name)
	}
	if v == nil || v.kind != mapping {
		return nil, model.Fail(s.file, e.line, "The service %s is not in %s.", name, file)
	}
	p.use(f, "compose", "extended by "+path.Base(s.file))
	return &service{name: name, value: v, file: f.Path, line: v.keyLine}, nil
}

// parse reads a file into values that know their lines.
func parse(f model.File) (*value, error) {
	var document yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(f.Data)).Decode(&document)
	if errors.Is(err, io.EOF) || (err == nil && len(document.Content) == 0) {
		return nil, nil
	}
	if err != nil {
		return nil, syntaxError(f, err)
	}
	budget := maxNodes
	root, err := convert(f, document.Content[0], 0, &budget)
	if err != nil {
		return nil, err
	}
	if root.kind == nothing {
		return nil, nil
	}
	if root.kind != mapping {
		return nil, model.Fail(f.Path, root.line, "This is not a Compose file: the top level is not a mapping.")
	}
	return root, nil
}

func syntaxError(f model.File, err error) error {
	line, reason := limit.Syntax(f, err)
	return model.Fail(f.Path, line, "This is not valid YAML: %s.", reason)
}
