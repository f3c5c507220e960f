// Package catalogue holds the controls that Muster judges, as data: what should be true, who may speak for it, why it matters and how to put it right.
package catalogue

import (
	"embed"
	"fmt"
	"slices"
	"sync"
)

// version is the version of the shipped catalogue; controls say since which version they exist.
const version = 1

//go:embed *.yaml
var files embed.FS

// Catalogue is the shipped set of controls.
type Catalogue struct {
	Version    int
	controls   []*Control
	byID       map[string]*Control
	frameworks []*Framework
}

// Load gives the shipped catalogue, read once.
func Load() (*Catalogue, error) { return loaded() }

var loaded = sync.OnceValues(load)

func load() (*Catalogue, error) {
	c := &Catalogue{Version: version, byID: map[string]*Control{}}
	for _, d := range domains {
		name := string(d.ID) + ".yaml"
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read controls: %w", err)
		}
		r := &reader{file: name, shipped: true, domain: d.ID}
		controls, err := r.controls(data)
		if err != nil {
			return nil, fmt.Errorf("read controls: %w", err)
		}
		for _, control := range controls {
			if c.byID[control.ID] != nil {
				return nil, fmt.Errorf("read controls: %s stands in %s twice or in two files", control.ID, name)
			}
			c.byID[control.ID] = control
		}
		c.controls = append(c.controls, controls...)
	}
	frameworks, err := loadFrameworks()
	if err != nil {
		return nil, err
	}
	c.frameworks = frameworks
	return c, nil
}

// All lists the controls in the order of the catalogue.
func (c *Catalogue) All() []*Control { return slices.Clone(c.controls) }

// Get finds a control by its id.
func (c *Catalogue) Get(id string) (*Control, bool) {
	control, found := c.byID[id]
	return control, found
}

// Domains lists the domains with their names, in the order of the catalogue.
func (c *Catalogue) Domains() []DomainName { return slices.Clone(domains) }

// In lists the controls of one domain.
func (c *Catalogue) In(d Domain) []*Control {
	var found []*Control
	for _, control := range c.controls {
		if control.Domain == d {
			found = append(found, control)
		}
	}
	return found
}

// Frameworks lists the frameworks that controls are mapped to.
func (c *Catalogue) Frameworks() []*Framework { return slices.Clone(c.frameworks) }
