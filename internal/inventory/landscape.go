package inventory

import (
	"context"
	"slices"
)

// Landscape is everything recorded that decides who can reach whom, of every environment.
type Landscape struct {
	Environments []Environment
	Services     []Service // in use, outside hosts too
	Teams        []Team
	Sources      []Source
	Bindings     []Binding    // live
	Endpoints    []Endpoint   // live
	Calls        []Dependency // live, of every kind and basis
	Operations   map[int64]int
	Imports      map[int64]Import // the newest that counts of each source, without its files' meaning
}

// Landscape reads it for the workflows that judge, inside their transaction. No limit on what a person may see applies:
// what a break-in reaches does not depend on who looks.
func (b *Book) Landscape(ctx context.Context) (*Landscape, error) { return b.loadLandscape(ctx) }

// Effective reads what the files of an import say.
func (b *Book) Effective(ctx context.Context, importID int64) ([]byte, error) {
	i, _, err := b.importByID(ctx, importID)
	return i.Effective, err
}

// Limit leaves only the services that the context is limited to, and what hangs on them.
func (l *Landscape) Limit(ctx context.Context) {
	ids, limited := visible(ctx)
	if !limited {
		return
	}
	hidden := func(id int64) bool { return !slices.Contains(ids, id) }
	l.Services = slices.DeleteFunc(l.Services, func(s Service) bool { return hidden(s.ID) })
	l.Bindings = slices.DeleteFunc(l.Bindings, func(x Binding) bool { return hidden(x.ServiceID) })
	l.Endpoints = slices.DeleteFunc(l.Endpoints, func(x Endpoint) bool { return hidden(x.ServiceID) })
	l.Calls = slices.DeleteFunc(l.Calls, func(x Dependency) bool { return hidden(x.FromID) || hidden(x.ToID) })
}
