package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Row is one weakness as a report tells of it.
type Row struct {
	ServiceID int64  // whose it is; 0 is nobody's yet
	Label     string // what the report calls the thing

	Kind         Kind
	Status       Status
	StatusReason string
	Title        string
	IDs          []string // the tool's own first, then aliases
	Rule         string
	CWEs         []int
	Ratings      []Rating
	EPSS         *float64
	Exploited    bool
	Severity     Severity
	SeverityFrom string
	ToolWord     string

	Package    string
	PURL       string
	Installed  string
	FixVersion string

	Path        string
	Line        int
	Snippet     string
	Fingerprint string
	SecretHash  string
	Resource    string
	Endpoints   []Endpoint
	OwnID       string // of what a person entered by hand
	Identity    string // what an export of Muster calls the finding; heard only where this workspace knows it

	PublishedAt *time.Time
	Occurrences int
	References  []string
	Description string
	Remediation string

	places []string // of all rows that were joined
	keys   []fact
}

// Endpoint is an address at which a weakness shows.
type Endpoint struct {
	Method, URL, Host, Path, Param string
	Port                           int
}

// address is how a place on the network is named for people.
func (e Endpoint) address() string {
	where := e.URL
	if where == "" {
		where = e.Host
		if e.Port > 0 {
			where += ":" + strconv.Itoa(e.Port)
		}
		where += e.Path
	}
	return strings.TrimSpace(e.Method + " " + where)
}

// Report is what one tool says of one scope.
type Report struct {
	Tool          string
	SourceID      int64
	EnvironmentID int64
	ScopeService  int64 // the service that the whole report is about; 0 where its rows name their own
	ImportID      int64
	Complete      bool
	Digest        string    // of the files
	SeenAt        time.Time // when the tool looked; zero is not known
	Aspects       []string  // what it looked for
	Rows          []Row     // what it says, where a Stream does not tell it
}

// Stream tells the rows of reports one by one, each with the number of its report. It tells the same each time: of a
// large report nobody has to hold all that it says.
type Stream func(each func(report int, r *Row) error) error

