// Package imports turns files into values: it finds out what each file is, and hands it to the family that reads it.
package imports

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"muster/internal/imports/compose"
	"muster/internal/imports/kubernetes"
	"muster/internal/imports/limit"
	"muster/internal/imports/lockfile"
	"muster/internal/imports/model"
	"muster/internal/imports/openapi"
	"muster/internal/imports/report"
)

// family is one format that Muster reads.
type family struct {
	format string
	cap    int64 // bytes
	sniff  func([]byte) bool
}

// families are tried in this order.
var families = []family{
	{"openapi", limit.OpenAPI, openapi.Sniff},
	{"compose", limit.Manifest, compose.Sniff},
	{"kubernetes", limit.Manifest, kubernetes.Sniff},
}

// Formats lists the names for --format.
func Formats() []string {
	names := []string{"kubernetes", "compose", "openapi"}
	for _, f := range reports {
		names = append(names, f.ID)
	}
	return names
}

// Detect names the format of a file from its content.
func Detect(f model.File) (string, bool) {
	if found := detectReport(f); found != nil {
		return found.ID, true
	}
	if found := detectBare(f); found != nil {
		return found.ID, true
	}
	for _, c := range families {
		if c.sniff(f.Data) {
			return c.format, true
		}
	}
	return "", false
}

// Options say how to read.
type Options struct {
	Format   string          // take every file as this format; "" detects
	Explicit map[string]bool // files that a person named one by one: an unknown format is an error there

	// Finding takes the findings of reports one by one, so that a large report is never held as a whole; then the
	// inspection holds none. Rows of a file that say the same come one by one with the same Row: model.Packer joins them.
	Finding func(model.Finding) error
}

// sorted is what an import holds, by format.
type sorted struct {
	kubernetes, compose, openapi, env []model.File
	result                            *model.Inspection
}

// Inspect reads all files as one import, in the order given.
func Inspect(files []model.File, o Options) (*model.Inspection, error) {
	if o.Format != "" && !slices.Contains(Formats(), o.Format) {
		return nil, model.Fail("--format", 0, "There is no format %q that Muster reads; there are %s.", o.Format, strings.Join(Formats(), ", "))
	}
	if size(files) >= limit.Large {
		defer limit.Leash()()
	}
	s := &sorted{result: model.New()}
	for _, f := range files {
		if err := s.place(f, o); err != nil {
			return nil, err
		}
	}
	if err := s.read(o); err != nil {
		return nil, err
	}
	s.fill(files)
	preferModules(s.result)
	attach(s.result, s.openapi)
	return s.result, nil
}

func size(files []model.File) (n int) {
	for _, f := range files {
		n += len(f.Data)
	}
	return n
}

func (s *sorted) place(f model.File, o Options) error {
	text, err := limit.Text(f)
	if err != nil {
		if western, ok := decoded(f); ok {
			text, err = limit.Text(western)
		}
	}
	if isEnv(f.Path) && err == nil {
		if len(f.Data) > limit.Dotenv {
			return model.Fail(f.Path, 0, "It is larger than %d MB, the most that Muster reads of variables.", limit.Dotenv>>20)
		}
		s.env = append(s.env, text)
		return nil
	}
	if err != nil {
		if o.Explicit[f.Path] || o.Format != "" {
			return err
		}
		s.problem(f, "This is not a text file, and of no format that Muster reads.")
		return nil
	}
	format := o.Format
	if format == "" {
		format, _ = Detect(text)
	}
	if f := reportFormat(format); f != nil {
		return s.report(text, f, o)
	}
	if format != "" && empty(text.Data) {
		return model.Fail(f.Path, 0, "It is empty, or holds only comments.")
	}
	if format == "" {
		return s.unknown(text, o)
	}
	for _, c := range families {
		if c.format == format && int64(len(f.Data)) > c.cap {
			return model.Fail(f.Path, 0, "It is larger than %d MB, the most that Muster reads of this format.", c.cap>>20)
		}
	}
	if err := guard(text, format); err != nil {
		return err
	}
	switch format {
	case "kubernetes":
		s.kubernetes = append(s.kubernetes, text)
	case "compose":
		s.compose = append(s.compose, text)
	case "openapi":
		s.openapi = append(s.openapi, text)
	}
	return nil
}

