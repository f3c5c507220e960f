package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/finding"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
)

// weakness is what the company's scanner finds in a package of a service, and from when to when. The packages are invented.
type weakness struct {
	service, pkg, severity, title string
	number                        int
	from, until                   float64 // parts of the story
	again, gone                   float64 // when it came back, and went for good; 0 is never
}

var weaknesses = []weakness{
	{service: "payment-api", pkg: "moneykit", severity: "HIGH", title: "Amounts overflow in moneykit", number: 1, from: 0.06, until: 0.13, again: 0.50, gone: 0.62},
	{service: "payment-api", pkg: "swift-json", severity: "MEDIUM", title: "Deeply nested JSON exhausts the stack", number: 2, from: 0.10, until: 0.30},
	{service: "payment-api", pkg: "cardmask", severity: "LOW", title: "Masked numbers show one digit too many", number: 3, from: 0.30, until: 2},
	{service: "merchant-portal", pkg: "formula-ui", severity: "MEDIUM", title: "Cells of a table run as script", number: 4, from: 0.55, until: 2},
	{service: "merchant-portal", pkg: "templet", severity: "HIGH", title: "Templates read files of the server", number: 5, from: 0.20, until: 0.27},
	{service: "merchant-portal", pkg: "datepick", severity: "LOW", title: "A date can block the page", number: 6, from: 0.02, until: 2},
	{service: "accounts-api", pkg: "idtoken", severity: "HIGH", title: "Tokens without an end are taken", number: 7, from: 0.94, until: 2},
	{service: "accounts-api", pkg: "yamlette", severity: "MEDIUM", title: "Anchors expand without a limit", number: 8, from: 0.25, until: 0.50},
	{service: "accounts-api", pkg: "logline", severity: "LOW", title: "Line breaks forge entries of the log", number: 9, from: 0.40, until: 2},
	{service: "fraud-scoring", pkg: "tensorette", severity: "HIGH", title: "A model file runs code when it is loaded", number: 10, from: 0.44, until: 2},
	{service: "fraud-scoring", pkg: "numbers", severity: "MEDIUM", title: "Division by zero ends the process", number: 11, from: 0.60, until: 2},
	{service: "fraud-scoring", pkg: "csvreader", severity: "LOW", title: "A long line takes all memory", number: 12, from: 0.02, until: 2},
}

// there reports whether the scanner sees it at a part of the story.
func (w *weakness) there(at float64) bool {
	return at >= w.from && at < w.until || w.again > 0 && at >= w.again && at < w.gone
}

// planReports brings the scanner's reports in every month, and those about the portal's code and its pages every quarter.
func (r *run) planReports(a *agenda) {
	last := a.clock.days()
	for month := range 13 {
		day := min(a.day(0.02+float64(month)/12.3), last)
		at := float64(day) / float64(last)
		a.on(day, "import what the scanner found", func(ctx context.Context) error { return r.scanned(ctx, "scanner", 0, packagesReport(at)...) })
		if month%3 == 1 {
			a.on(day, "import what was found in the portal", func(ctx context.Context) error { return r.portal(ctx, at) })
		}
	}
	a.at(0.56, "judge a finding", func(ctx context.Context) error {
		return r.judge(ctx, "kofi", "tensorette", finding.Move{To: finding.FalsePositive, Note: "Only the training tool loads model files. It is not in the image that runs, as its list of packages shows."})
	})
	a.at(0.74, "confirm a finding", func(ctx context.Context) error {
		return r.judge(ctx, "yaw", "formula-ui", finding.Move{To: finding.Confirmed, Note: "A merchant's own shop name is enough to see it. The new table comes with the redesign."})
	})
}

// scanned is the pipeline bringing a report; what it no longer shows is really gone.
func (r *run) scanned(ctx context.Context, source string, service int64, files ...model.File) error {
	found, err := imports.Inspect(files, imports.Options{})
	if err != nil {
		return fmt.Errorf("read the reports of %s: %w", source, err)
	}
	id, err := r.Intake.Propose(ctx, r.people["yaw"], intake.Proposal{EnvironmentID: r.production, SourceName: source, Inspection: found})
	if err != nil {
		return err
	}
	_, err = r.Intake.Confirm(ctx, r.people["yaw"], id, intake.Choices{Service: service, AcceptBig: true})
	return err
}

