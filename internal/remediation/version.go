package remediation

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// version is a version whose order is known: numbers with dots, and what comes before a release.
type version struct {
	numbers []int
	before  []string // of a pre-release, as semantic versioning writes it
}

// semantic are the ecosystems whose versions are semantic ones; elsewhere only plain numbers have a known order here.
var semantic = []string{"npm", "cargo", "golang", "hex", "pub", "swift"}

// readVersion reads a version; ok is false where its order is not known.
func readVersion(ecosystem, text string) (v version, ok bool) {
	text = strings.TrimPrefix(text, "v")
	if slices.Contains(semantic, ecosystem) {
		text, _, _ = strings.Cut(text, "+")
		var pre string
		var has bool
		if text, pre, has = strings.Cut(text, "-"); has {
			v.before = strings.Split(pre, ".")
			if slices.Contains(v.before, "") {
				return v, false
			}
		}
	}
	for _, part := range strings.Split(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || part[0] == '+' {
			return v, false
		}
		v.numbers = append(v.numbers, n)
	}
	return v, true
}

// compare orders two versions.
func (v version) compare(o version) int {
	for i := range max(len(v.numbers), len(o.numbers)) {
		if c := cmp.Compare(at(v.numbers, i), at(o.numbers, i)); c != 0 {
			return c
		}
	}
	switch {
	case len(v.before) == 0 && len(o.before) == 0:
		return 0
	case len(v.before) == 0:
		return 1
	case len(o.before) == 0:
		return -1
	}
	for i := range min(len(v.before), len(o.before)) {
		if c := comparePart(v.before[i], o.before[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(v.before), len(o.before))
}

func at(l []int, i int) int {
	if i < len(l) {
		return l[i]
	}
	return 0
}

// comparePart orders parts of pre-releases: numbers by value and before words, words by their letters.
func comparePart(a, b string) int {
	x, xs := strconv.Atoi(a)
	y, ys := strconv.Atoi(b)
	switch {
	case xs == nil && ys == nil:
		return cmp.Compare(x, y)
	case xs == nil:
		return -1
	case ys == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// sameLine reports whether two versions differ in no more than their last number.
func (v version) sameLine(o version) bool {
	return len(v.numbers) > 1 && len(v.numbers) == len(o.numbers) && slices.Equal(v.numbers[:len(v.numbers)-1], o.numbers[:len(o.numbers)-1])
}

// fixVersions are the versions that a report names as fixes; several are of several lines.
func fixVersions(text string) []string {
	var list []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '|' || r == ';' }) {
		part = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(part), ">="))
		if part != "" && !strings.ContainsAny(part, " <>=~^*") && !slices.Contains(list, part) {
			list = append(list, part)
		}
	}
	return list
}

// heals reports whether an upgrade to a version closes what a fix is named for. Of several lines of versions, the
// upgrade must reach the last, or stay in the line of one of them: another line may be without the fix. Where the order
// is not known, only the very version heals.
func heals(ecosystem, to, fix, installed string) bool {
	v, known := readVersion(ecosystem, to)
	if now, ok := readVersion(ecosystem, installed); ok && known && v.compare(now) < 0 {
		return false // nobody goes back
	}
	fixes := fixVersions(fix)
	if slices.Contains(fixes, to) {
		return true
	}
	if !known || len(fixes) == 0 {
		return false
	}
	highest, all := version{}, true
	for i, text := range fixes {
		f, ok := readVersion(ecosystem, text)
		if !ok {
			all = false
			continue
		}
		if v.compare(f) >= 0 && v.sameLine(f) && len(v.before) == 0 {
			return true
		}
		if i == 0 || f.compare(highest) > 0 {
			highest = f
		}
	}
	return all && v.compare(highest) >= 0
}
