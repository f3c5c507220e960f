package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// declares reports whether the files say something of services and calls. A set of reports alone leaves what is known
// of them as it is.
func declares(i *model.Inspection) bool {
	return slices.ContainsFunc(i.Inputs, func(in model.Input) bool {
		return in.Kind != model.KindReport && in.Kind != model.KindVEX && in.Kind != model.KindSBOM && in.Kind != model.KindLockfile
	})
}

// Owner is a word of the reports and the service that it stands for.
type Owner struct {
	Label   string
	Rows    int
	Service int64 // 0 is nobody's yet
	Decided bool  // a person said so before
}

// owners finds whose rows are whose.
type owners struct {
	chosen   int64               // every row belongs to this service
	labels   map[string]int64    // a person's word in this preview
	rules    finding.Assignments // people's words before
	names    map[string]int64    // services by name, slug and workload; 0 where two have it
	fallback string              // what rows without a word of their own are called
	seen     map[string]*Owner
}

// of gives a row's service and the word that it goes by: what was chosen for the whole report, what a person says in this
// preview, what a rule says, then the name that the report uses.
func (o *owners) of(f *model.Finding) (service int64, label string) {
	label = labelOf(f, o.fallback)
	return o.named(traitsOf(f, label), 1), label
}

// named gives the service of so many rows with the same traits.
func (o *owners) named(t finding.Traits, rows int) int64 {
	key := strings.ToLower(t.Label)
	_, said := o.labels[key]
	if o.chosen == 0 && !said {
		if r := o.rules.Of(t); r != nil && r.MatchBy != finding.ByLabel {
			return o.note("rule "+strconv.FormatInt(r.ID, 10), Owner{Label: string(r.MatchBy) + " " + r.Label, Service: r.ServiceID, Decided: true}, rows)
		}
	}
	if _, known := o.seen[key]; known {
		return o.note(key, Owner{}, rows)
	}
	own := Owner{Label: t.Label}
	own.Service, own.Decided = o.guess(key)
	return o.note(key, own, rows)
}

// note counts rows of an owner, and gives the service.
func (o *owners) note(key string, first Owner, rows int) int64 {
	own, known := o.seen[key]
	if !known {
		own = &first
		o.seen[key] = own
	}
	own.Rows += rows
	return own.Service
}

func (o *owners) guess(key string) (int64, bool) {
	if o.chosen != 0 {
		return o.chosen, true
	}
	if id, said := o.labels[key]; said {
		return id, true
	}
	if r := o.rules.Of(finding.Traits{Label: key}); r != nil {
		return r.ServiceID, true
	}
	for _, name := range nicknames(key) {
		if id := o.names[name]; id != 0 {
			return id, false
		}
	}
	return 0, false
}

// traitsOf is what rules look at. A report says in one field what it is about, be that an image or a repository.
func traitsOf(f *model.Finding, label string) finding.Traits {
	t := finding.Traits{Label: label, Image: f.Service, Repository: f.Service, Path: f.Location.Path}
	if t.Image == "" && f.Kind == model.FindingDependency {
		t.Image = f.Resource
	}
	return t
}

// product finds the service that a statement is about: the one that was chosen, else the one that an export of Muster
// names; 0 is every service. A name that no service here has is about nothing here.
func (o *owners) product(f *model.Finding) (int64, bool) {
	slug, ours := strings.CutPrefix(f.Resource, model.ProductPrefix)
	if o.chosen != 0 || !ours {
		return o.chosen, true
	}
	id := o.names[strings.ToLower(slug[strings.LastIndexByte(slug, ':')+1:])]
	return id, id != 0
}

// labelOf is what a report calls the thing that a row is about: its service, its image without the tag, else the set
// of files.
func labelOf(f *model.Finding, fallback string) string {
	if f.Identity != "" && f.Service != "" {
		return cut(f.Service, 200) // as Muster itself called it
	}
	if f.Service != "" {
		if f.Kind == model.FindingWeb || f.Kind == model.FindingNetwork {
			return cut(f.Service, 200) // a host with its port
		}
		return cut(imageName(f.Service), 200)
	}
	if f.Kind == model.FindingDependency && f.Resource != "" {
		return cut(imageName(f.Resource), 200)
	}
	return fallback
}

