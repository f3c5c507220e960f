package kit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference says in words what the log keeps as two JSON objects.
func Difference(before, after string) string { return strings.Join(Changes(before, after), "; ") }

// Changes is Difference, a line for each field. A field that says nothing, such as a count of none, has no line.
func Changes(before, after string) []string {
	old, now := map[string]any{}, map[string]any{}
	if json.Unmarshal([]byte(before), &old) != nil {
		old = map[string]any{}
	}
	if json.Unmarshal([]byte(after), &now) != nil {
		now = map[string]any{}
	}
	var parts []string
	for _, key := range keys(old, now) {
		word := strings.ReplaceAll(key, "_", " ")
		o, had := old[key]
		n, has := now[key]
		switch {
		case had && has:
			parts = append(parts, fmt.Sprintf("%s: %s → %s", word, plain(o), plain(n)))
		case had:
			parts = append(parts, fmt.Sprintf("%s: was %s", word, plain(o)))
		case plain(n) != "" && plain(n) != "–" && plain(n) != "0":
			parts = append(parts, fmt.Sprintf("%s: %s", word, plain(n)))
		}
	}
	return parts
}

// keys are those of both objects, in a fixed order.
func keys(a, b map[string]any) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// plain writes a JSON value for people.
func plain(v any) string {
	switch x := v.(type) {
	case nil:
		return "–"
	case string:
		if x == "" {
			return "–"
		}
		return x
	case []any:
		var parts []string
		for _, e := range x {
			parts = append(parts, plain(e))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if n, ok := x[k].(float64); ok && n == 0 {
				continue
			}
			parts = append(parts, k+" "+plain(x[k]))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}
