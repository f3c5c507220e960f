package imports

import (
	"github.com/a-h/templ"

	"muster/static"
)

func on(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"aria-current": "true"}
	}
	return nil
}

func icon(name string) string { return static.Path("icons.svg") + "#" + name }

func described(problem string) templ.Attributes {
	if problem == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": "f-files-e", "aria-invalid": "true"}
}

func problem(m Match) templ.Attributes {
	if m.Error == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": m.Field + "-e", "aria-invalid": "true"}
}

// opened shows few questions at once, and all of them where an answer was wrong.
func opened(list []Match) bool {
	for _, m := range list {
		if m.Error != "" {
			return true
		}
	}
	return len(list) <= 6
}

// live makes the script listen for changes of what it marks.
func live(to string) templ.Attributes { return templ.Attributes{"data-live": to} }
