package posture

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/remediation"
	"muster/internal/web/kit"
	view "muster/views/posture"
	"muster/views/ui"
)

func (h *Handlers) cell(c echo.Context) error {
	f := view.Form{Values: map[string]string{}}
	if id := kit.Number64(c.QueryParam("retest")); id > 0 {
		f.Values["retest"] = strconv.FormatInt(id, 10)
	}
	return h.cellPage(c, http.StatusOK, f)
}

func (h *Handlers) cellPage(c echo.Context, status int, form view.Form) error {
	environment, _, err := h.environment(c)
	if err != nil {
		return err
	}
	x, err := h.posture.Cell(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), c.Param("id"), environment)
	if err != nil {
		return err
	}
	title := x.ID
	p := view.Cell{ID: x.ID, Statement: x.Statement, Tags: tags(x.Effective), Why: x.Why, Fix: x.Fix, Checks: x.Checks, Form: form, Days: x.Days, MayAttest: kit.Can(c, access.Write, access.Posture), MayScore: kit.Can(c, access.Write, access.Scoring),
		Example: x.ExampleFor(x.Facts.Place.Namespace, x.Facts.Place.Workload, x.Service.Name), Mappings: mappings(c, x.Effective)}
	if x.Service.ID == 0 {
		p.Page = kit.Page(c, "matrix", title, crumbs(c)...)
		p.Service, p.ServiceHref, p.Action, p.ControlHref = "the company", kit.In(c, "/posture/sum"), kit.In(c, "/governance/"+x.ID), kit.In(c, "/governance/"+x.ID)
	} else {
		p.Page = kit.Page(c, "services", title, serviceCrumbs(c, x.Service.Name, x.Service.Slug)...)
		base := kit.In(c, "/services/"+x.Service.Slug)
		p.Service, p.ServiceHref, p.Action, p.ControlHref = x.Service.Name, base+"/posture", base+"/controls/"+x.ID, kit.In(c, "/controls/"+x.ID)
		if kit.Can(c, access.Write, access.Exceptions) && x.Verdict.State != control.NotApplicable && x.Verdict.State != control.Verified {
			p.AskHref = kit.In(c, fmt.Sprintf("/exceptions/new?control=%s&service=%s", x.ID, x.Service.Slug))
		}
	}
	p.State, p.Reason = stateWords(x)
	p.Yes, p.No = disagreement(x)
	fillSpots(&p, x)
	fillPieces(c, &p, x)
	fillAside(c, &p, x)
	if err := h.fillKnocks(c, &p, x); err != nil {
		return err
	}
	if err := h.fillTasks(c, &p, x); err != nil {
		return err
	}
	return kit.Render(c, status, view.One(p))
}

// fillTasks names the tasks that cover the control, and leads to where one is made.
func (h *Handlers) fillTasks(c echo.Context, p *view.Cell, x *posture.CellView) error {
	if h.tasks == nil {
		return nil
	}
	list, err := h.tasks.CoveringCell(kit.Ctx(c), kit.Of(c).Actor, remediation.Cell{Service: x.Service.ID, Control: x.ID})
	if err != nil {
		return err
	}
	for i := range list {
		p.Tasks = append(p.Tasks, view.Accepted{Words: list[i].Title + ", " + strings.ToLower(remediation.Word(list[i].State)), Href: kit.In(c, fmt.Sprintf("/tasks/%d", list[i].ID))})
	}
	wants := x.Verdict.State == control.Failing || x.Verdict.State == control.NotKnown || x.Verdict.State == control.Stale
	if len(list) == 0 && wants && x.Service.RetiredAt == nil && kit.Can(c, access.Write, access.Tasks) {
		p.TaskHref = kit.In(c, "/tasks/new?cell="+url.QueryEscape(x.Service.Slug+"/"+x.ID))
	}
	return nil
}

// fillKnocks says how the probes of the service went, where a probe may speak about the control.
func (h *Handlers) fillKnocks(c echo.Context, p *view.Cell, x *posture.CellView) error {
	if !probed(x.Effective) || x.Service.ID == 0 || x.Service.RetiredAt != nil || x.Verdict.State == control.NotApplicable {
		return nil
	}
	visits, err := h.scans.Knocks(kit.Ctx(c), kit.Of(c).Actor, &x.Service)
	if err != nil {
		return err
	}
	base := kit.In(c, "/services/"+x.Service.Slug)
	p.ProbesHref = base + "/probes"
	if kit.Can(c, access.Write, access.Scans) {
		p.ScanHref = kit.In(c, "/scans/new?service="+x.Service.Slug)
	}
	const most = 6
	for i := range visits[:min(len(visits), most)] {
		v := &visits[i]
		k := view.Knock{Address: v.Address, Words: "answered, seen " + v.From(), At: v.VisitedAt}
		if !v.Reached {
			k.Words, k.Bad = "not reached: "+v.Reason, true
		}
		p.Knocks = append(p.Knocks, k)
	}
	return nil
}