// imageName is an image's name without tag and digest: a rebuilt image is the same thing.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

// nicknames are the names under which a service may be known: the word itself, an image's last part, the name in
// namespace/Kind/name, a repository's name.
func nicknames(label string) []string {
	plain := strings.TrimSuffix(imageName(label), ".git")
	return []string{label, plain, path.Base(plain), inventory.Slug(path.Base(plain))}
}

// owners collects the names by which rows may find their service.
func (w *Workflow) owners(ctx context.Context, source *inventory.Source, c Choices) (*owners, error) {
	o := &owners{chosen: c.Service, labels: c.Labels, names: map[string]int64{}, fallback: source.Name, seen: map[string]*Owner{}}
	var err error
	if o.rules, err = w.findings.Assignments(ctx); err != nil {
		return nil, err
	}
	services, err := w.book.Roster(ctx, access.SystemActor("intake"))
	if err != nil {
		return nil, err
	}
	bindings, err := w.book.LiveBindings(ctx, source.EnvironmentID)
	if err != nil {
		return nil, err
	}
	put := func(name string, id int64) {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			return
		}
		if other, taken := o.names[name]; taken && other != id {
			id = 0 // two have it, so it names neither
		}
		o.names[name] = id
	}
	live := map[int64]bool{}
	for i := range services {
		s := &services[i]
		live[s.ID] = true
		put(s.Name, s.ID)
		put(s.Slug, s.ID)
		put(s.Repository, s.ID)
	}
	for _, b := range bindings {
		if live[b.ServiceID] {
			put(b.Name, b.ServiceID)
			put(b.Namespace+"/"+b.Name, b.ServiceID)
		}
	}
	return o, nil
}

// reportsOf makes the findings domain's reports of what was uploaded: one for each tool.
func reportsOf(i *inventory.Import, source *inventory.Source, x *model.Inspection, c Choices, o *owners) ([]finding.Report, []finding.Statement) {
	files := map[string]*model.Input{}
	tools := map[string]*finding.Report{}
	var order, sums []string
	digests := map[string][]string{}
	tool := func(name string) *finding.Report {
		r, known := tools[name]
		if !known {
			r = &finding.Report{Tool: name, SourceID: source.ID, EnvironmentID: source.EnvironmentID, ScopeService: c.Service, ImportID: i.ID, Complete: !i.Partial}
			tools[name] = r
			order = append(order, name)
		}
		return r
	}
	for k := range x.Inputs {
		in := &x.Inputs[k]
		files[in.Path] = in
		if in.Kind == model.KindReport {
			r := tool(cmp.Or(in.Tool, in.Format))
			r.Complete = r.Complete && !in.Partial
			r.Aspects = append(r.Aspects, aspectsOf(in.Format, in.Tool)...)
			digests[r.Tool] = append(digests[r.Tool], in.SHA256)
		}
	}
	var statements []finding.Statement
	for k := range x.Findings {
		f := &x.Findings[k]
		in := files[f.Input]
		if in != nil && in.Kind == model.KindVEX {
			about, said := o.product(f)
			if said && (f.Verified == nil || *f.Verified) { // "under investigation" says nothing yet
				statements = append(statements, statementOf(f, in, about))
			}
			continue
		}
		r := tool(cmp.Or(f.Tool, "report"))
		row := rowOf(f)
		row.ServiceID, row.Label = o.of(f)
		r.Rows = append(r.Rows, row)
		r.Aspects = append(r.Aspects, aspectOf(f)...)
		if f.Date != nil && f.Date.After(r.SeenAt) {
			r.SeenAt = *f.Date
		}
		if in != nil && !slices.Contains(digests[r.Tool], in.SHA256) {
			digests[r.Tool] = append(digests[r.Tool], in.SHA256)
			r.Complete = r.Complete && !in.Partial
		}
	}
	var reports []finding.Report
	for _, name := range order {
		r := tools[name]
		sums = digests[name]
		slices.Sort(sums)
		sum := sha256.Sum256([]byte(strings.Join(sums, "\n")))
		r.Digest = hex.EncodeToString(sum[:])
		slices.Sort(r.Aspects)
		r.Aspects = slices.Compact(r.Aspects)
		reports = append(reports, *r)
	}
	return reports, statements
}

