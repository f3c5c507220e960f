package ui

import "github.com/a-h/templ"

// attributes are those that a field has only sometimes.
func attributes(in Input) templ.Attributes {
	a := templ.Attributes{}
	put := func(key, value string) {
		if value != "" {
			a[key] = value
		}
	}
	put("autocomplete", in.Autocomplete)
	put("inputmode", in.Mode)
	put("placeholder", in.Placeholder)
	put("aria-describedby", describedBy(in.ID, in.Hint, in.Error))
	if len(in.Suggest) > 0 {
		a["list"] = in.ID + "-l"
	}
	if in.Error != "" {
		a["aria-invalid"] = "true"
	}
	if in.Required {
		a["required"] = true
	}
	if in.Focus {
		a["autofocus"] = true
	}
	return a
}

func selectAttributes(c Choice) templ.Attributes {
	a := templ.Attributes{}
	if by := describedBy(c.ID, c.Hint, c.Error); by != "" {
		a["aria-describedby"] = by
	}
	if c.Error != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

func current(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}
