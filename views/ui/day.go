package ui

import "github.com/a-h/templ"

// CurrentTrue marks the chosen one of several views of the same page.
func CurrentTrue(on bool) templ.Attributes {
	if !on {
		return nil
	}
	return templ.Attributes{"aria-current": "true"}
}
