package report_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

type row struct {
	ID    string   `json:"id"`
	Line  int      `json:"line"`
	Tags  []string `json:"tags"`
	Score *float64 `json:"score"`
	CWE   string   `json:"cwe"`
	Title string   `json:"title"`
	Code  string   `json:"source"`
	Fix   struct {
		Versions []string `json:"versions"`
	} `json:"fix"`
}

// toy is a format of rows: {"rows": […]}.
var toy = &report.Format{ID: "toy", Name: "Toy", Kind: model.KindReport, Shape: `an object with "rows"`, Null: true, Read: func(r *report.Report) error {
	j := r.JSON()
	return j.Top([]string{"rows"}, func(key string) error {
		if key != "rows" {
			return nil
		}
		return report.Rows(j, func(v *row) { add(r, v) })
	})
}}

// stream is a format of one object per line.
var stream = &report.Format{ID: "stream", Name: "Stream", Kind: model.KindReport, Lines: true, Shape: "one object per line", Read: func(r *report.Report) error {
	j := r.JSON()
	return j.Documents(func() error { return report.Row(j, func(v *row) { add(r, v) }) })
}}

func add(r *report.Report, v *row) {
	if v.ID == "" {
		r.Skip("A row has no id.")
		return
	}
	f := model.Finding{RuleID: v.ID, Title: cmp.Or(v.Title, v.ID), CWEs: report.CWEs(v.CWE), SourceLine: v.Code, Kind: model.FindingCode, Location: model.Location{Line: model.Number(v.Line)}, References: v.Tags}
	f.Component.FixVersion = strings.Join(v.Fix.Versions, ", ")
	f.EPSS = report.Probability(v.Score)
	r.Add(f)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format   *report.Format
		text     string
		fails    string
		findings int
		problems int
		partial  bool
	}{
		"rows":                           {format: toy, text: `{"rows": [{"id": "a"}, {"id": "b", "line": 3}]}`, findings: 2},
		"equal rows are one":             {format: toy, text: `{"rows": [{"id": "a"}, {"id": "a"}]}`, findings: 1},
		"other types than described":     {format: toy, text: `{"rows": [{"id": 7, "line": "41-44", "tags": "x", "score": "N/A", "fix": null}, {"id": "b", "line": 3.0, "tags": [1, null, {}], "fix": [], "score": "0.5"}]}`, findings: 2},
		"a bad row loses no other":       {format: toy, text: `{"rows": [{"id": "a"}, null, "x", {"line": 1}]}`, findings: 1, problems: 3},
		"only bad rows":                  {format: toy, text: `{"rows": [1, 2]}`, fails: "None of its 2 rows"},
		"no rows":                        {format: toy, text: `{"rows": []}`},
		"null rows":                      {format: toy, text: `{"rows": null}`},
		"null":                           {format: toy, text: "null\n"},
		"another object":                 {format: toy, text: `{}`, fails: "not a Toy report"},
		"another shape":                  {format: toy, text: `[]`, fails: "not a Toy report"},
		"nothing":                        {format: toy, text: " \n", fails: "It is empty"},
		"cut off":                        {format: toy, text: "{\"rows\": [\n{\"id\": \"a\"},\n{\"id\": \"b", fails: "line 3: It ends in the middle"},
		"a mistake":                      {format: toy, text: "{\"rows\": [\n{\"id\": x}]}", fails: "line 2: This is not valid JSON"},
		"something else":                 {format: toy, text: "<html>", fails: "not a Toy report"},
		"two documents":                  {format: toy, text: `{"rows": []} {"rows": []}`, fails: "more text after the end"},
		"deep":                           {format: toy, text: `{"rows": [{"id": "a", "x": ` + strings.Repeat("[", 100_000), fails: "nested deeper"},
		"lines":                          {format: stream, text: "{\"id\": \"a\"}\r\n{\"id\": \"b\"}\n\n{\"id\": \"c\"}", findings: 3},
		"objects that follow each other": {format: stream, text: "{\n  \"id\": \"a\"\n}\n{\n  \"id\": \"b\"\n}\n", findings: 2},
		"a list instead of lines":        {format: stream, text: `[{"id": "a"}, {"id": "b"}]`, findings: 2},
		"a broken line":                  {format: stream, text: "{\"id\": \"a\"}\n{\"id\": oops}\n{\"id\": \"c\"}\n", findings: 2, problems: 1, partial: true},
		"a cut-off last line":            {format: stream, text: "{\"id\": \"a\"}\n{\"id\": \"b", findings: 1, problems: 1, partial: true},
		"mostly broken lines":            {format: stream, text: "{\"id\": \"a\"}\n" + strings.Repeat("{x}\n", 20_000), fails: "cannot be read"},
		"one cut-off line":               {format: stream, text: `{"id": "a`, fails: "ends in the middle"},
		"no line":                        {format: stream, text: ""},
		"lines of something else":        {format: stream, text: "hello\n", fails: "not a Stream report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := report.Read(c.format, model.File{Path: "in.json", Data: []byte(c.text)})
			if c.fails != "" {
				var bad *model.Error
				if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil || len(r.Findings) != c.findings || len(r.Problems) != c.problems || r.Partial != c.partial {
				t.Errorf("%v: %+v", err, r)
			}
		})
	}
}

