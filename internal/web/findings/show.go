package findings

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/findings"
	"muster/views/ui"
)

func (h *Handlers) show(c echo.Context) error { return h.one(c, http.StatusOK, view.Form{}) }

func (h *Handlers) one(c echo.Context, status int, form view.Form) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	d, err := h.findings.Get(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return err
	}
	names, err := h.names(c)
	if err != nil {
		return err
	}
	similar, err := h.findings.Similar(kit.Ctx(c), &d.Finding)
	if err != nil {
		return err
	}
	o := h.describe(c, &d, names)
	o.Form = form
	for i := range similar {
		o.Similar = append(o.Similar, row(c, &similar[i], names, kit.Of(c).Now))
	}
	sources, err := h.sourceNames(c, &d)
	if err != nil {
		return err
	}
	for i := range d.Sources {
		o.Sources = append(o.Sources, source(&d.Sources[i], sources))
	}
	by, asked, err := h.findings.Excuse(kit.Ctx(c), kit.Of(c).Actor, &d.Finding)
	if err != nil {
		return err
	}
	o.Accepted = accepted(by, asked, func(path string) string { return kit.In(c, path) }, kit.Of(c).Now)
	watchers, err := h.findings.Watchers(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return err
	}
	o.WatchTo = kit.In(c, "/findings/"+strconv.FormatInt(id, 10)+"/watch")
	for _, w := range watchers {
		o.Watching = o.Watching || w.UserID == kit.Of(c).Actor.UserID
		o.Watchers = append(o.Watchers, w.UserName)
	}
	h.decisions(c, &o, &d.Finding)
	if err := h.task(c, &o, &d.Finding); err != nil {
		return err
	}
	return kit.Render(c, status, view.Show(o))
}

// describe is everything that is read on the page.
func (h *Handlers) describe(c echo.Context, d *finding.Detail, names map[int64]inventory.Service) view.One {
	f, now := &d.Finding, kit.Of(c).Now
	o := view.One{Page: kit.Page(c, "findings", f.Title, crumbs(c)...), Number: "#" + strconv.FormatInt(f.ID, 10), Level: level(f.Severity), State: stateWord(f.State), StateNote: stateNote(f), Exploited: f.Exploited,
		Name: f.Vulnerability, Title: f.Title, Priority: f.Priority, Description: f.Description, FixText: advice(f), Closes: closes(f), Places: f.PlaceList(), DueWords: f.DueWords, Service: owner(f, names)}
	if o.Name == "" {
		o.Name = f.Rule
	}
	if s, known := names[f.ServiceID]; known {
		o.ServiceHref = kit.In(c, "/services/"+s.Slug+"/findings")
	}
	if f.State.Todo() {
		o.Due, o.DueDay = due(f, now), f.DueAt
	}
	for _, r := range f.ReasonList() {
		o.Reasons = append(o.Reasons, view.Reason{Points: r.Points, Words: r.Words})
	}
	o.Fix = fixes(f)
	for _, r := range f.RatingList() {
		o.Ratings = append(o.Ratings, view.Rating{Version: r.Version, Score: strconv.FormatFloat(r.Score, 'f', 1, 64), Vector: r.Vector})
	}
	for _, r := range f.RefList() {
		if u, err := url.Parse(r); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
			o.Refs = append(o.Refs, r)
		}
	}
	o.Facts = facts(f)
	o.Live = fmt.Sprintf("%d of %d still do", f.Live, len(d.Sources))
	for i := range d.Events {
		e := event(&d.Events[i])
		if id := d.Events[i].FileID; id != 0 {
			e.Note, e.File, e.FileHref = "", d.Events[i].Note, kit.In(c, fmt.Sprintf("/findings/%d/files/%d", f.ID, id))
		}
		o.Events = append(o.Events, e)
	}
	if f.DuplicateOf != 0 {
		o.DuplicateOf = "#" + strconv.FormatInt(f.DuplicateOf, 10)
		o.DuplicateHref = kit.In(c, "/findings/"+strconv.FormatInt(f.DuplicateOf, 10))
	}
	return o
}

// advice is what the reports say of how to fix it, unless that is the sentence that stands there anyway.
func advice(f *finding.Finding) string {
	if strings.TrimSpace(f.Remediation) == "Upgrade "+f.Package+" to "+f.FixVersion+"." {
		return ""
	}
	return f.Remediation
}

// fixes say in a sentence what to do, where it is known.
func fixes(f *finding.Finding) []string {
	switch {
	case f.Package != "" && f.FixVersion != "":
		installed := ""
		if f.Installed != "" {
			installed = ", from " + f.Installed
		}
		return []string{"Upgrade " + f.Package + " to " + f.FixVersion + installed + "."}
	case f.Kind == finding.Dependency:
		return []string{"No report names a version that fixes it. Replace the package, switch the feature off, or ask for time."}
	case f.Kind == finding.Secret:
		return []string{"Revoke the secret first and make a new one; then take it out of the file. What was published stays known."}
	case f.Remediation == "":
		return []string{"The reports do not say how. Put it right where it shows, and let the tool look again."}
	}
	return nil
}

