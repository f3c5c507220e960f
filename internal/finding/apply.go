package finding

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// settle makes everything that follows from a finding's facts true: severity, priority, due date, words for search.
// shorten says that a date may only come nearer: a report never gives anybody more time.
func settle(f *Finding, at Place, p Policy, now time.Time, shorten bool) {
	f.Severity = cmp.Or(f.AssessedSeverity, f.ReportedSeverity)
	var reasons []Reason
	f.Priority, reasons = Prioritise(f, at)
	f.Reasons = text(reasons)
	due, hard, words := p.Due(f, at, now)
	if !shorten || f.DueAt == nil || due != nil && due.Before(*f.DueAt) {
		f.DueAt, f.HardDueAt, f.DueWords = due, hard, words
	}
	f.Search = searchWords(f)
}

// maxSearch bounds what is searched of one finding.
const maxSearch = 400

// searchWords is a finding as one searches it: letters and digits, lower case, each word once.
func searchWords(f *Finding) string {
	seen := map[string]bool{}
	var b strings.Builder
	for _, t := range []string{f.Aliases, f.Package, f.Title, f.Rule, f.Path, f.Resource, f.Endpoint, f.Label} {
		for _, w := range SearchTerms(t) {
			if !seen[w] && b.Len()+len(w) < maxSearch {
				seen[w] = true
				b.WriteString(w)
				b.WriteByte(' ')
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// SearchTerms splits a text as the search does.
func SearchTerms(t string) []string {
	return strings.FieldsFunc(strings.ToLower(t), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// opened makes a finding of a row that matches none.
func opened(r *Row, now time.Time) Finding {
	f := Finding{ServiceID: r.ServiceID, Kind: r.Kind, State: Open, FirstSeen: now, OpenedAt: now, Version: 1, UpdatedAt: now, Policy: Shipped().Version,
		Places: "[]", Refs: "[]", Ratings: "[]", ReportedSeverity: r.Severity, PublishedAt: r.PublishedAt, Clock: text([]Segment{{Kind: Running, From: now}})}
	if r.ServiceID == 0 {
		f.Label = r.Label
	}
	absorb(&f, r)
	return f
}

// absorb takes over what a row says. Identifiers and places are only ever added; texts that are empty change nothing.
func absorb(f *Finding, r *Row) {
	if len(r.IDs) > 0 {
		all := set(append(fields(f.Aliases), spelled(r.IDs)...))
		slices.SortStableFunc(all, func(a, b string) int { return nameRank(a) - nameRank(b) })
		f.Aliases = strings.Join(all, " ")
		if names := identifiers(all, "", ""); len(names) == len(all) { // else it bundles several CVEs and keeps its own name
			f.Vulnerability = names[0]
		}
		f.Vulnerability = cmp.Or(f.Vulnerability, identifiers(r.IDs, "", "")[0])
	}
	f.Title = cmp.Or(r.Title, f.Title)
	f.Rule = cmp.Or(f.Rule, r.Rule)
	f.CWEs = joinNumbers(append(splitNumbers(f.CWEs), r.CWEs...))
	f.Package = cmp.Or(f.Package, r.Package)
	if f.PURL == "" && strings.HasPrefix(r.PURL, "pkg:") {
		f.PURL = PackageKey(r.PURL, "")
	}
	f.Installed = cmp.Or(r.Installed, f.Installed)
	f.FixVersion = cmp.Or(r.FixVersion, f.FixVersion)
	f.Path = cmp.Or(cleanPath(r.Path), f.Path)
	if r.Line > 0 {
		f.Line = r.Line
	}
	if len(r.Endpoints) > 0 {
		f.Endpoint = r.Endpoints[0].address()
	}
	f.Resource = cmp.Or(r.Resource, f.Resource)
	if added := set(append(f.PlaceList(), r.places...)); len(added) > 0 {
		f.Places = text(added[:min(len(added), maxPlaces)])
	}
	f.Description, f.Remediation = cmp.Or(r.Description, f.Description), cmp.Or(r.Remediation, f.Remediation)
	if len(r.References) > 0 {
		refs := set(append(f.RefList(), r.References...))
		f.Refs = text(refs[:min(len(refs), maxPlaces)])
	}
	if len(r.Ratings) > 0 {
		f.Ratings = text(r.Ratings)
	}
	f.Exploited = f.Exploited || r.Exploited
	if r.EPSS != nil {
		f.EPSS = r.EPSS
	}
	if f.PublishedAt == nil {
		f.PublishedAt = r.PublishedAt
	}
}

func spelled(ids []string) []string {
	var out []string
	for _, id := range ids {
		if id = advisoryName(id); id != "" && !strings.ContainsAny(id, " \t\n") {
			out = append(out, id)
		}
	}
	return out
}

func splitNumbers(s string) []int {
	var l []int
	for _, w := range fields(s) {
		if n, err := strconv.Atoi(w); err == nil {
			l = append(l, n)
		}
	}
	return l
}

func joinNumbers(l []int) string {
	var words []string
	for _, n := range set(l) {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, " ")
}

// CWEList lists the weakness classes.
func (f *Finding) CWEList() []int { return splitNumbers(f.CWEs) }

// AliasList lists every identifier.
func (f *Finding) AliasList() []string { return fields(f.Aliases) }

// known is what a decision rests on: when it changes for the worse, somebody has to look again.
type known struct {
	Severity  Severity `json:"severity"`
	Exploited bool     `json:"exploited"`
	Places    []string `json:"places"`
}

func knownOf(f *Finding) string {
	return text(known{f.Severity, f.Exploited, f.PlaceList()})
}

// changedSince says in words what became worse since a decision; "" is nothing.
func changedSince(f *Finding) string {
	if f.DecidedFacts == "" {
		return ""
	}
	then := one[known](f.DecidedFacts)
	var words []string
	if f.Severity.Worse(then.Severity) {
		words = append(words, "its severity rose from "+string(then.Severity)+" to "+string(f.Severity))
	}
	if f.Exploited && !then.Exploited {
		words = append(words, "it is known to be exploited now")
	}
	for _, p := range f.PlaceList() {
		if !slices.Contains(then.Places, p) && len(then.Places) < maxPlaces {
			words = append(words, "it shows in a new place, "+p)
			break
		}
	}
	return strings.Join(words, "; ")
}

// enter moves a finding to a state; the caller asked the table. Everything that a state brings with it happens here.
func enter(f *Finding, to State, by Layer, actor int64, now time.Time) {
	from := f.State
	f.State = to
	clock := list[Segment](f.Clock)
	switch {
	case to == Accepted:
		clock = turn(clock, Paused, now, "accepted by an exception")
	case to.Todo() && (from == Fixed || from == Closed):
		f.ReopenCount++
		f.ReopenedAt, f.FixedAt, f.ClosedAt = &now, nil, nil
		clock = turn(clock, Restarted, now, "it came back")
	case to.Todo():
		clock = turn(clock, Running, now, "")
	default:
		clock = turn(clock, Stopped, now, "")
	}
	f.Clock = text(clock)
	switch to {
	case Fixed:
		f.FixedAt, f.ClosedAt = &now, nil
	case Closed:
		f.ClosedAt = &now
		if f.FixedAt == nil {
			f.FixedAt = &now
		}
	case Open, Confirmed, InProgress, FalsePositive, NotAffected, Accepted, Duplicate, ReReview:
	}
	if to != Duplicate {
		f.DuplicateOf = 0
	}
	if to != Accepted {
		f.ExceptionID, f.AcceptedUntil = 0, nil
	}
	f.DecidedLayer, f.DecidedBy, f.DecidedFacts, f.Justification = by, actor, "", ""
	if to.Decided() {
		f.DecidedFacts = knownOf(f)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func joinWords(l []string) string { return strings.Join(set(l), " ") }

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}
