package finding

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"muster/internal/database"
)

// maxTerms bounds a search, and mostHits is how many hits are read and sorted; of more the search is broad.
const (
	maxTerms = 8
	mostHits = 2500
)

// searched are the terms that a search looks for.
func searched(text string) []string {
	terms := SearchTerms(text)
	return terms[:min(len(terms), maxTerms)]
}

// hits is what the index of words says to a search, whatever workspace the findings are of.
type hits struct {
	ids  []int64
	many bool     // there are more: the list is walked in its own order, where enough of them come early
	left []string // the terms that the findings still have to be asked for
}

// hits looks for findings that have words beginning with each of the terms. Where there are many, the index would have to
// read and sort them all to name the most urgent, so it is asked no further than it takes to know how many there are: for
// whole words, which it finds one by one, then for the longest term, then for all.
func (s *Service) hits(ctx context.Context, text string) (hits, error) {
	terms := searched(text)
	if len(terms) == 0 {
		return hits{}, nil
	}
	ids, err := s.find(ctx, terms, "")
	if err != nil || len(ids) > mostHits {
		return hits{ids: ids, many: true, left: terms}, err
	}
	longest := slices.MaxFunc(terms, func(a, b string) int { return len(a) - len(b) })
	if ids, err = s.find(ctx, []string{longest}, "*"); err != nil || len(ids) <= mostHits {
		return hits{ids: ids, left: slices.DeleteFunc(slices.Clone(terms), func(t string) bool { return t == longest })}, err
	}
	if len(terms) > 1 {
		if ids, err = s.find(ctx, terms, "*"); err != nil || len(ids) <= mostHits {
			return hits{ids: ids}, err
		}
	}
	return hits{ids: ids, many: true, left: terms}, nil
}

// find asks the index for findings that have all of the words, or with a star words that begin so.
func (s *Service) find(ctx context.Context, words []string, star string) ([]int64, error) {
	question, match := "SELECT rowid FROM finding_words WHERE finding_words MATCH ? LIMIT ?", `"`+strings.Join(words, `"`+star+` "`)+`"`+star
	if s.db.Engine == database.Postgres { // planned by itself, so that the limit does not talk the planner out of the index
		question = "WITH hits AS MATERIALIZED (SELECT id FROM findings WHERE to_tsvector('simple', search) @@ to_tsquery('simple', ?)) SELECT id FROM hits LIMIT ?"
		if star != "" {
			star = ":*"
		}
		match = strings.Join(words, star+" & ") + star
	}
	ids := []int64{}
	if err := s.db.Conn(ctx).Raw(question, match, mostHits+1).Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("search findings: %w", err)
	}
	return ids, nil
}

// holding narrows to findings with a word that begins with each of the terms. It reads the words themselves, which are
// kept in lower case with one space between them, and no index.
func (s *Service) holding(q database.Query[Finding], terms []string) database.Query[Finding] {
	condition := "instr(' ' || search, ?) > 0"
	if s.db.Engine == database.Postgres {
		condition = "strpos(' ' || search, ?) > 0"
	}
	for _, t := range terms {
		q = q.Where(condition, " "+t)
	}
	return q
}
