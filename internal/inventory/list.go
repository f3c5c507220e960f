package inventory

import (
	"context"
	"strings"

	"muster/internal/access"
)

// Filter chooses and orders services.
type Filter struct {
	Text           string
	Exposure       string
	Tier           int
	TeamID         int64 // 0 any, -1 nobody
	DataClass      string
	Authentication string
	Encryption     string
	Kind           string
	Unconfirmed    bool
	Retired        bool // retired ones instead of those in use
	Sort           string
	Page           int // from 1
}

// PageSize is how many rows a list shows.
const PageSize = 50

// Page is one page of services.
type Page struct {
	Rows  []Service
	Total int64
	Page  int
}

// Pages is how many pages there are.
func (p Page) Pages() int { return max(1, int((p.Total+PageSize-1)/PageSize)) }

// List gives one page of services.
func (b *Book) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return Page{}, err
	}
	f.Page = min(max(f.Page, 1), 10_000)
	for _, text := range []*string{&f.Text, &f.Kind, &f.Exposure, &f.DataClass, &f.Authentication, &f.Encryption} {
		*text = searchable(*text)
	}
	rows, total, err := b.listServices(ctx, f)
	return Page{Rows: rows, Total: total, Page: f.Page}, err
}

// searchable makes a text of a request one that both engines can compare: PostgreSQL refuses a NUL and broken UTF-8.
func searchable(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200])
	}
	return text
}

// Group counts live services that share all of these values.
type Group struct {
	Kind           Kind
	Exposure       Exposure
	DataClasses    string
	Authentication string
	Encryption     string
	Tier           int
	Confirmed      bool
	Owned          bool
	N              int
}

// Overview is what the first page counts.
type Overview struct {
	Groups     []Group
	Transports map[string]int // live calls by transport
	Unresolved int64
	Calls      int64
}

// Overview counts the inventory in a few queries, however large it is.
func (b *Book) Overview(ctx context.Context, actor access.Actor) (Overview, error) {
	var o Overview
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return o, err
	}
	var err error
	if o.Groups, err = b.groups(ctx); err != nil {
		return o, err
	}
	if o.Transports, err = b.transports(ctx); err != nil {
		return o, err
	}
	for _, n := range o.Transports {
		o.Calls += int64(n)
	}
	o.Unresolved, err = b.countUnresolved(ctx)
	return o, err
}

// Search finds services by a part of their name or description.
func (b *Book) Search(ctx context.Context, actor access.Actor, text string) ([]Service, error) {
	p, err := b.List(ctx, actor, Filter{Text: text, Sort: "name"})
	return p.Rows, err
}

// Everyone lists the names of services in use, for forms that choose one.
func (b *Book) Everyone(ctx context.Context, actor access.Actor) ([]Service, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.allNames(ctx)
}
