package remediation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/inventory"
)

// Gain is what a bundle closes.
type Gain struct {
	Findings, Critical, High, Medium, Low int
	Weight                                int // the sum of their priorities
}

// Worst is the severity of the worst of the findings.
func (g *Gain) Worst() finding.Severity {
	switch {
	case g.Critical > 0:
		return finding.Critical
	case g.High > 0:
		return finding.High
	case g.Medium > 0:
		return finding.Medium
	case g.Low > 0:
		return finding.Low
	}
	return finding.Info
}

func (g *Gain) add(o Gain) {
	g.Findings += o.Findings
	g.Critical += o.Critical
	g.High += o.High
	g.Medium += o.Medium
	g.Low += o.Low
	g.Weight += o.Weight
}

// need is findings that wait for the same upgrade on one service.
type need struct {
	purl, name, fix, installed string
	service                    int64
	Gain
}

// spot is findings of one rule on one service.
type spot struct {
	service    int64
	kind, rule string
	Gain
}

// fewest is in how many places a rule must be found before one fix for all of them is proposed.
const fewest = 3

// Bundle is one change that closes many findings.
type Bundle struct {
	Key      string // names it in a form
	Title    string
	PURL     string
	Package  string
	Version  string // what to upgrade to; "" for a rule
	Rule     string
	Kind     string
	Services []int64
	NoFix    int // more findings of the package, which no version fixes
	Gain
}

// the parts of a bundle's key are kept apart by what no package name holds.
const keySeparator = "\x1f"

// upgrades finds the fewest versions that close what waits for upgrades, package by package.
func upgrades(needs []need) []Bundle {
	type pkg struct{ purl, name string }
	byPackage := map[pkg][]need{}
	for _, n := range needs {
		k := pkg{n.purl, n.name}
		byPackage[k] = append(byPackage[k], n)
	}
	var all []Bundle
	for _, k := range slices.SortedFunc(maps.Keys(byPackage), func(a, b pkg) int { return cmp.Or(strings.Compare(a.purl, b.purl), strings.Compare(a.name, b.name)) }) {
		for left := byPackage[k]; len(left) > 0; {
			to, healed, rest := best(ecosystemOf(k.purl), left)
			if len(healed) == 0 {
				break
			}
			all = append(all, upgrade(k.purl, k.name, to, healed))
			left = rest
		}
	}
	return all
}

// best chooses the version that closes most, and of several the smallest.
func best(ecosystem string, needs []need) (to string, healed, rest []need) {
	most := 0
	for _, v := range candidates(needs) {
		n := 0
		for i := range needs {
			if heals(ecosystem, v, needs[i].fix, needs[i].installed) {
				n += needs[i].Findings
			}
		}
		if n > most || n == most && n > 0 && smaller(ecosystem, v, to) {
			to, most = v, n
		}
	}
	for i := range needs {
		if most > 0 && heals(ecosystem, to, needs[i].fix, needs[i].installed) {
			healed = append(healed, needs[i])
		} else {
			rest = append(rest, needs[i])
		}
	}
	return to, healed, rest
}

// maxCandidates bounds the versions of one package that are tried.
const maxCandidates = 200

func candidates(needs []need) []string {
	seen := map[string]bool{}
	for i := range needs {
		for _, v := range fixVersions(needs[i].fix) {
			seen[v] = true
		}
	}
	list := slices.Sorted(maps.Keys(seen))
	return list[:min(len(list), maxCandidates)]
}

func smaller(ecosystem, a, b string) bool {
	x, ok := readVersion(ecosystem, a)
	y, too := readVersion(ecosystem, b)
	if ok && too {
		return x.compare(y) < 0
	}
	return a < b
}

// ecosystemOf is where a package comes from; "" is not known.
func ecosystemOf(purl string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(purl, "pkg:"), "/")
	return kind
}

func upgrade(purl, name, to string, healed []need) Bundle {
	b := Bundle{Key: strings.Join([]string{"upgrade", purl, name, to}, keySeparator), PURL: purl, Package: name, Version: to}
	for i := range healed {
		b.Services = append(b.Services, healed[i].service)
		b.add(healed[i].Gain)
	}
	b.Services = unique(b.Services)
	b.Title = "Upgrade " + cmp.Or(name, purl) + " to " + to
	if len(b.Services) > 1 {
		b.Title += fmt.Sprintf(" in %d services", len(b.Services))
	}
	return b
}

func ruleBundle(p *spot) Bundle {
	return Bundle{Key: strings.Join([]string{"rule", fmt.Sprint(p.service), p.kind, p.rule}, keySeparator), Title: fmt.Sprintf("Fix %s in %d places", p.rule, p.Findings), Rule: p.rule, Kind: p.kind, Services: []int64{p.service}, Gain: p.Gain}
}

// MaxBundles is how many bundles a page shows.
const MaxBundles = 50