// probed reports whether a probe may speak about the control.
func probed(e *control.Effective) bool {
	return slices.ContainsFunc(e.Sources, func(s catalogue.Source) bool { return s.Kind == catalogue.Probe })
}

// stateWords says a state and why it is so.
func stateWords(x *posture.CellView) (view.Glyph, string) {
	v := x.Verdict
	g := glyph(v.State, v.Contradicted, !x.Excepted.IsZero())
	text, source, _ := detail(&x.Line, x.Now)
	var why string
	switch v.State {
	case control.Failing:
		why = sentence(source + ": " + text)
		if v.Contradicted {
			why += " Another source says that it holds. When sources disagree it counts as failing, whoever says so, until the one that saw the failure sees otherwise."
		} else {
			why += " It stands until the same source sees otherwise, or the part is proven gone."
		}
	case control.NotKnown:
		why = "Nobody has shown that it holds, and nobody that it does not. " + missing(x)
		if v.Known > 0 {
			why = fmt.Sprintf("%d of %d are known. %s", v.Known, v.Total, missing(x))
		}
	case control.Stale:
		why = "It was shown once, and the evidence has run out. Look again."
	case control.Attested:
		why = sentence(text) + " No machine has shown it."
	case control.Verified:
		why = "Shown for every clause and part by a machine, and in date."
	case control.NotApplicable:
		why = applicability(x)
	}
	if until := v.GoodUntil(); !until.IsZero() && v.State != control.Failing {
		why += " Good until " + until.Format("2 January 2006") + " when nobody looks again."
	}
	if !x.Excepted.IsZero() {
		g.Word = "Accepted until " + x.Excepted.Format("2 January 2006") + "; " + strings.ToLower(glyph(v.State, v.Contradicted, false).Word) + " underneath"
		why += " An exception stops the reminders; it does not change the state or the score."
	}
	return g, why
}

// missing names what evidence is not there.
func missing(x *posture.CellView) string {
	var kinds []string
	words := map[catalogue.SourceKind]string{catalogue.File: "the files that deploy it", catalogue.Mesh: "the files of its mesh", catalogue.Probe: "a probe", catalogue.SBOM: "a parts list", catalogue.Report: "a report of a scanner", catalogue.Log: "its logs",
		catalogue.Register: "a register", catalogue.Map: "the service map", catalogue.OpenAPI: "an OpenAPI document", catalogue.Scan: "a scan", catalogue.Push: "a result pushed from CI", catalogue.Person: "a person's word"}
	for _, s := range x.Sources {
		if word := words[s.Kind]; s.Proves && word != "" && !slices.Contains(kinds, word) {
			kinds = append(kinds, word)
		}
	}
	if len(kinds) == 0 {
		return "Missing is a person's word."
	}
	return "Missing is evidence from " + strings.Join(kinds, " or ") + "."
}

func applicability(x *posture.CellView) string {
	switch {
	case x.Decision != nil && x.Decision.Applies:
		return fmt.Sprintf("%s says that it applies: %s", x.Decision.ActorName, sentence(x.Decision.Reason))
	case x.Decision != nil:
		return fmt.Sprintf("%s says that it does not apply: %s", x.Decision.ActorName, sentence(x.Decision.Reason))
	case x.ByRule == control.No:
		return "It does not apply, by what is known of the subject."
	case x.ByRule == control.Unknown:
		return "It counts as applying, because nothing known says otherwise."
	}
	return "It applies, by what is known of the subject."
}

// disagreement picks the newest no that another source denies, and that source's newest yes.
func disagreement(x *posture.CellView) (yes, no *view.Say) {
	if !x.Verdict.Contradicted {
		return nil, nil
	}
	said := slices.Clone(x.Said)
	slices.SortFunc(said, func(a, b evidence.Evidence) int { return b.ObservedAt.Compare(a.ObservedAt) })
	for i := range said {
		if !slices.Contains(x.Verdict.Fails, said[i].ID) {
			continue
		}
		for k := range said {
			if slices.Contains(x.Verdict.Passes, said[k].ID) && control.Disagree(&said[k], &said[i]) {
				return says(&said[k]), says(&said[i])
			}
		}
	}
	return nil, nil
}

