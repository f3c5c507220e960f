package finding

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// TraitKind is what of a row a rule of assignment looks at.
type TraitKind string

// The kinds, in the order in which they are asked.
const (
	ByLabel      TraitKind = "label"      // the report's own word, whole
	ByImage      TraitKind = "image"      // a container image, without tag and digest
	ByRepository TraitKind = "repository" // where the code lives
	ByPath       TraitKind = "path"       // the file
)

// TraitKinds lists them.
func TraitKinds() []TraitKind { return []TraitKind{ByLabel, ByImage, ByRepository, ByPath} }

// Traits are what a row says of the thing that it is about.
type Traits struct{ Label, Image, Repository, Path string }

// of is what a kind looks at.
func (t *Traits) of(by TraitKind) string {
	return map[TraitKind]string{ByLabel: t.Label, ByImage: t.Image, ByRepository: t.Repository, ByPath: t.Path}[by]
}

// Assignments say whose rows are.
type Assignments []Rule

// Of gives the rule that says whose a row is, nil for none: a label before an image before a repository before a path;
// of one kind the longest pattern, because it says most, and then the newest.
func (a Assignments) Of(t Traits) *Rule {
	for _, by := range TraitKinds() {
		word := plainWord(by, t.of(by))
		if word == "" {
			continue
		}
		var best *Rule
		for i := range a {
			r := &a[i]
			if r.MatchBy == by && r.fits(word) && (best == nil || cmp.Or(cmp.Compare(len(r.Label), len(best.Label)), cmp.Compare(r.ID, best.ID)) > 0) {
				best = r
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// plainWord is a word as patterns compare it: an image without tag and digest, a repository without scheme and ending.
func plainWord(by TraitKind, word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	switch by {
	case ByImage:
		word, _, _ = strings.Cut(word, "@")
		if colon := strings.LastIndexByte(word, ':'); colon > strings.LastIndexByte(word, '/') {
			word = word[:colon]
		}
	case ByRepository:
		if _, rest, found := strings.Cut(word, "://"); found {
			word = rest
		}
		if rest, ssh := strings.CutPrefix(word, "git@"); ssh {
			word = strings.Replace(rest, ":", "/", 1)
		}
		word = strings.TrimSuffix(strings.TrimSuffix(word, "/"), ".git")
	case ByPath:
		word = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(word, `\`, "/"), "./"), "/"), "/")
	case ByLabel:
	}
	return word
}

// fits reports whether a plain word is what the rule names: as a whole, or a path below it, or by a * for anything.
func (r *Rule) fits(word string) bool {
	switch {
	case strings.Contains(r.Label, "*"):
		return wild(r.Label, word)
	case r.MatchBy == ByPath:
		return word == r.Label || strings.HasPrefix(word, r.Label+"/")
	}
	return word == r.Label
}

// wild compares a word with a pattern in which * stands for anything, in time that is linear for each star.
func wild(pattern, word string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(word, first) || !strings.HasSuffix(word[len(first):], last) {
		return false
	}
	word = word[len(first) : len(word)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(word, p)
		if i < 0 {
			return false
		}
		word = word[i+len(p):]
	}
	return true
}

// maxRules is how many rules of assignment may be in use.
const maxRules = 1000

// RulePage is one page of the rules in use.
type RulePage struct {
	Rows  []Rule
	Total int64
}

// Assignments gives the rules in use, for an import.
func (s *Service) Assignments(ctx context.Context) (Assignments, error) {
	rules, err := s.liveRules(ctx)
	return rules, err
}

// ListRules lists the rules in use, those of one sort together.
func (s *Service) ListRules(ctx context.Context, actor access.Actor, page int) (RulePage, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return RulePage{}, err
	}
	if _, limited := limitedTo(ctx); limited {
		return RulePage{}, nil
	}
	return s.rulePage(ctx, min(max(page, 1), maxRules))
}

// NewRule is what somebody says about whose rows are.
type NewRule struct {
	By       TraitKind
	Pattern  string
	Replaces int64 // the rule that it corrects
}

// Check tidies a rule and says what is wrong with it.
func (n *NewRule) Check() error {
	f := fault.Fields{}
	n.Pattern = plainWord(n.By, n.Pattern)
	if !slices.Contains(TraitKinds(), n.By) {
		f.Add("by", "Choose what the rule looks at.")
	}
	switch {
	case strings.Trim(n.Pattern, "*/ ") == "":
		f.Add("pattern", "Name what the rows have in common; * stands for anything, but not alone.")
	case utf8.RuneCountInString(n.Pattern) > 200:
		f.Add("pattern", "Keep it under 200 characters.")
	case strings.Count(n.Pattern, "*") > 5:
		f.Add("pattern", "Use at most five stars.")
	}
	return f.Err()
}

// AddRule says whose rows are from now on, and gives the service what is nobody's yet. It gives the services it touched.
func (s *Service) AddRule(ctx context.Context, actor access.Actor, n NewRule, to *inventory.Service) ([]int64, error) {
	if err := s.access.Require(actor, access.Write, access.Findings); err != nil {
		return nil, err
	}
	if err := n.Check(); err != nil {
		return nil, err
	}
	return []int64{to.ID}, s.db.InTx(ctx, func(ctx context.Context) error {
		if n.Replaces != 0 {
			if err := s.closeRule(ctx, actor, n.Replaces); err != nil {
				return err
			}
		}
		rules, err := s.liveRules(ctx)
		if err != nil {
			return err
		}
		if len(rules) >= maxRules {
			return fault.Field("pattern", fmt.Sprintf("There are %d rules already; a pattern with * can take the place of many.", maxRules))
		}
		if slices.ContainsFunc(rules, func(r Rule) bool { return r.MatchBy == n.By && r.Label == n.Pattern }) {
			return fault.Field("pattern", "There is a rule for this already; change that one.")
		}
		return s.keepRule(ctx, actor, &Rule{MatchBy: n.By, Label: n.Pattern}, to)
	})
}

// keepRule stores a rule and gives its service what is nobody's yet and fits.
func (s *Service) keepRule(ctx context.Context, actor access.Actor, r *Rule, to *inventory.Service) error {
	r.ServiceID, r.ActorID, r.ActorName, r.CreatedAt = to.ID, actor.UserID, actor.Name, s.db.Now(ctx)
	if err := database.Insert(ctx, s.db, "assignment", r); err != nil {
		return err
	}
	rows, err := s.nobodys(ctx)
	if err != nil {
		return err
	}
	var ids []int64
	for i := range rows {
		if f := &rows[i]; (Assignments{*r}).Of(Traits{Label: f.Label, Image: f.Label, Repository: f.Label, Path: f.Path}) != nil {
			ids = append(ids, f.ID)
		}
	}
	why := fmt.Sprintf("said that it belongs to %s, by the rule %s %s", to.Name, r.MatchBy, r.Label)
	if err := s.give(ctx, actor, ids, to.ID, why); err != nil {
		return err
	}
	return s.log.Record(ctx, actor, activity.Change{Action: "finding.assign", Kind: "service", ID: to.ID, Name: to.Name, After: map[string]any{string(r.MatchBy): r.Label, "findings": len(ids)}})
}

// EndRule ends a rule: rows of later reports are met without it, and what it gave stays.
func (s *Service) EndRule(ctx context.Context, actor access.Actor, id int64) error {
	if err := s.access.Require(actor, access.Write, access.Findings); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error { return s.closeRule(ctx, actor, id) })
}

func (s *Service) closeRule(ctx context.Context, actor access.Actor, id int64) error {
	r, found, err := s.ruleByID(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		return fault.Missing("rule")
	}
	if err := s.endRule(ctx, id); err != nil {
		return err
	}
	return s.log.Record(ctx, actor, activity.Change{Action: "finding.unassign", Kind: "service", ID: r.ServiceID, Name: r.Label, Before: map[string]any{string(r.MatchBy): r.Label}})
}
