package file_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/finding/file"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// hostile are texts that a report may hold.
var hostile = []string{`=HYPERLINK("http://evil.example","x")`, "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "\n=1", " =1", `a "quoted", text` + "\r\nof two lines", "</script><script>alert(1)</script>", "\u2028\x00é"}

func list() []finding.Exported {
	var out []finding.Exported
	for i, text := range hostile {
		due := now.Add(-time.Hour)
		f := finding.Finding{ID: int64(i + 1), ServiceID: 7, Kind: finding.Code, State: finding.Open, Severity: finding.High, Title: text, Rule: text, Path: text, Line: 3, CWEs: "79", Refs: `["javascript:alert(1)","https://example.com/a"]`, OpenedAt: now, FirstSeen: now, UpdatedAt: now, DueAt: &due, Priority: 300}
		out = append(out, finding.Exported{Finding: f, Identity: "k" + string(rune('a'+i)), Note: text})
	}
	add := func(state finding.State, f finding.Finding) {
		f.ID, f.ServiceID, f.State, f.Title, f.OpenedAt, f.FirstSeen, f.UpdatedAt = int64(100+len(out)), 7, state, "Flaw", now, now, now
		f.Severity = cmpSeverity(f.Severity)
		out = append(out, finding.Exported{Finding: f, Identity: "i" + string(state), Note: "Because."})
	}
	pkg := finding.Finding{Kind: finding.Dependency, Vulnerability: "CVE-2026-1", Aliases: "CVE-2026-1 GHSA-1", Package: "@scope/x y", PURL: "pkg:npm/@scope/x y", Installed: "1.0@b", FixVersion: "1.1"}
	for _, s := range finding.States() {
		f := pkg
		if s == finding.NotAffected {
			f.Justification = finding.NotExecuted
		}
		add(s, f)
	}
	add(finding.Open, finding.Finding{Kind: finding.Web, Rule: "10", Endpoint: "GET https://example.com/a b", Severity: finding.Info})
	add(finding.Open, finding.Finding{Kind: finding.Network, Rule: "ssh", Endpoint: "javascript:alert(1)"})
	add(finding.Open, finding.Finding{Kind: finding.Dependency, Package: "no-purl", Vulnerability: "CVE-2026-2"})
	return out
}

func cmpSeverity(s finding.Severity) finding.Severity {
	if s == "" {
		return finding.Medium
	}
	return s
}

func write(t *testing.T, f file.Format, list []finding.Exported) (string, bool) {
	t.Helper()
	var b bytes.Buffer
	w := file.New(f, &b, file.About{Workspace: "kente", At: now, Filters: map[string]string{"q": "<script>"}, Root: "https://muster.example/w/kente", Service: func(int64) string { return "pay" }})
	for part := range slices.Chunk(list, 3) {
		if err := w.Add(part); err != nil {
			t.Fatal(err)
		}
	}
	said, err := w.End()
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), said
}

func TestATableIsInertAndKeepsEveryCell(t *testing.T) {
	t.Parallel()
	text, _ := write(t, file.CSV, list())
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(list())+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if trimmed := strings.TrimLeft(cell, " "); trimmed != "" && strings.ContainsRune("=+-@\t\r\n", rune(trimmed[0])) {
				t.Errorf("%s holds the formula %q", rows[0][i], cell)
			}
		}
	}
	if got := rows[1][1]; got != "'"+hostile[0] {
		t.Errorf("the title is %q", got)
	}
	if !strings.Contains(text, "\r\n") || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "number\n") {
		t.Error("lines do not end as RFC 4180 says")
	}
	if link := rows[1][len(rows[1])-1]; link != "https://muster.example/w/kente/findings/1" {
		t.Error(link)
	}
	empty, said := write(t, file.CSV, nil)
	if !said || strings.Count(empty, "\r\n") != 1 {
		t.Errorf("nothing found: %q", empty)
	}
}