func says(e *evidence.Evidence) *view.Say {
	s := &view.Say{Glyph: outcomeGlyph(e), Who: who(e), What: what(e), Where: place(e), At: e.ObservedAt}
	if e.Human() && e.Note != "" {
		s.What = e.Note
	}
	return s
}

const maxSpots = 60

func fillSpots(p *view.Cell, x *posture.CellView) {
	byID := map[int64]*evidence.Evidence{}
	for i := range x.Said {
		byID[x.Said[i].ID] = &x.Said[i]
	}
	hold := 0
	for _, s := range x.Spots {
		if s.State == control.Verified || s.State == control.Attested {
			hold++
		}
	}
	p.SpotNote = fmt.Sprintf("%d of %d hold", hold, len(x.Spots))
	worst := slices.Clone(x.Spots)
	slices.SortStableFunc(worst, func(a, b control.Spot) int {
		return slices.Index(control.Words(), a.State) - slices.Index(control.Words(), b.State)
	})
	for _, s := range worst[:min(len(worst), maxSpots)] {
		v := view.Spot{Clause: sentence(clauseWords(x.Effective, s.Clause)), Part: part(s.Part), Glyph: glyph(s.State, false, false), Seen: "nothing"}
		ids := s.Fails
		if len(ids) == 0 {
			ids = s.Passes
		}
		if len(ids) > 0 {
			if e := byID[ids[len(ids)-1]]; e != nil {
				v.Seen, v.Place, v.At = who(e)+": "+what(e), place(e), &e.ObservedAt
			}
		}
		p.Spots = append(p.Spots, v)
	}
	if len(worst) > maxSpots {
		p.SpotNote += fmt.Sprintf("; the worst %d are shown", maxSpots)
	}
}

func clauseWords(e *control.Effective, id string) string {
	if clause, known := e.Clause(id); known {
		return clause.Words
	}
	return "every clause"
}

const maxPieces = 40

func fillPieces(c echo.Context, p *view.Cell, x *posture.CellView) {
	actor := kit.Of(c).Actor
	for i := range x.Timeline[:min(len(x.Timeline), maxPieces)] {
		e := &x.Timeline[i]
		v := view.Piece{Glyph: outcomeGlyph(e), ID: e.ID, Who: who(e), What: what(e), Place: place(e), Note: e.Note, At: e.ObservedAt, Expect: e.Expected}
		if e.Clause != "" {
			v.Clause = clauseWords(x.Effective, e.Clause)
			if e.Part != "" {
				v.Clause += ", " + part(e.Part)
			}
		}
		switch {
		case e.RetractedAt != nil:
			v.Ended = "taken back"
		case e.SupersededAt != nil:
			v.Ended = "replaced by something newer"
		case e.Outcome == evidence.Pass:
			end := e.ObservedAt.AddDate(0, 0, x.Days)
			if e.GoodUntil != nil && e.GoodUntil.Before(end) {
				end = *e.GoodUntil
			}
			v.Until = &end
		case slices.Contains(x.Verdict.Fails, e.ID):
			v.Ended = "stands until the same source sees otherwise"
			if p.MayAttest {
				v.Retest = e.ID
			}
		}
		for _, f := range x.Files[e.ID] {
			v.Files = append(v.Files, view.File{Name: f.Name, Href: kit.In(c, fmt.Sprintf("/files/%d", f.ID)), Size: fmt.Sprintf("%d kB, SHA-256 %s…", (f.Size+1023)/1024, f.SHA256[:12])})
		}
		if e.Human() && e.RetractedAt == nil && p.MayAttest && (e.ActorID == actor.UserID || kit.Can(c, access.Write, access.Settings)) {
			v.TakeBack = p.Action + fmt.Sprintf("/evidence/%d/back", e.ID)
		}
		p.Pieces = append(p.Pieces, v)
	}
}

