package tasks

import (
	"time"

	"github.com/a-h/templ"
)

func page(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

func day(at time.Time) string  { return at.UTC().Format(time.DateOnly) }
func long(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04 UTC") }