func TestJSONIsWholeAndSaysHowMany(t *testing.T) {
	t.Parallel()
	for _, findings := range [][]finding.Exported{nil, list()} {
		text, _ := write(t, file.JSON, findings)
		var doc struct {
			Muster struct {
				Format  string
				Version int
			}
			Findings []map[string]any
			Count    int
			Filters  map[string]string
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Muster.Format != "findings" || doc.Muster.Version != 1 || doc.Count != len(findings) || len(doc.Findings) != doc.Count || doc.Filters["q"] != "<script>" {
			t.Errorf("%+v", doc.Muster)
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "\u2028") {
			t.Error("hostile text is live where the file is shown as a page")
		}
	}
}

func TestSARIFIsWhatItsSchemaDemands(t *testing.T) {
	t.Parallel()
	text, _ := write(t, file.SARIF, list())
	var doc struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID      string
						Short   struct{ Text string } `json:"shortDescription"`
						HelpURI string                `json:"helpUri"`
					}
				}
			}
			Results []struct {
				RuleID       string `json:"ruleId"`
				Level        string
				Kind         string
				Message      struct{ Text string }
				Rank         float64
				Baseline     string `json:"baselineState"`
				Fingerprints map[string]string
				Suppressions []struct{ Kind, Status, Justification string }
				Locations    []struct {
					Physical *struct {
						Artifact struct{ URI string } `json:"artifactLocation"`
						Region   *struct {
							StartLine int `json:"startLine"`
						}
					} `json:"physicalLocation"`
					Logical []struct {
						Name string `json:"fullyQualifiedName"`
					} `json:"logicalLocations"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	run := doc.Runs[0]
	rules := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if rules[r.ID] || r.ID == "" || r.Short.Text == "" || strings.HasPrefix(r.HelpURI, "javascript") {
			t.Errorf("rule %+v", r)
		}
		rules[r.ID] = true
	}
	if doc.Version != "2.1.0" || run.Tool.Driver.Name != "Muster" || len(run.Results) != len(list()) {
		t.Fatalf("%s %d", doc.Version, len(run.Results))
	}
	for i, r := range run.Results {
		x := list()[i]
		if !rules[r.RuleID] || r.Message.Text == "" || r.Rank < 0 || r.Rank > 100 || len(r.Locations) == 0 || r.Fingerprints["muster/v1"] != x.Identity {
			t.Errorf("%+v", r)
		}
		if !slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) || !slices.Contains([]string{"", "absent"}, r.Baseline) {
			t.Errorf("level %q, baseline %q", r.Level, r.Baseline)
		}
		closed := x.State == finding.Accepted || x.State == finding.FalsePositive || x.State == finding.NotAffected || x.State == finding.Duplicate
		if closed != (len(r.Suppressions) == 1) || closed && (r.Suppressions[0].Status != "accepted" || !strings.Contains(r.Suppressions[0].Justification, "Because.")) {
			t.Errorf("%s: %+v", x.State, r.Suppressions)
		}
		for _, l := range r.Locations {
			if l.Physical != nil && (strings.HasPrefix(l.Physical.Artifact.URI, "javascript:") || strings.ContainsAny(l.Physical.Artifact.URI, " <>\"\t\r\n")) {
				t.Errorf("%q is no address", l.Physical.Artifact.URI)
			}
			if l.Physical == nil && len(l.Logical) == 0 {
				t.Errorf("%+v is nowhere", r)
			}
		}
	}
}

func TestOpenVEXSaysWhatWasDecided(t *testing.T) {
	t.Parallel()
	text, said := write(t, file.OpenVEX, list())
	var doc struct {
		Context    string `json:"@context"`
		ID         string `json:"@id"`
		Author     string
		Timestamp  time.Time
		Version    int
		Statements []struct {
			Vulnerability struct {
				Name    string
				Aliases []string
			}
			Products []struct {
				ID    string `json:"@id"`
				Parts []struct {
					ID string `json:"@id"`
				} `json:"subcomponents"`
			}
			Status, Justification string
			Impact                string `json:"impact_statement"`
			Action                string `json:"action_statement"`
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || !said {
		t.Fatal(err, said)
	}
	if doc.Context != "https://openvex.dev/ns/v0.2.0" || !strings.HasPrefix(doc.ID, "urn:uuid:") || doc.Author != "kente" || doc.Version != 1 || doc.Timestamp.IsZero() {
		t.Errorf("%+v", doc)
	}
	count := map[string]int{}
	for _, s := range doc.Statements {
		count[s.Status]++
		if s.Products[0].ID != "urn:muster:service:kente:pay" || s.Products[0].Parts[0].ID != "pkg:npm/%40scope/x%20y@1.0%40b" || s.Vulnerability.Name != "CVE-2026-1" || !slices.Equal(s.Vulnerability.Aliases, []string{"GHSA-1"}) {
			t.Errorf("%+v", s)
		}
		if s.Status == "not_affected" && s.Justification == "" && s.Impact == "" || s.Status == "affected" && s.Action == "" {
			t.Errorf("%s does not say why or what to do", s.Status)
		}
	}
	if want := map[string]int{"not_affected": 2, "fixed": 2, "affected": 3, "under_investigation": 2}; len(doc.Statements) != 9 || count["not_affected"] != want["not_affected"] || count["fixed"] != want["fixed"] || count["affected"] != want["affected"] || count["under_investigation"] != want["under_investigation"] {
		t.Errorf("%v", count)
	}
	if text, said := write(t, file.OpenVEX, list()[:3]); said || text != "" {
		t.Errorf("a document without statements: %q", text)
	}
}
