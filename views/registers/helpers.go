package registers

import "fmt"

// anchor is where a link to one entry leads.
func anchor(r Row) string { return fmt.Sprintf("e-%d", r.ID) }