func (r *run) portal(ctx context.Context, at float64) error {
	ids, err := r.idsOf(ctx, "merchant-portal")
	if err != nil {
		return err
	}
	return r.scanned(ctx, "portal", ids[0], portalReports(at)...)
}

// judge is a person deciding about the finding in a package.
func (r *run) judge(ctx context.Context, who, pkg string, m finding.Move) error {
	page, err := r.Findings.List(ctx, r.people[who], finding.Filter{Text: pkg})
	if err != nil || len(page.Rows) == 0 {
		return err
	}
	_, err = r.Steward.MoveFinding(ctx, r.people[who], page.Rows[0].ID, m)
	return err
}

// packagesReport is what a scanner of images says at a part of the story: Trivy's report of each service.
func packagesReport(at float64) []model.File {
	type row map[string]any
	var services []string
	rows := map[string][]row{}
	for i := range weaknesses {
		w := &weaknesses[i]
		if _, known := rows[w.service]; !known {
			services, rows[w.service] = append(services, w.service), []row{}
		}
		if w.there(at) {
			rows[w.service] = append(rows[w.service], row{"VulnerabilityID": fmt.Sprintf("CVE-2026-9%03d", w.number), "PkgName": w.pkg, "PkgIdentifier": row{"PURL": "pkg:npm/" + w.pkg + "@1.4.0"}, "InstalledVersion": "1.4.0", "FixedVersion": "1.4.2", "Severity": w.severity, "Title": w.title, "Description": w.title + ". Versions before 1.4.2 are affected."})
		}
	}
	var files []model.File
	for _, s := range services {
		doc, err := json.Marshal(row{"SchemaVersion": 2, "ArtifactName": "registry.kente.example/images/" + s + ":1", "ArtifactType": "container_image", "Results": []row{{"Target": "package-lock.json", "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": rows[s]}}})
		if err == nil { // text and numbers always are JSON
			files = append(files, model.File{Path: "reports/" + s + ".json", Data: doc})
		}
	}
	return files
}

// portalReports are what readers of code, of secrets and of pages say about the portal.
func portalReports(at float64) []model.File {
	leak, query := `[]`, ``
	if at < 0.30 {
		leak = `[{"RuleID":"generic-api-key","Description":"A key of the mail service","File":"config/mail.example.env","StartLine":4,"EndLine":4,"Secret":"kente-mail-7f3a9c","Match":"MAIL_KEY=kente-mail-7f3a9c","Commit":"","Fingerprint":"config/mail.example.env:generic-api-key:4"}]`
	}
	if at < 0.80 {
		query = `{"check_id":"javascript.sql-built-from-text","path":"src/reports/query.js","start":{"line":41,"col":3},"end":{"line":41,"col":60},"extra":{"message":"The query is put together from what a merchant types.","severity":"ERROR","lines":"db.query('SELECT * FROM sales WHERE shop = ' + shop)","fingerprint":"portal-1","metadata":{"cwe":["CWE-89"]}}},`
	}
	code := `{"version":"1.99.0","results":[` + query + `{"check_id":"javascript.cookie-without-flag","path":"src/session.js","start":{"line":12,"col":1},"end":{"line":12,"col":40},"extra":{"message":"The cookie of the session can be read by scripts.","severity":"WARNING","lines":"res.cookie('session', id)","fingerprint":"portal-2","metadata":{"cwe":["CWE-1004"]}}}],"errors":[],"paths":{"scanned":["src/reports/query.js","src/session.js"]}}`
	pages := `{"@programName":"ZAP","@version":"2.15.0","site":[{"@name":"https://portal.kente.example","@host":"portal.kente.example","@port":"443","@ssl":"true","alerts":[{"pluginid":"10038","alertRef":"10038-1","alert":"No content security policy","name":"No content security policy","riskcode":"2","confidence":"3","desc":"<p>The pages say nothing of where scripts may come from.</p>","instances":[{"uri":"https://portal.kente.example/login","method":"GET","param":"","attack":"","evidence":""}],"count":"1","solution":"<p>Send the header.</p>","reference":"","cweid":"693","wascid":"15","sourceid":"3"}]}]}`
	return []model.File{{Path: "reports/secrets.json", Data: []byte(leak)}, {Path: "reports/code.json", Data: []byte(code)}, {Path: "reports/pages.json", Data: []byte(pages)}}
}