func fillAside(c echo.Context, p *view.Cell, x *posture.CellView) {
	heard := map[string]int{} // a source that says yes of one thing and no of another says no
	for i := range x.Timeline {
		e := &x.Timeline[i]
		if e.RetractedAt != nil || e.SupersededAt != nil || e.Outcome == evidence.Silent {
			continue
		}
		at, known := heard[e.Source]
		switch {
		case !known:
			heard[e.Source] = len(p.Says)
			p.Says = append(p.Says, view.Say{Glyph: outcomeGlyph(e), Who: who(e), At: e.ObservedAt})
		case e.Outcome == evidence.Fail && slices.Contains(x.Verdict.Fails, e.ID):
			p.Says[at].Glyph = outcomeGlyph(e)
		}
	}
	value := "0.4, because a machine could check this"
	if x.PeopleOnly {
		value = "0.75, because only people can know"
	}
	p.AttestNote = fmt.Sprintf("Your word counts %s. It does not lift a failure that somebody else saw.", value)
	p.Clauses = []ui.Option{{Value: "", Label: "All of it"}}
	for _, clause := range x.Control.Clauses {
		p.Clauses = append(p.Clauses, ui.Option{Value: clause.ID, Label: sentence(clause.Words), Chosen: p.Form.Values["clause"] == clause.ID})
	}
	for _, e := range x.Exceptions[:min(len(x.Exceptions), 5)] {
		words := fmt.Sprintf("%s by %s, until %s", sentence(string(e.State)), e.RequesterName, e.ExpiresAt.Format("2 January 2006"))
		p.Exceptions = append(p.Exceptions, view.Accepted{Words: strings.Replace(words, ". by", " by", 1), Href: kit.In(c, fmt.Sprintf("/exceptions/%d", e.ID)), Glyph: view.Glyph{Class: "exc", Icon: "contrast"}})
	}
	p.Applies, p.AppliesNow = applicability(x), x.Verdict.State != control.NotApplicable
}

// attest stores a person's word.
func (h *Handlers) attest(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	a := evidence.Attestation{Control: c.Param("id"), Clause: values.Get("clause"), Outcome: evidence.Outcome(values.Get("outcome")), Note: values.Get("note"), RetestOf: kit.Number64(values.Get("retest"))}
	if day := values.Get("until"); day != "" {
		until, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return h.again(c, "attest", values, map[string]string{"until": "Write the day as year-month-day."}, "Write the day as year-month-day.")
		}
		a.Until = &until
	}
	if a.File, err = kit.Attached(c); err != nil {
		return h.again(c, "attest", values, map[string]string{"file": "The file could not be read."}, "The file could not be read.")
	}
	if _, err := h.posture.Attest(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), a); err != nil {
		return h.invalid(c, "attest", values, err)
	}
	return kit.Done(c, h.cellPath(c), "Recorded. What you said stands beside what others say.")
}

func (h *Handlers) cellPath(c echo.Context) string {
	if slug := c.Param("slug"); slug != "" {
		return "/services/" + slug + "/controls/" + c.Param("id")
	}
	return "/governance/" + c.Param("id")
}

func (h *Handlers) applies(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	applies := values.Get("applies") == "yes"
	if err := h.posture.Applies(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), c.Param("id"), applies, values.Get("reason")); err != nil {
		return h.invalid(c, "applies", values, err)
	}
	return kit.Done(c, h.cellPath(c), "Recorded. The trend shows it as a change of scope.")
}

func (h *Handlers) takeBack(c echo.Context) error {
	id, err := kit.ID(c, "evidence")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := h.posture.TakeBack(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), id, values.Get("reason")); err != nil {
		return h.invalid(c, fmt.Sprintf("back-%d", id), values, err)
	}
	return kit.Done(c, h.cellPath(c), "Taken back. It stays in the timeline and no longer counts.")
}

// invalid shows the page again with what is wrong by the fields; other failures become their own page.
func (h *Handlers) invalid(c echo.Context, kind string, values map[string][]string, err error) error {
	message, fields, _, ok := kit.Invalid(err)
	if !ok {
		return err
	}
	return h.again(c, kind, values, fields, message)
}

func (h *Handlers) again(c echo.Context, kind string, values map[string][]string, fields map[string]string, message string) error {
	f := view.Form{Kind: kind, Message: message, Errors: fields, Values: map[string]string{}}
	for name, list := range values {
		if len(list) > 0 {
			f.Values[name] = list[0]
		}
	}
	for name, text := range fields {
		f.Problems = append(f.Problems, ui.Problem{Field: name, Text: text})
	}
	return h.cellPage(c, http.StatusUnprocessableEntity, f)
}

// file hands out an attached file, never to be shown in the browser: it is other people's content.
func (h *Handlers) file(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	a, row, err := h.ledger.Attachment(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return err
	}
	if ids, limited := inventory.VisibleIDs(kit.Ctx(c)); limited && !slices.Contains(ids, row.ServiceID) {
		return echo.ErrNotFound
	}
	return kit.Download(c, a.Name, a.Data)
}
