package scoring

import (
	"slices"
	"strings"

	"muster/internal/control"
	"muster/internal/control/catalogue"
)

// kinds name the sources of evidence.
var kinds = map[catalogue.SourceKind]string{
	catalogue.File: "The files that deploy it", catalogue.Mesh: "The files of its mesh", catalogue.Probe: "A probe", catalogue.SBOM: "A parts list", catalogue.Report: "A report of another tool", catalogue.Log: "Its logs", catalogue.Register: "A register in Muster",
	catalogue.Map: "The service map", catalogue.OpenAPI: "An OpenAPI document", catalogue.Scan: "A scan", catalogue.Push: "A result pushed from CI", catalogue.Finding: "Open findings", catalogue.Support: "The table of support dates", catalogue.Alert: "A test alert that a person confirmed",
	catalogue.ThreatModel: "Its threat model", catalogue.PolicySource: "Approved policies", catalogue.Acknowledgement: "Who has read which policy", catalogue.Training: "Courses and who completed them", catalogue.Audit: "Audits", catalogue.Recommendation: "Recommendations and their dates",
	catalogue.Incident: "Incidents and their reviews", catalogue.Risk: "The register of risks", catalogue.AccessReview: "Reviews of access", catalogue.Identity: "The members of Muster", catalogue.Person: "A person",
}

// sources say who may speak about a control, and how.
func sources(c *catalogue.Control) []string {
	var list []string
	for _, s := range c.Sources {
		if s.Kind == catalogue.Person {
			continue
		}
		may := " can show that it fails"
		switch {
		case s.Proves && s.Refutes:
			may = " can show that it holds, and that it fails"
		case s.Proves:
			may = " can show that it holds"
		}
		text := kinds[s.Kind] + may
		if s.Human {
			text += ", as a person’s word"
		}
		if len(s.Clauses) > 0 && len(s.Clauses) < len(c.Clauses) {
			var words []string
			for _, clause := range c.Clauses {
				if slices.Contains(s.Clauses, clause.ID) {
					words = append(words, clause.Words)
				}
			}
			text += ", for: " + strings.Join(words, "; ")
		}
		list = append(list, text+".")
	}
	word := "A person can attest it; that counts 0.4, because a machine could check it."
	if c.PeopleOnly {
		word = "A person can attest it; that counts 0.75, because only people can know."
	}
	return append(list, word)
}

// applies says what a control applies to, and the rule that decides it.
func applies(e *control.Effective) (words, rule string) {
	switch {
	case e.Subject == catalogue.Workspace && (e.Control.Applies == "" || e.Control.Applies == "true"):
		return "To the company as a whole.", ""
	case e.Control.Applies == "" || e.Control.Applies == "true":
		return "To every service.", ""
	case e.Subject == catalogue.Workspace:
		return "To the company as a whole, unless this is known to be false:", e.Control.Applies
	}
	return "To every service, unless this is known to be false of it:", e.Control.Applies
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimRight(text[1:], ".") + "."
}
