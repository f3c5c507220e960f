package layout

import "github.com/a-h/templ"

func themeAttribute(theme string) templ.Attributes {
	if theme == "light" || theme == "dark" {
		return templ.Attributes{"data-theme": theme}
	}
	return nil
}

func currentPage(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}