// Bundles proposes the changes that close most, and says how many there are in all. What an open task covers already
// counts no more. Of a bundle that touches services which the person may not see, only the visible part is proposed.
func (s *Service) Bundles(ctx context.Context, actor access.Actor) ([]Bundle, int, error) {
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return nil, 0, err
	}
	needs, err := s.needs(ctx)
	if err != nil {
		return nil, 0, err
	}
	spots, err := s.spots(ctx)
	if err != nil {
		return nil, 0, err
	}
	if ids, limited := inventory.VisibleIDs(ctx); limited {
		needs = slices.DeleteFunc(needs, func(n need) bool { return !slices.Contains(ids, n.service) })
		spots = slices.DeleteFunc(spots, func(p spot) bool { return !slices.Contains(ids, p.service) })
	}
	all := upgrades(needs)
	for i := range spots {
		all = append(all, ruleBundle(&spots[i]))
	}
	slices.SortStableFunc(all, func(a, b Bundle) int {
		return cmp.Or(b.Weight-a.Weight, b.Findings-a.Findings, strings.Compare(a.Title, b.Title))
	})
	shown := all[:min(len(all), MaxBundles)]
	return shown, len(all), s.noFix(ctx, shown)
}

// noFix adds how much of each package no version fixes. It is not said to people who see only some services.
func (s *Service) noFix(ctx context.Context, shown []Bundle) error {
	if _, limited := inventory.VisibleIDs(ctx); limited {
		return nil
	}
	var purls []string
	for i := range shown {
		if shown[i].PURL != "" {
			purls = append(purls, shown[i].PURL)
		}
	}
	unfixed, err := s.unfixed(ctx, purls)
	for i := range shown {
		shown[i].NoFix = unfixed[shown[i].PURL]
	}
	return err
}

// Gather makes the task that covers everything a bundle closes now.
func (s *Service) Gather(ctx context.Context, actor access.Actor, key string) (Task, error) {
	var t Task
	if err := s.access.Require(actor, access.Write, access.Tasks); err != nil {
		return t, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		d, err := s.bundled(ctx, key)
		if err != nil {
			return err
		}
		t, err = s.Create(ctx, actor, d)
		return err
	})
	return t, err
}

// bundled reads a bundle's key and what it closes now.
func (s *Service) bundled(ctx context.Context, key string) (Draft, error) {
	gone := fault.Field("bundle", "Nothing of this bundle is left: a task covers it already, or it was fixed meanwhile.")
	d := Draft{Fix: key}
	parts := strings.Split(key, keySeparator)
	var rows []wanted
	var err error
	var services []int64
	switch {
	case len(parts) == 4 && parts[0] == "upgrade":
		rows, err = s.ofPackage(ctx, parts[1], parts[2])
		rows = slices.DeleteFunc(rows, func(w wanted) bool {
			return !heals(ecosystemOf(parts[1]), parts[3], w.FixVersion, w.Installed)
		})
	case len(parts) == 4 && parts[0] == "rule":
		var service int64
		if _, err := fmt.Sscan(parts[1], &service); err != nil {
			return d, gone
		}
		rows, err = s.ofRule(ctx, service, parts[2], parts[3])
	default:
		return d, gone
	}
	if err != nil {
		return d, err
	}
	ids, limited := inventory.VisibleIDs(ctx)
	for _, w := range rows {
		if limited && !slices.Contains(ids, w.ServiceID) || len(d.Findings) == MaxItems {
			continue
		}
		d.Findings = append(d.Findings, w.ID)
		services = append(services, w.ServiceID)
	}
	if len(d.Findings) == 0 {
		return d, gone
	}
	if d.Title = fmt.Sprintf("Fix %s in %d places", parts[3], len(d.Findings)); parts[0] == "upgrade" {
		d.Title = "Upgrade " + cmp.Or(parts[2], parts[1]) + " to " + parts[3]
		if n := len(unique(services)); n > 1 {
			d.Title += fmt.Sprintf(" in %d services", n)
		}
	}
	d.Title = cut(d.Title, maxTitle)
	return d, nil
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// title proposes a task's name from what it covers.
func title(findings []finding.Finding, items []Item, names map[int64]service) string {
	var services []int64
	packages, fixes := map[string]bool{}, map[string]bool{}
	for i := range findings {
		packages[findings[i].Package], fixes[findings[i].FixVersion] = true, true
	}
	for i := range items {
		services = append(services, items[i].ServiceID)
	}
	where := ""
	if services = unique(services); len(services) == 1 && services[0] != 0 {
		where = " in " + names[services[0]].Name
	} else if len(services) > 1 {
		where = fmt.Sprintf(" in %d services", len(services))
	}
	var text string
	switch {
	case len(findings) == len(items) && len(packages) == 1 && len(fixes) == 1 && findings[0].Package != "" && len(fixVersions(findings[0].FixVersion)) == 1:
		text = "Upgrade " + findings[0].Package + " to " + fixVersions(findings[0].FixVersion)[0] + where
	case len(items) == 1:
		text = items[0].Title + where
	case len(findings) == len(items):
		text = fmt.Sprintf("Fix %d findings", len(items)) + where
	default:
		text = fmt.Sprintf("Put %d things right", len(items)) + where
	}
	return cut(text, maxTitle)
}