// list gives the words that were asked for, those that are nobody's first.
func (o *owners) list() []Owner {
	var list []Owner
	for _, own := range o.seen {
		list = append(list, *own)
	}
	slices.SortFunc(list, func(a, b Owner) int { return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Label, b.Label)) })
	return list
}

// The aspects of a report: what a complete one has looked for.
const (
	aspectDependencies = "dependencies"
	aspectSecrets      = "secrets"
	aspectCode         = "code"
	aspectDynamic      = "dynamic"
	aspectImage        = "image"
)

// aspectsOf is what the writer of a report looks for, even where it finds nothing.
func aspectsOf(format, tool string) []string {
	words := strings.ToLower(format + " " + tool)
	for _, a := range []struct {
		aspect string
		names  []string
	}{
		{aspectDependencies, []string{"trivy", "grype", "osv", "npm", "govulncheck", "cyclonedx", "snyk", "dependency-check", "pip-audit"}},
		{aspectSecrets, []string{"gitleaks", "trufflehog", "detect-secrets"}},
		{aspectCode, []string{"semgrep", "gosec", "codeql", "bandit", "brakeman", "sast", "eslint", "sonar"}},
		{aspectDynamic, []string{"zap", "nuclei", "burp", "nikto", "dast"}},
	} {
		if slices.ContainsFunc(a.names, func(n string) bool { return strings.Contains(words, n) }) {
			return []string{a.aspect}
		}
	}
	return nil
}

// aspectOf is what a row shows that its tool looks for.
func aspectOf(f *model.Finding) []string {
	switch f.Kind {
	case model.FindingDependency:
		for _, kind := range []string{"pkg:deb/", "pkg:rpm/", "pkg:apk/"} {
			if strings.HasPrefix(f.Component.PURL, kind) {
				return []string{aspectDependencies, aspectImage}
			}
		}
		return []string{aspectDependencies}
	case model.FindingSecret:
		return []string{aspectSecrets}
	case model.FindingCode:
		return []string{aspectCode}
	case model.FindingWeb:
		return []string{aspectDynamic}
	case model.FindingConfiguration, model.FindingNetwork, model.FindingLicense, model.FindingManual:
	}
	return nil
}

// rowOf is a finding of the importers as the domain reads it.
func rowOf(f *model.Finding) finding.Row {
	r := finding.Row{
		Kind: finding.Kind(f.Kind), Status: finding.Status(f.Status), StatusReason: f.StatusReason, Title: clean(f.Title), IDs: f.VulnerabilityIDs, Rule: f.RuleID, CWEs: f.CWEs, EPSS: f.EPSS,
		Severity: finding.Severity(f.Severity), SeverityFrom: f.SeveritySource, ToolWord: f.ToolSeverity, Package: f.Component.Name, PURL: f.Component.PURL, Installed: f.Component.Version, FixVersion: f.Component.FixVersion,
		Path: f.Location.Path, Line: int(f.Location.Line), Snippet: f.SourceLine, Fingerprint: f.Fingerprint, SecretHash: f.SecretHash, Resource: f.Resource, Identity: f.Identity,
		PublishedAt: moment(f.PublishedAt), Occurrences: f.Occurrences, References: f.References, Description: clean(f.Description), Remediation: clean(f.Remediation),
	}
	for _, c := range f.CVSS {
		r.Ratings = append(r.Ratings, finding.Rating{Version: c.Version, Vector: c.Vector, Score: c.Score})
	}
	for _, e := range f.Endpoints {
		r.Endpoints = append(r.Endpoints, finding.Endpoint{Method: e.Method, URL: e.URL, Host: e.Host, Path: e.Path, Param: e.Param, Port: int(e.Port)})
	}
	return r
}

// clean takes out what PostgreSQL cannot store.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

func moment(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC().Truncate(time.Microsecond)
	return &at
}

// statementOf is what a vendor says of a vulnerability in a package.
func statementOf(f *model.Finding, in *model.Input, service int64) finding.Statement {
	return finding.Statement{ServiceID: service, By: cmp.Or(in.Tool, f.Tool, "VEX"), IDs: f.VulnerabilityIDs, Package: f.Component.Name, PURL: f.Component.PURL, Status: finding.Status(f.Status), Reason: f.StatusReason}
}
