package kit

import (
	"slices"
	"testing"

	"muster/internal/fault"
)

func TestMistakesAreListedInTheOrderOfTheForm(t *testing.T) {
	t.Parallel()
	wrong := fault.Fields{}
	for _, name := range []string{"zone", "tier", "age", "name"} {
		wrong.Add(name, "Look at "+name+".")
	}
	for range 50 { // a map has another order each time
		_, _, list, ok := Invalid(wrong.Err(), "name", "kind", "tier")
		if !ok {
			t.Fatal("not about a form")
		}
		var names []string
		for _, p := range list {
			names = append(names, p.Field)
		}
		if want := []string{"name", "tier", "age", "zone"}; !slices.Equal(names, want) {
			t.Fatalf("listed as %v, want %v", names, want)
		}
	}
}