func TestLenientValues(t *testing.T) {
	t.Parallel()
	r, err := report.Read(toy, model.File{Path: "in.json", Data: []byte(`{"rows": [{"id": 7, "line": "41-44", "tags": "x", "score": 0.25, "fix": {"versions": ["1.2", "2.0"]}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	f := r.Findings[0]
	if f.RuleID != "7" || f.Location.Line != 41 || len(f.References) != 1 || *f.EPSS != 0.25 || f.Component.FixVersion != "1.2, 2.0" || !*f.FixAvailable || f.At != "/rows/0" {
		t.Errorf("%+v", f)
	}
	if f.Severity != model.SeverityMedium || !strings.HasPrefix(f.SeveritySource, "default: ") {
		t.Errorf("%s by %s", f.Severity, f.SeveritySource)
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]model.Severity{
		"CRITICAL": "critical", "Important": "high", "moderate": "medium", "Negligible": "info", "UNKNOWN": "info", "informational": "info", "9.8": "critical", "0": "info", "": "", "banana": "",
	} {
		if got, _ := report.Severity(word); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestCVSS(t *testing.T) {
	t.Parallel()
	for vector, want := range map[string]model.CVSS{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H":                           {Version: "3.1", Score: 10},
		"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N":                           {Version: "3.0", Score: 5.3},
		"(AV:N/AC:M/Au:N/C:P/I:P/A:P)":                                           {Version: "2.0", Score: 6.8},
		"AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N":                                    {Version: "3.1", Score: 6.5},
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N":        {Version: "4.0", Score: 9.3},
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N/nonsense":                  {},
		"CVSS:4.0/AV:N/AC:L/PR:H/UI:R/S:C/C:L/I:L/A:N":                           {},
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N/E:P/RL:O/RC:C/CR:H/MAV:AA": {},
	} {
		got := report.CVSS(vector, 0)
		if want.Version == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Version != want.Version || got[0].Score != want.Score {
			t.Errorf("%s: %+v", vector, got)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	secret := "hunter2-but-longer-0123456789"
	f := model.Finding{Description: "found " + secret, SourceLine: `pw = "` + secret + `"`, Title: "key " + secret}
	report.Hide(&f, secret)
	if text := f.Description + f.SourceLine + f.Title; strings.Contains(text, secret) || len(f.SecretHash) != 64 || f.Kind != model.FindingSecret {
		t.Errorf("%+v", f)
	}
	r, err := report.Read(toy, model.File{Path: "in.json", Data: []byte(`{"rows": [{"id": "a", "cwe": 798, "title": "Hardcoded password: 'hunter2'", "source": "db.connect(\"root\", \"hunter2\")"}]}`)})
	if err != nil || strings.Contains(r.Findings[0].Title+r.Findings[0].SourceLine, "hunter2") {
		t.Errorf("%v: %+v", err, r.Findings)
	}
	for _, text := range []string{"https://user:s3cr3tpass@example.org/x", "key AKIAABCDEFGHIJKLMNOP", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"} {
		if got := report.Redact(text); got == text || !strings.Contains(got, "********") {
			t.Errorf("%q is shown: %q", text, got)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-02-16T08:21:48Z": "2024-02-16T08:21:48", "2024-06-03T14:15:19.382075": "2024-06-03T14:15:19", "2021-07-15T22:00:32+07:00": "2021-07-15T15:00:32", "28/02/2021": "2021-02-28T00:00:00",
		"1581930445": "2020-02-17T09:07:25", "1581930445000": "2020-02-17T09:07:25", "0001-01-01T00:00:00Z": "", "": "", "soon": "", "2025-02-14 14:27:03.913874": "2025-02-14T14:27:03", "Wed, 8 May 2024 10:00:00": "2024-05-08T10:00:00",
	} {
		got := ""
		if at := report.Time(text); at != nil {
			got = at.Format("2006-01-02T15:04:05")
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]model.Endpoint{
		"https://a.example:8443/x/y?z=1": {Protocol: "https", Host: "a.example", Port: 8443, Path: "/x/y"},
		"a.example:22":                   {Host: "a.example", Port: 22},
		"127.0.0.1":                      {Host: "127.0.0.1"},
		"foo.example/path":               {Host: "foo.example", Path: "/path"},
		"http://a.example/%zz?<script>":  {Protocol: "http", Host: "a.example", Path: "/%zz?<script>"},
		"2001:db8::1":                    {Host: "2001:db8::1"},
		"http://[2001:db8::1]:80/":       {Protocol: "http", Host: "2001:db8::1", Port: 80, Path: "/"},
	} {
		got := report.Endpoint(address)
		got.URL = ""
		if got != want {
			t.Errorf("%s: %+v", address, got)
		}
	}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	if name, version := report.FromPURL("pkg:maven/org.apache.logging.log4j/log4j-core@2.13.2"); name != "org.apache.logging.log4j:log4j-core" || version != "2.13.2" {
		t.Error(name, version)
	}
	if got := report.PURL("npm", "@babel/core", "7.0.0"); got != "pkg:npm/%40babel/core@7.0.0" {
		t.Error(got)
	}
	if got := report.PURL("Debian:11", "apt", "1"); got != "pkg:deb/debian/apt@1" {
		t.Error(got)
	}
	if got := report.Ecosystem("pkg:golang/example.org/x@v1"); got != "Go" {
		t.Error(got)
	}
}

func TestFingerprintsOutliveWhatMoves(t *testing.T) {
	t.Parallel()
	read := func(text string) string {
		r, err := report.Read(toy, model.File{Path: "in.json", Data: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Findings[0].Fingerprint
	}
	if read(`{"rows": [{"id": "a", "line": 1}]}`) != read(`{"rows": [{"id": "a", "line": 99}]}`) {
		t.Error("a line that moved made it another finding")
	}
	if read(`{"rows": [{"id": "a"}]}`) == read(`{"rows": [{"id": "b"}]}`) {
		t.Error("two rules are one finding")
	}
}
