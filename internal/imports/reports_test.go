package imports_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

var update = flag.Bool("update", false, "write the expected results again")

const reportsFolder = "testdata/reports"

// fixtures are our own small reports: testdata/reports/<format>/<case>.
func fixtures(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(reportsFolder, "*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatal(err, len(found))
	}
	return slices.DeleteFunc(found, func(name string) bool { return strings.HasSuffix(name, ".golden") })
}

func load(t testing.TB, name string) model.File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return model.File{Path: filepath.ToSlash(name), Data: data}
}

func readOne(f model.File, format string) (*model.Inspection, error) {
	return imports.Inspect([]model.File{f}, imports.Options{Format: format, Explicit: map[string]bool{f.Path: true}})
}

// line says of a finding what a reviewer looks at.
func line(f model.Finding) string {
	parts := []string{fmt.Sprintf("%s %s (%s) %s", f.Status, f.Severity, f.SeveritySource, f.Kind), "rule " + f.RuleID}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("id", f.ToolID)
	add("is", strings.Join(f.VulnerabilityIDs, " "))
	if len(f.CWEs) > 0 {
		add("cwe", fmt.Sprint(f.CWEs))
	}
	for _, c := range f.CVSS {
		add("cvss", fmt.Sprintf("%s %.1f", c.Version, c.Score))
	}
	add("in", strings.TrimSpace(f.Component.Name+" "+f.Component.Version))
	add("purl", f.Component.PURL)
	add("fix", f.Component.FixVersion)
	if f.Location.Path != "" {
		add("at", fmt.Sprintf("%s:%d-%d", f.Location.Path, f.Location.Line, f.Location.EndLine))
	}
	for _, e := range f.Endpoints {
		add("endpoint", strings.TrimSpace(e.Method+" "+e.URL+" "+e.Param))
	}
	add("resource", f.Resource)
	add("service", f.Service)
	add("confidence", f.Confidence)
	add("because", f.StatusReason)
	add("source", f.SourceLine)
	if f.Date != nil {
		add("date", f.Date.Format("2006-01-02T15:04:05Z"))
	}
	if f.Occurrences != 1 {
		add("occurrences", fmt.Sprint(f.Occurrences))
	}
	return strings.Join(append(parts, f.Title), " | ")
}

func describe(found *model.Inspection) string {
	var b strings.Builder
	for _, in := range found.Inputs {
		fmt.Fprintf(&b, "%s %s %s partial=%v %s\n", in.Kind, in.Format, in.Version, in.Partial, in.Note)
	}
	for _, f := range found.Findings {
		fmt.Fprintln(&b, line(f))
	}
	for _, c := range found.Components {
		direct := "?"
		if c.Direct != nil {
			direct = fmt.Sprint(*c.Direct)
		}
		fmt.Fprintf(&b, "component %s %s | %s | %s | %v direct=%s dev=%v %s\n", c.Name, c.Version, c.Ecosystem, c.PURL, c.Licenses, direct, c.Dev, c.Service)
	}
	for _, p := range found.Problems {
		fmt.Fprintf(&b, "problem %s: %s\n", p.At, p.Message)
	}
	return b.String()
}

func TestReportsBecome(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			t.Parallel()
			format := filepath.Base(filepath.Dir(name))
			f := load(t, name)
			found, err := readOne(f, "")
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Inputs) != 1 || found.Inputs[0].Format != format {
				t.Errorf("it was taken for %+v", found.Inputs)
			}
			golden(t, name+".golden", describe(found))
			named, err := readOne(f, format)
			if err != nil || describe(named) != describe(found) {
				t.Errorf("named, it is read otherwise: %v", err)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || string(want) != got {
		t.Errorf("%v; got\n%s\nwant\n%s", err, got, want)
	}
}

const leaked = "c4n4ry-hunter2-0123456789"