func (s *sorted) report(text model.File, f *report.Format, o Options) error {
	found, err := readReport(text, f, o.Format != "", o.Finding)
	if err != nil {
		return err
	}
	s.result.Add(found)
	return nil
}

// guard refuses what a parser would take long or much memory for.
func guard(f model.File, format string) error {
	if err := limit.Depth(f); err != nil {
		return err
	}
	isJSON := limit.JSON(f.Data)
	switch format {
	case "kubernetes":
		if err := limit.Values(f, limit.KubernetesValues); err != nil {
			return err
		}
	case "compose":
		if err := limit.Values(f, limit.ComposeValues); err != nil {
			return err
		}
	default:
		if !isJSON {
			return limit.Values(f, limit.OpenAPIValues)
		}
	}
	if isJSON && bytes.HasPrefix(bytes.TrimLeft(f.Data, " \t\r\n"), []byte(`{"`)) {
		return limit.WholeJSON(f)
	}
	return nil
}

// read hands each family its files.
func (s *sorted) read(o Options) error {
	if len(s.kubernetes) > 0 {
		found, err := kubernetes.Read(s.kubernetes)
		if err != nil {
			return err
		}
		merge(s.result, found, "kubernetes")
	}
	for _, set := range projects(s.compose, s.env, o) {
		found, err := compose.Read(set)
		if err != nil {
			return err
		}
		merge(s.result, found, projectName(set))
	}
	s.loneVariables()
	for _, f := range s.openapi {
		found, err := openapi.Read(f)
		if err != nil {
			return err
		}
		s.result.Add(found)
	}
	return nil
}

// loneVariables lists the files of variables that no Compose file asked for.
func (s *sorted) loneVariables() {
	for _, f := range s.env {
		if !slices.ContainsFunc(s.result.Inputs, func(in model.Input) bool { return in.Path == f.Path }) {
			s.result.Inputs = append(s.result.Inputs, model.Input{Path: f.Path, Format: "dotenv", Kind: model.KindDotenv, Note: "not read: no Compose file here asks for it"})
		}
	}
}

// projects groups Compose files: named one by one they are merged in that order; in a folder, each folder is a project.
func projects(files, env []model.File, o Options) []compose.Set {
	if len(files) == 0 {
		return nil
	}
	others := slices.Concat(env, files)
	together := !slices.ContainsFunc(files, func(f model.File) bool { return !o.Explicit[f.Path] })
	if together {
		return []compose.Set{{Files: files, Others: others}}
	}
	referred := map[string]bool{}
	for _, f := range files {
		for _, name := range compose.Refers(f) {
			referred[name] = true
		}
	}
	var sets []compose.Set
	for _, f := range files {
		if referred[path.Clean(f.Path)] && !o.Explicit[f.Path] && composeRank(f.Path) == 1 {
			continue // read where another file includes or extends it
		}
		i := slices.IndexFunc(sets, func(s compose.Set) bool { return path.Dir(s.Files[0].Path) == path.Dir(f.Path) })
		if i < 0 {
			sets = append(sets, compose.Set{Others: others})
			i = len(sets) - 1
		}
		sets[i].Files = append(sets[i].Files, f)
	}
	if len(sets) == 0 { // they refer to each other in a circle, which the reader says
		sets = append(sets, compose.Set{Files: files, Others: others})
	}
	for _, s := range sets {
		slices.SortStableFunc(s.Files, func(a, b model.File) int { return composeRank(a.Path) - composeRank(b.Path) })
	}
	return sets
}

