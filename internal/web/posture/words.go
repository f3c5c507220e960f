package posture

import (
	"fmt"
	"strings"
	"time"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/posture"
	view "muster/views/posture"
)

var icons = map[catalogue.Domain]string{
	catalogue.Inventory: "services", catalogue.Access: "auth", catalogue.Transit: "lock", catalogue.Data: "db", catalogue.Patching: "patch", catalogue.Logging: "monitor",
	catalogue.API: "gate", catalogue.Network: "net", catalogue.Runtime: "container", catalogue.Development: "code", catalogue.Organization: "gov",
}

// short are the domains' names where there is little room.
var short = map[catalogue.Domain]string{
	catalogue.Inventory: "Inventory", catalogue.Access: "Sign-in and access", catalogue.Transit: "Encryption in transit", catalogue.Data: "Data and privacy", catalogue.Patching: "Patching", catalogue.Logging: "Logging and alerts",
	catalogue.API: "Gateway and APIs", catalogue.Network: "Isolation", catalogue.Runtime: "Containers", catalogue.Development: "Secure development", catalogue.Organization: "Governance",
}

// standards are the frameworks' names where there is little room.
var standards = map[string]string{
	"owasp-asvs-5.0.0": "ASVS 5.0", "owasp-api-top10-2023": "API Top 10", "nist-csf-2.0": "CSF 2.0", "nist-ssdf-800-218": "SSDF", "mvsp-3.0": "MVSP", "ossf-osps-baseline": "OSPS", "cisa-cpg-2.0": "CISA CPG",
	"uk-cyber-essentials": "Cyber Essentials", "nist-800-53-rev5-baselines": "800-53", "iso-27001-2022": "ISO 27001", "soc2-tsc": "SOC 2", "cis-v8": "CIS v8", "gdpr": "GDPR", "pci-dss-4.0": "PCI DSS", "nist-800-204": "800-204",
}

// glyph is the sign of a state, with the word beside it.
func glyph(word control.Word, contradicted, excepted bool) view.Glyph {
	g := map[control.Word]view.Glyph{
		control.Verified: {Class: "ver", Icon: "check", Word: "Verified"}, control.Attested: {Class: "att", Icon: "usercheck", Word: "Attested"}, control.Stale: {Class: "sta", Icon: "clock", Word: "Stale"},
		control.NotKnown: {Class: "unk", Icon: "help", Word: "Unknown"}, control.Failing: {Class: "fail", Icon: "x", Word: "Failing"}, control.NotApplicable: {Class: "na", Word: "Does not apply"},
	}[word]
	if contradicted {
		g.Class, g.Word = "con", "Failing, contradicted"
	}
	if excepted && word != control.NotApplicable {
		g = view.Glyph{Class: "exc", Icon: "contrast", Word: "Accepted; " + strings.ToLower(g.Word) + " underneath"}
	}
	return g
}

func cellGlyph(c posture.Cell) view.Glyph {
	g := glyph(c.State, c.Contradicted, c.Excepted)
	if c.Partly && !c.Excepted {
		if c.Total > 0 {
			g.Part = fmt.Sprintf("%d/%d", c.Known, c.Total)
			g.Word = fmt.Sprintf("Unknown, %s known", g.Part)
		}
	}
	return g
}

// letters are what a square of the lean matrix holds.
var letters = map[string]string{"ver": "✓", "att": "✓", "sta": "◷", "unk": "?", "fail": "✕", "con": "✕", "exc": "◐"}

// shares counts the states of some cells, best first.
func shares(cells []posture.Cell) []view.Share {
	order := []view.Share{{Class: "ver", Word: "verified"}, {Class: "att", Word: "attested"}, {Class: "exc", Word: "accepted"}, {Class: "sta", Word: "stale"}, {Class: "unk", Word: "unknown"}, {Class: "con", Word: "contradicted"}, {Class: "fail", Word: "failing"}}
	for _, c := range cells {
		class := cellGlyph(c).Class
		for i := range order {
			if order[i].Class == class {
				order[i].N++
			}
		}
	}
	return order
}

// who names a source for people.
func who(e *evidence.Evidence) string {
	names := map[catalogue.SourceKind]string{catalogue.File: "Files", catalogue.Mesh: "Mesh files", catalogue.OpenAPI: "API document", catalogue.Register: "Register", catalogue.Identity: "Members of Muster", catalogue.Probe: "Probe", catalogue.SBOM: "Parts list", catalogue.Report: "Report"}
	if e.Kind == catalogue.Person {
		return e.ActorName
	}
	if from, elsewhere := strings.CutPrefix(e.Source, "probe:"); elsewhere && from != "muster" {
		return "Probe from " + from
	}
	if name := names[e.Kind]; name != "" {
		return name
	}
	return strings.ReplaceAll(string(e.Kind), "_", " ")
}