// streamOf tells the rows that reports hold.
func streamOf(reports []Report) Stream {
	return func(each func(int, *Row) error) error {
		for i := range reports {
			for k := range reports[i].Rows {
				r := reports[i].Rows[k]
				if err := each(i, &r); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// maxPlaces is how many places of one finding are kept; more help nobody.
const maxPlaces = 50

// join puts rows together that are the same weakness, so that each finding is met once. What any of them says openly
// wins over what another calls closed. The outcome does not depend on the order of the rows.
func join(rows []Row) []Row {
	for i := range rows {
		rows[i].keys = keysOf(&rows[i])
	}
	groups := group(len(rows), func(i int) []string {
		words := make([]string, 0, len(rows[i].keys))
		for _, k := range rows[i].keys {
			words = append(words, k.key)
		}
		return words
	})
	out := make([]Row, 0, len(groups))
	for _, g := range groups {
		out = append(out, joined(rows, g))
	}
	return out
}

// rejoin puts joined rows together that turn out to be of one finding, because it goes by all their names.
func rejoin(rows []Row, findings map[string]int64) []Row {
	groups := group(len(rows), func(i int) []string {
		var words []string
		for _, k := range rows[i].keys {
			if id, known := findings[k.key]; known {
				words = append(words, strconv.FormatInt(id, 10))
			}
		}
		return words
	})
	if len(groups) == len(rows) {
		return rows
	}
	out := make([]Row, 0, len(groups))
	for _, g := range groups {
		if len(g) == 1 {
			out = append(out, rows[g[0]])
		} else {
			out = append(out, joined(rows, g))
		}
	}
	return out
}

// group puts things together that share a word, directly or through others, in the order of their first.
func group[K comparable](n int, words func(int) []K) [][]int {
	parent := make([]int, n)
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	owner := make(map[K]int, n)
	for i := range n {
		parent[i] = i
		for _, w := range words(i) {
			if first, seen := owner[w]; seen {
				parent[root(i)] = root(first)
			} else {
				owner[w] = i
			}
		}
	}
	at := make(map[int]int, n)
	var groups [][]int
	for i := range n {
		r := root(i)
		k, known := at[r]
		if !known {
			k = len(groups)
			at[r] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups
}

// joined makes one row of a group.
func joined(rows []Row, group []int) Row {
	if len(group) == 1 {
		r := rows[group[0]]
		r.places = placesOf(&r)
		r.Occurrences = max(r.Occurrences, 1)
		return r
	}
	open := slices.ContainsFunc(group, func(i int) bool { return rows[i].Status == Reported })
	group = slices.DeleteFunc(slices.Clone(group), func(i int) bool { return open && rows[i].Status != Reported })
	slices.SortFunc(group, func(a, b int) int { return compareRows(&rows[a], &rows[b]) })
	r := rows[group[0]]
	r.Occurrences, r.places, r.IDs, r.CWEs, r.References, r.keys = 0, nil, nil, nil, nil, nil
	for _, i := range group {
		o := &rows[i]
		r.Occurrences += max(o.Occurrences, 1)
		if o.places == nil {
			o.places = placesOf(o)
		}
		r.places = append(r.places, o.places...)
		r.IDs, r.CWEs, r.References, r.keys = append(r.IDs, o.IDs...), append(r.CWEs, o.CWEs...), append(r.References, o.References...), append(r.keys, o.keys...)
		r.Exploited = r.Exploited || o.Exploited
		if o.EPSS != nil && (r.EPSS == nil || *o.EPSS > *r.EPSS) {
			r.EPSS = o.EPSS
		}
		r.FixVersion, r.Remediation, r.Description = cmp.Or(r.FixVersion, o.FixVersion), cmp.Or(r.Remediation, o.Remediation), cmp.Or(r.Description, o.Description)
	}
	r.places, r.References, r.CWEs = set(r.places), set(r.References), set(r.CWEs)
	r.places, r.References = r.places[:min(len(r.places), maxPlaces)], r.References[:min(len(r.References), maxPlaces)]
	slices.SortFunc(r.keys, func(a, b fact) int { return cmp.Compare(a.key, b.key) })
	r.keys = slices.CompactFunc(r.keys, func(a, b fact) bool { return a.key == b.key })
	return r
}

func compareRows(a, b *Row) int {
	return cmp.Or(rankOf(a.Severity)-rankOf(b.Severity), cmp.Compare(a.Path, b.Path), a.Line-b.Line, cmp.Compare(a.Installed, b.Installed), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Description, b.Description))
}

func set[T cmp.Ordered](l []T) []T {
	out := slices.Clone(l)
	slices.Sort(out)
	return slices.Compact(out)
}

// placesOf names where a row was seen, without what moves by itself: lines and versions.
func placesOf(r *Row) []string {
	var places []string
	if p := cleanPath(r.Path); p != "" {
		places = append(places, p)
	}
	for _, e := range r.Endpoints[:min(len(r.Endpoints), maxPlaces)] {
		places = append(places, e.address())
	}
	if r.Resource != "" && len(places) == 0 {
		places = append(places, r.Resource)
	}
	return set(places)
}

// factsOf is a hash of all that a row says, but for what differs from run to run.
func factsOf(r *Row) string {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			h.Write([]byte(p))
			h.Write([]byte{0})
		}
	}
	for _, k := range r.keys {
		put(k.key)
	}
	put(string(r.Status), r.StatusReason, r.Title, r.Rule, string(r.Severity), r.SeverityFrom, r.ToolWord, r.Installed, r.FixVersion, r.Description, r.Remediation, strconv.Itoa(r.Line), strconv.FormatBool(r.Exploited))
	if r.EPSS != nil {
		put(strconv.FormatFloat(*r.EPSS, 'f', 3, 64))
	}
	for _, c := range r.Ratings {
		put(c.Version, c.Vector, strconv.FormatFloat(c.Score, 'f', 1, 64))
	}
	put(r.places...)
	put(set(r.IDs)...)
	put(set(r.References)...)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