func TestReportsKeepNoSecret(t *testing.T) {
	t.Parallel()
	held := 0
	for _, name := range fixtures(t) {
		f := load(t, name)
		if strings.Contains(string(f.Data), leaked) {
			held++
		}
		found, err := readOne(f, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(string(text), leaked); i >= 0 {
			t.Errorf("%s: it is kept: …%s…", name, text[max(0, i-150):i+40])
		}
		if strings.Contains(string(text), ":null,\"") && strings.Contains(string(text), `"findings":null`) {
			t.Errorf("%s: a list is null", name)
		}
	}
	if held < 7 {
		t.Errorf("only %d fixtures hold a secret", held)
	}
}

// What every report must keep to, whatever it says.
func TestReportsKeepTheContract(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		f := load(t, name)
		first, err := readOne(f, "")
		if err != nil {
			t.Fatal(err)
		}
		second, err := readOne(f, "")
		if err != nil || describe(first) != describe(second) {
			t.Errorf("%s: read twice it says two things: %v", name, err)
		}
		for _, g := range first.Findings {
			if !g.Severity.Valid() || !g.Status.Valid() || !g.Kind.Valid() || g.Title == "" || g.SeveritySource == "" || g.Tool == "" || g.Occurrences < 1 || len(g.Fingerprint) != 32 || g.Input == "" {
				t.Errorf("%s: %+v", name, g)
			}
			if g.VulnerabilityIDs == nil || g.CWEs == nil || g.CVSS == nil || g.Endpoints == nil || g.References == nil {
				t.Errorf("%s: a list is nil: %+v", name, g)
			}
		}
	}
}

func TestStreamedReportsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		f := load(t, name)
		whole, err := readOne(f, "")
		if err != nil {
			t.Fatal(err)
		}
		want, got := map[string]int{}, map[string]int{}
		for _, g := range whole.Findings {
			want[g.Fingerprint] += 1
		}
		packer := model.NewPacker()
		rest, err := imports.Inspect([]model.File{f}, imports.Options{Finding: func(g model.Finding) error { got[g.Fingerprint]++; return packer.Add(g) }})
		if err != nil || len(rest.Findings) != 0 || len(rest.Components) != len(whole.Components) {
			t.Errorf("%s: %v", name, err)
		}
		for mark := range want {
			if got[mark] == 0 {
				t.Errorf("%s: a finding is missing in the stream", name)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d weaknesses as a stream, %d as a whole", name, len(got), len(want))
		}
		if streamed := unpacked(t, packer, rest); streamed != unpacked(t, model.NewPacker(), whole) {
			t.Errorf("%s: as a stream it says something else than as a whole", name)
		}
	}
}

func TestTruncatedReportsAreRefusedOrParts(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		f, format := load(t, name), filepath.Base(filepath.Dir(name))
		whole, err := readOne(f, "")
		if err != nil || len(whole.Findings) == 0 || strings.HasSuffix(name, ".csv") {
			continue
		}
		text := strings.TrimSpace(string(f.Data))
		for _, cut := range []int{len(text) - 1, len(text) * 9 / 10, len(text) / 2} {
			found, err := readOne(model.File{Path: f.Path, Data: []byte(text[:cut])}, format)
			if err == nil && !found.Inputs[0].Partial && len(found.Findings) < len(whole.Findings) {
				t.Errorf("%s cut at %d of %d: %d findings and no word of it", name, cut, len(text), len(found.Findings))
			}
		}
	}
}

func TestReportsOfAnotherToolAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		f, own := load(t, name), filepath.Base(filepath.Dir(name))
		if len(f.Data) < 10 {
			continue
		}
		for _, other := range imports.Reports() {
			if other.ID == own {
				continue
			}
			if _, err := readOne(f, other.ID); err == nil {
				t.Errorf("%s was read as %s", name, other.ID)
			}
		}
	}
}

// unpacked packs an inspection, and gives what comes out again.
func unpacked(t *testing.T, p *model.Packer, i *model.Inspection) string {
	t.Helper()
	data, err := p.Pack(i)
	if err != nil {
		t.Fatal(err)
	}
	all, err := model.Unpack(data)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