func what(e *evidence.Evidence) string {
	switch {
	case e.Kind == catalogue.Person && e.RetestOf != 0:
		return "tested a failure again: it holds now"
	case e.Kind == catalogue.Person && e.Outcome == evidence.Pass:
		return "says that it holds"
	case e.Kind == catalogue.Person:
		return "says that it does not hold"
	case e.Outcome == evidence.Silent:
		return "no longer say anything about it"
	case e.Observed != "":
		return e.Observed
	case e.Outcome == evidence.Pass:
		return "shows that it holds"
	}
	return "shows that it does not hold"
}

func place(e *evidence.Evidence) string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d", e.Path, e.Line)
	}
	return e.Path
}

func outcomeGlyph(e *evidence.Evidence) view.Glyph {
	switch {
	case e.Outcome == evidence.Fail:
		return view.Glyph{Class: "fail", Icon: "x", Word: "No"}
	case e.Outcome == evidence.Silent:
		return view.Glyph{Class: "unk", Icon: "help", Word: "Silent"}
	case e.Kind == catalogue.Person:
		return view.Glyph{Class: "att", Icon: "usercheck", Word: "Yes"}
	}
	return view.Glyph{Class: "ver", Icon: "check", Word: "Yes"}
}

// part names a part of a subject in words.
func part(p string) string {
	kind, name := evidence.SplitPart(p)
	switch {
	case kind == catalogue.Whole:
		return "the whole"
	case name == "*":
		return "any host"
	}
	return name
}

// detail says in a few words what a line rests on, who said it, and when.
func detail(l *posture.Line, now time.Time) (text, source string, at *time.Time) {
	find := func(ids []int64) *evidence.Evidence {
		var newest *evidence.Evidence
		for i := range l.Said {
			e := &l.Said[i]
			for _, id := range ids {
				if e.ID == id && (newest == nil || e.ObservedAt.After(newest.ObservedAt)) {
					newest = e
				}
			}
		}
		return newest
	}
	v := l.Verdict
	var e *evidence.Evidence
	switch v.State {
	case control.Failing:
		if e = find(v.Fails); e != nil {
			text = what(e)
			if len(v.Fails) > 1 {
				text += fmt.Sprintf(", and %d more", len(v.Fails)-1)
			}
			if days := int(now.Sub(v.LastSeen).Hours() / 24); days > l.Days {
				text += fmt.Sprintf(" (last seen %d days ago)", days)
			}
		}
	case control.NotKnown:
		text = "nobody has said anything yet"
		if v.Known > 0 {
			text = fmt.Sprintf("%d of %d known", v.Known, v.Total)
			e = find(v.Passes)
		}
	case control.Stale:
		text = "the evidence has run out"
		e = newestPass(l.Said)
	case control.Attested, control.Verified:
		if e = find(v.Passes); e != nil {
			text = what(e)
			if e.Kind == catalogue.Person {
				text = "by " + e.ActorName
			}
		}
	case control.NotApplicable:
		text = "by what is known of the service"
	}
	if e == nil {
		return text, "–", nil
	}
	return text, who(e), &e.ObservedAt
}

func newestPass(said []evidence.Evidence) *evidence.Evidence {
	var newest *evidence.Evidence
	for i := range said {
		if e := &said[i]; e.Outcome == evidence.Pass && (newest == nil || e.ObservedAt.After(newest.ObservedAt)) {
			newest = e
		}
	}
	return newest
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimRight(text[1:], ".") + "."
}

func caps(list []posture.Cap) []string {
	var words []string
	for _, c := range list {
		words = append(words, fmt.Sprintf("At most %.0f while %s.", c.Limit, c.Words))
	}
	return words
}

func signed(v float64) string {
	text := fmt.Sprintf("%+.1f", v)
	return strings.Replace(text, "-", "−", 1)
}

func gain(v float64) string {
	if v < 0.05 {
		return "+0"
	}
	return fmt.Sprintf("+%.1f", v)
}

var effortWords = map[catalogue.Effort]string{catalogue.Small: "about an hour", catalogue.Medium: "about a day", catalogue.Large: "more than a day"}
