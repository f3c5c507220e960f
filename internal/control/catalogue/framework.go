package catalogue

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Framework is a standard, law or checklist that controls are mapped to.
type Framework struct {
	ID        string
	Name      string
	Version   string
	Publisher string
	Address   string // the page of the standard
	// NumbersOnly says that the text is not open, so that only the numbers that controls use are listed.
	NumbersOnly  bool
	Requirements []Requirement
}

// Requirement is one sentence of a framework.
type Requirement struct {
	ID    string
	Words string // our own short wording, never the official text
	Level string // where the framework has levels
	Title string // from an imported file
	Text  string // the official text, from an imported file
}

// Requirement finds a requirement by its id.
func (f *Framework) Requirement(id string) (Requirement, bool) {
	for _, r := range f.Requirements {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

// Frameworks lists the frameworks that controls are mapped to; it is empty when the catalogue could not be read, and Load says why.
func Frameworks() []*Framework {
	c, err := Load()
	if err != nil {
		return nil
	}
	return c.Frameworks()
}

func loadFrameworks() ([]*Framework, error) {
	const name = "frameworks.yaml"
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read frameworks: %w", err)
	}
	r := &reader{file: name, shipped: true}
	var found []*Framework
	if root := r.tree(data); root != nil {
		r.mapping(root, "the file", fields{"frameworks": r.each("the list of frameworks", 100, func(n *yaml.Node) {
			found = append(found, r.framework(n))
		})}, "frameworks")
	}
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("read frameworks: %w", err)
	}
	return found, nil
}

func (r *reader) framework(n *yaml.Node) *Framework {
	f := &Framework{}
	seen := map[string]bool{}
	known := fields{
		"id":           r.text(&f.ID, "the id", 60),
		"name":         r.text(&f.Name, "the name", 120),
		"version":      r.text(&f.Version, "the version", 40),
		"publisher":    r.text(&f.Publisher, "the publisher", 120),
		"address":      r.text(&f.Address, "the address", 300),
		"numbers_only": r.truth(&f.NumbersOnly, "numbers_only"),
		"requirements": r.each("the list of requirements", maxRequirements, func(v *yaml.Node) {
			var q Requirement
			parts := fields{
				"id":    r.text(&q.ID, "the id", 60),
				"words": r.text(&q.Words, "the words", 200),
				"level": r.text(&q.Level, "the level", 20),
			}
			r.mapping(v, "a requirement", parts, "id", "words")
			if seen[q.ID] {
				r.fail(v.Line, "the requirement %q stands in the framework twice", q.ID)
			}
			seen[q.ID] = true
			f.Requirements = append(f.Requirements, q)
		}),
	}
	r.mapping(n, "a framework", known, "id", "name", "version", "publisher", "address", "requirements")
	return f
}
