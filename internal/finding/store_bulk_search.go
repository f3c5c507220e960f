package finding

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/database"
)

// maxTerms bounds a search.
const maxTerms = 8

// searched are the terms that a search looks for.
func searched(text string) []string {
	terms := SearchTerms(text)
	return terms[:min(len(terms), maxTerms)]
}

// hits asks the index of words which findings have words beginning with each of the terms, whatever workspace they are of.
// Where there are many, the index would have to read and sort them all to name the most urgent: the list is then walked
// in its own order, where enough of them come early.
func (s *Service) hits(ctx context.Context, text string) (ids []int64, many bool, err error) {
	terms := searched(text)
	if len(terms) == 0 {
		return nil, false, nil
	}
	question, words := "SELECT rowid FROM finding_words WHERE finding_words MATCH ? LIMIT ?", `"`+strings.Join(terms, `"* "`)+`"*`
	if s.db.Engine == database.Postgres { // planned by itself, so that a limit does not talk the planner out of the index
		question = "WITH hits AS MATERIALIZED (SELECT id FROM findings WHERE to_tsvector('simple', search) @@ to_tsquery('simple', ?)) SELECT id FROM hits LIMIT ?"
		words = strings.Join(terms, ":* & ") + ":*"
	}
	ids = []int64{}
	if err := s.db.Conn(ctx).Raw(question, words, searchCount+1).Scan(&ids).Error; err != nil {
		return nil, false, fmt.Errorf("search findings: %w", err)
	}
	return ids, len(ids) > searchCount, nil
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
