package jobs

import (
	"time"

	"github.com/a-h/templ"
)

type timeOf = time.Time

// live makes the script listen for changes of what it marks.
func live(to string) templ.Attributes {
	if to == "" {
		return nil
	}
	return templ.Attributes{"data-live": to}
}
