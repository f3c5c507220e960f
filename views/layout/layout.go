// Package layout is the frame around every page.
package layout

import "time"

// Page is what every page of a workspace needs to draw its frame.
type Page struct {
	Title     string
	Theme     string // light, dark, or "" for the system's
	Workspace Workspace
	Others    []Workspace // that the person may switch to
	Nav       []NavItem
	Person    Person
	Crumbs    []Crumb
	Flash     *Flash
	Query     string
	Here      string // the address of this page, to come back to
	Now       time.Time
	Refresh   int // seconds after which a browser without scripts asks again; 0 is never
}

// Workspace is a place to work in.
type Workspace struct{ Slug, Name string }

// Path is an address inside the workspace.
func (p *Page) Path(rest string) string { return "/w/" + p.Workspace.Slug + rest }

// NavItem is one line of the side bar.
type NavItem struct {
	Label, Href, Icon, Count, Group, Key string
	Current                              bool
}

// Person is who is signed in.
type Person struct{ Name, Email, Initials string }

// Crumb is one step of the way to this page; the last has no address.
type Crumb struct{ Label, Href string }

// Flash is said once, after something was done.
type Flash struct {
	Text string
	Bad  bool
	Undo string // an address
}

// groups gives the nav items in their groups.
func (p *Page) groups() [][]NavItem {
	var groups [][]NavItem
	for _, n := range p.Nav {
		if last := len(groups) - 1; last >= 0 && groups[last][0].Group == n.Group {
			groups[last] = append(groups[last], n)
			continue
		}
		groups = append(groups, []NavItem{n})
	}
	return groups
}

func themeIcon(theme string) string {
	switch theme {
	case "light":
		return "sun"
	case "dark":
		return "moon"
	}
	return "auto"
}

func flashRole(f *Flash) string {
	if f.Bad {
		return "alert"
	}
	return "status"
}

func pressed(on bool) string {
	if on {
		return "true"
	}
	return "false"
}
