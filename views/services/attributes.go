package services

import "github.com/a-h/templ"

// sorted says by aria-sort how a column orders the table.
func sorted(order, column string) templ.Attributes {
	switch order {
	case column:
		return templ.Attributes{"aria-sort": "ascending"}
	case "-" + column:
		return templ.Attributes{"aria-sort": "descending"}
	}
	return nil
}