// composeRank puts the base file first and overrides last, as Compose itself does.
func composeRank(name string) int {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".yaml"), ".yml")
	switch {
	case base == "compose" || base == "docker-compose":
		return 0
	case strings.HasSuffix(base, "override"):
		return 2
	}
	return 1
}

func projectName(s compose.Set) string {
	if dir := path.Base(path.Dir(s.Files[0].Path)); dir != "." && dir != "/" {
		return dir
	}
	return "compose"
}

// merge adds what a family found; a service whose name is taken gets the family's before it.
func merge(into, found *model.Inspection, prefix string) {
	taken := map[string]bool{}
	for _, s := range into.Services {
		taken[s.Name] = true
	}
	renamed := map[string]string{}
	for i := range found.Services {
		s := &found.Services[i]
		if taken[s.Name] {
			name := fmt.Sprintf("%s/%s", prefix, s.Name)
			renamed[s.Name], s.Name = name, name
		}
	}
	rename := func(name *string) {
		if to, ok := renamed[*name]; ok {
			*name = to
		}
	}
	for i := range found.Dependencies {
		rename(&found.Dependencies[i].From)
		rename(&found.Dependencies[i].To)
	}
	for i := range found.Unresolved {
		rename(&found.Unresolved[i].From)
	}
	into.Add(found)
}

// fill puts the inputs in the order of the files, with their size and hash.
func (s *sorted) fill(files []model.File) {
	inputs := []model.Input{}
	for _, f := range files {
		for _, in := range s.result.Inputs {
			if in.Path == f.Path && !slices.ContainsFunc(inputs, func(o model.Input) bool { return o.Path == in.Path }) {
				sum := sha256.Sum256(f.Data)
				in.SHA256, in.Bytes = hex.EncodeToString(sum[:]), int64(len(f.Data))
				inputs = append(inputs, in)
			}
		}
	}
	s.result.Inputs = inputs
}

// preferModules leaves out what a go.sum names where the go.mod beside it says what of that is in use.
func preferModules(result *model.Inspection) {
	modules, left := map[string]bool{}, map[string]bool{}
	for _, in := range result.Inputs {
		if in.Format == lockfile.GoMod.ID {
			modules[path.Dir(in.Path)] = true
		}
	}
	for i := range result.Inputs {
		if in := &result.Inputs[i]; in.Format == lockfile.GoSum.ID && modules[path.Dir(in.Path)] {
			left[in.Path], in.Note = true, "the go.mod beside it says which of these are in use"
		}
	}
	if len(left) > 0 {
		result.Components = slices.DeleteFunc(result.Components, func(c model.Component) bool { return left[c.Input] })
	}
}

// attach says whose operations a document lists, where its name, its folder, its title or its servers name one service.
func attach(result *model.Inspection, documents []model.File) {
	names := map[string]string{}
	for _, s := range result.Services {
		for _, name := range append([]string{s.Name, s.Group}, s.ServiceNames...) {
			names[plainName(name)] = s.Group
		}
	}
	for _, f := range documents {
		service := ""
		base := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
		candidates := []string{base, path.Base(path.Dir(f.Path))}
		for _, host := range openapi.Servers(f.Data) {
			first, _, _ := strings.Cut(host, ".")
			candidates = append(candidates, first)
		}
		for i := range result.Operations {
			if o := &result.Operations[i]; o.Input == f.Path {
				candidates = append(candidates, o.Document)
				break
			}
		}
		for _, c := range candidates {
			if found := names[plainName(c)]; found != "" && service == "" {
				service = found
			}
		}
		for i := range result.Operations {
			if result.Operations[i].Input == f.Path {
				result.Operations[i].Service = service
			}
		}
	}
}

// plainName compares names without case, marks and the words around them: "Orders API" is orders.
func plainName(name string) string {
	name = strings.ToLower(name)
	for _, word := range []string{"openapi", "swagger", " api", "-api", "_api"} {
		name = strings.ReplaceAll(name, word, "")
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_.", r) {
			return -1
		}
		return r
	}, name)
}
