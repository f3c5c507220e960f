package catalogue

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ownFile names the file in messages about a workspace's own controls.
const ownFile = "controls.yaml"

// later are prefixes kept for controls that we will ship.
var later = []string{"PLT"}

var (
	controlID = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,7}-[1-9][0-9]{0,3}$`)
	slug      = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	reference = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
)

// Parse reads controls that a workspace wrote itself. The error joins Problems, each with file, line and reason.
func Parse(data []byte) ([]*Control, error) {
	r := &reader{file: ownFile}
	return r.controls(data)
}

func (r *reader) controls(data []byte) ([]*Control, error) {
	root := r.tree(data)
	if root == nil {
		return nil, r.err()
	}
	var found []*Control
	seen := map[string]bool{}
	list := r.each("the list of controls", maxControls, func(n *yaml.Node) {
		c := r.control(n)
		if seen[c.ID] && c.ID != "" {
			r.fail(n.Line, "the control %s stands in the file twice", c.ID)
		}
		seen[c.ID] = true
		found = append(found, c)
	})
	r.mapping(root, "the file", fields{"controls": list}, "controls")
	if len(found) == 0 {
		r.fail(root.Line, "the file has no control")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return found, nil
}

func (r *reader) control(n *yaml.Node) *Control {
	c := &Control{Subject: Service, Domain: r.domain, Since: version, Applies: "true", Effort: Medium}
	lines := map[string]int{}
	people, claimed := false, 0
	known := fields{
		"id":         func(v *yaml.Node) { lines["id"] = v.Line; r.text(&c.ID, "the id", 20)(v) },
		"title":      r.text(&c.Title, "the title", 40),
		"statement":  r.text(&c.Statement, "the statement", 400),
		"subject":    word(r, &c.Subject, "the subject"),
		"domain":     func(v *yaml.Node) { lines["domain"] = v.Line; word(r, &c.Domain, "the domain")(v) },
		"since":      r.number(&c.Since, "since", 1, version),
		"age":        r.number(&c.Age, "the age in days", 1, 3650),
		"weight":     r.number(&c.Weight, "the weight", 0, 20),
		"applies":    r.text(&c.Applies, "applies", 500),
		"effort":     word(r, &c.Effort, "the effort"),
		"clauses":    r.each("the list of clauses", 30, func(v *yaml.Node) { r.clause(c, v) }),
		"sources":    r.each("the list of sources", 30, func(v *yaml.Node) { r.source(c, v) }),
		"why":        r.text(&c.Why, "why", 1000),
		"fix":        r.each("the list of steps", 20, func(v *yaml.Node) { r.step(c, v) }),
		"example":    r.text(&c.Example, "the example", 8000),
		"example_in": r.text(&c.ExampleIn, "the language of the example", 20),
		"checks":     r.text(&c.Checks, "checks", 1000),
		"mappings":   r.each("the list of mappings", 60, func(v *yaml.Node) { r.link(c, v) }),
	}
	known["people_only"] = func(v *yaml.Node) { claimed = v.Line; r.truth(&people, "people_only")(v) }
	required := []string{"id", "title", "statement", "age", "weight", "clauses"}
	if r.shipped {
		required = append(required, "subject", "since", "applies", "people_only", "effort", "why", "fix", "checks", "mappings")
	}
	if !r.mapping(n, "a control", known, required...) {
		return c
	}
	c.settle()
	if claimed > 0 && people != c.PeopleOnly {
		r.fail(claimed, "people_only must be %t: it says whether no machine source can prove any clause", c.PeopleOnly)
	}
	r.check(c, n.Line, lines)
	return c
}

// check looks at what single fields cannot know.
func (r *reader) check(c *Control, line int, lines map[string]int) {
	if c.ID != "" {
		r.checkID(c, lines["id"])
	}
	switch {
	case r.shipped && c.Domain != r.domain:
		r.fail(lines["domain"], "the domain of a control follows from its file")
	case c.Domain == "" && lines["domain"] == 0:
		r.fail(line, `a control lacks the field "domain"`)
	}
	if len(c.Clauses) == 0 {
		r.fail(line, "the control has no clause")
	}
	if c.ExampleIn != "" && c.Example == "" {
		r.fail(line, "the control names the language of an example that it does not have")
	}
	for _, s := range c.Sources {
		for _, id := range s.Clauses {
			if _, known := c.Clause(id); !known {
				r.fail(line, "the source %s names the clause %q, which the control does not have", s.Kind, clip(id))
			}
		}
	}
}

func (r *reader) checkID(c *Control, line int) {
	prefix, _, _ := strings.Cut(c.ID, "-")
	ours := Domain(strings.ToLower(prefix)).Valid() || slices.Contains(later, prefix)
	switch {
	case !controlID.MatchString(c.ID):
		r.fail(line, "the id %q is not of the form ABC-1", clip(c.ID))
	case r.shipped && prefix != strings.ToUpper(string(r.domain)):
		r.fail(line, "the id %s does not belong to this file", c.ID)
	case !r.shipped && ours:
		r.fail(line, "the id %s clashes with the built-in controls: letters of your own, such as ACME-1, are needed", c.ID)
	}
}

func (r *reader) clause(c *Control, n *yaml.Node) {
	clause := Clause{Part: Whole}
	known := fields{
		"id":      r.text(&clause.ID, "the id of the clause", 40),
		"words":   r.text(&clause.Words, "the words of the clause", 120),
		"part":    word(r, &clause.Part, "the part"),
		"applies": r.text(&clause.Applies, "applies", 500),
	}
	if !r.mapping(n, "a clause", known, "id", "words") || clause.ID == "" {
		return
	}
	if !slug.MatchString(clause.ID) {
		r.fail(n.Line, "the id of the clause %q must be lower case words joined by _", clip(clause.ID))
	}
	if _, twice := c.Clause(clause.ID); twice {
		r.fail(n.Line, "the control has the clause %s twice", clause.ID)
	}
	c.Clauses = append(c.Clauses, clause)
}

func (r *reader) source(c *Control, n *yaml.Node) {
	var s Source
	known := fields{
		"kind":    word(r, &s.Kind, "the kind of source"),
		"proves":  r.truth(&s.Proves, "proves"),
		"refutes": r.truth(&s.Refutes, "refutes"),
		"human":   r.truth(&s.Human, "human"),
		"clauses": r.each("the clauses of the source", 30, func(v *yaml.Node) {
			var id string
			r.text(&id, "the clause", 40)(v)
			s.Clauses = append(s.Clauses, id)
		}),
	}
	if !r.mapping(n, "a source", known, "kind") || s.Kind == "" {
		return
	}
	if !s.Proves && !s.Refutes {
		r.fail(n.Line, "the source %s neither proves nor refutes anything", s.Kind)
	}
	c.Sources = append(c.Sources, s)
}

func (r *reader) step(c *Control, n *yaml.Node) {
	var step string
	r.text(&step, "the step", 500)(n)
	c.Fix = append(c.Fix, step)
}

func (r *reader) link(c *Control, n *yaml.Node) {
	m := Mapping{Strength: Supports}
	known := fields{
		"framework":   r.text(&m.Framework, "the framework", 60),
		"requirement": r.text(&m.Requirement, "the requirement", 60),
		"strength":    word(r, &m.Strength, "the strength"),
		"why":         r.text(&m.Why, "why", 300),
	}
	if !r.mapping(n, "a mapping", known, "framework", "requirement", "strength") || m.Framework == "" {
		return
	}
	if !reference.MatchString(m.Framework) {
		r.fail(n.Line, "the framework %q is not an id such as nist-csf-2.0", clip(m.Framework))
	}
	c.Mappings = append(c.Mappings, m)
}