func facts(f *finding.Finding) []view.Fact {
	var list []view.Fact
	put := func(label, text string, mono bool) {
		if text != "" {
			list = append(list, view.Fact{Label: label, Text: text, Mono: mono})
		}
	}
	put("Kind", kindWords[f.Kind], false)
	put("Package", f.PURL, true)
	if f.PURL == "" {
		put("Package", f.Package, true)
	}
	put("Installed", f.Installed, false)
	put("Fixed in", f.FixVersion, false)
	if f.Path != "" {
		at := f.Path
		if f.Line > 0 {
			at += ":" + strconv.Itoa(f.Line)
		}
		put("File", at, true)
	}
	put("Address", f.Endpoint, true)
	put("Resource", f.Resource, true)
	put("Rule", f.Rule, true)
	if others := slices.DeleteFunc(f.AliasList(), func(a string) bool { return a == f.Vulnerability }); len(others) > 0 {
		put("Also known as", strings.Join(others, ", "), true)
	}
	var weaknesses []string
	for _, n := range f.CWEList() {
		weaknesses = append(weaknesses, "CWE-"+strconv.Itoa(n))
	}
	put("Weakness", strings.Join(weaknesses, ", "), false)
	if f.EPSS != nil {
		put("EPSS", fmt.Sprintf("%.1f %%", 100**f.EPSS), false)
	}
	if f.AssessedSeverity != "" {
		put("Assessed", fmt.Sprintf("%s, by %s; the reports say %s", f.AssessedSeverity, f.AssessedBy, f.ReportedSeverity), false)
	}
	put("First seen", f.FirstSeen.UTC().Format("2 January 2006"), false)
	if f.PublishedAt != nil {
		put("Public since", f.PublishedAt.UTC().Format("2 January 2006"), false)
	}
	if f.ReopenCount > 0 {
		put("Came back", ui.Plural(f.ReopenCount, "time", "times"), false)
	}
	return list
}

// sourceNames name where reports come from, for those who may see imports.
func (h *Handlers) sourceNames(c echo.Context, d *finding.Detail) (map[int64]string, error) {
	names := map[int64]string{}
	if len(d.Sources) == 0 || !kit.Can(c, access.Read, access.Imports) {
		return names, nil
	}
	list, err := h.book.Sources(kit.Ctx(c), kit.Of(c).Actor)
	for i := range list {
		names[list[i].ID] = list[i].Name
	}
	return names, err
}

func source(s *finding.Source, names map[int64]string) view.Source {
	out := view.Source{Tool: s.Tool, Place: names[s.SourceID], Live: s.GoneAt == nil, First: s.FirstSeen, Last: s.LastSeen, Gone: s.GoneAt, Times: s.Occurrences, Said: string(s.Severity)}
	if s.ToolWord != "" && !strings.EqualFold(s.ToolWord, string(s.Severity)) {
		out.Said += ", in its words " + s.ToolWord
	}
	if why, isDefault := strings.CutPrefix(s.SeverityFrom, "default: "); isDefault {
		out.Why = why
	}
	if s.Status != finding.Reported {
		out.Said = strings.ReplaceAll(string(s.Status), "_", " ")
		out.Why = s.StatusReason
	}
	return out
}

// decisions are the forms that the person may use.
func (h *Handlers) decisions(c echo.Context, o *view.One, f *finding.Finding) {
	base := kit.In(c, "/findings/"+strconv.FormatInt(f.ID, 10))
	may, decides := kit.Can(c, access.Write, access.Findings), kit.Can(c, access.Decide, access.Findings)
	o.Version, o.MoveTo = strconv.Itoa(f.Version), base+"/move"
	typed := o.Form.Values
	if may {
		o.Ways = []ui.Option{{Label: "Choose", Value: ""}}
		for _, s := range finding.Ways(f.State) {
			words, offered := moveWords[s]
			if !offered || !decides && (s.Decided() || f.State.Decided() || f.State == finding.ReReview) {
				continue
			}
			o.Ways = append(o.Ways, ui.Option{Value: string(s), Label: words, Chosen: o.Form.Kind == "move" && typed["to"] == string(s)})
			if s == finding.NotAffected {
				o.Justifications = justifications(typed["justification"])
			}
		}
	}
	if finding.MayMove(f.State, finding.Accepted, finding.ByPerson) && kit.Can(c, access.Write, access.Exceptions) {
		o.AcceptHref = kit.In(c, "/exceptions/new?finding="+strconv.FormatInt(f.ID, 10))
	}
	if decides {
		o.AssessTo = base + "/assess"
		o.Severities = []ui.Option{{Value: "", Label: "As the reports say: " + string(f.ReportedSeverity)}}
		for _, s := range finding.Severities() {
			o.Severities = append(o.Severities, ui.Option{Value: string(s), Label: level(s).Word, Chosen: s == f.AssessedSeverity})
		}
	}
	if kit.Can(c, access.Comment, access.Findings) {
		o.CommentTo, o.AttachTo = base+"/comment", base+"/attach"
	}
}

// task leads to the task that covers a finding, or to where one is made.
func (h *Handlers) task(c echo.Context, o *view.One, f *finding.Finding) error {
	id := strconv.FormatInt(f.ID, 10)
	covering, err := h.tasks.Covering(kit.Ctx(c), kit.Of(c).Actor, []int64{f.ID})
	if err != nil {
		return err
	}
	if t, covered := covering[f.ID]; covered {
		o.Task, o.TaskHref = t.Title, kit.In(c, "/tasks/"+strconv.FormatInt(t.ID, 10))
	} else if f.State.Todo() && f.ServiceID != 0 && kit.Can(c, access.Write, access.Tasks) {
		o.TaskHref = kit.In(c, "/tasks/new?id="+id)
	}
	return nil
}

func justifications(typed string) []ui.Option {
	options := []ui.Option{{Label: "Choose why"}}
	for _, j := range finding.Justifications() {
		options = append(options, ui.Option{Value: string(j), Label: justified[j], Chosen: string(j) == typed})
	}
	return options
}
