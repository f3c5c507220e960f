package control

import "slices"

// Worth is what a state is worth in a score, for the pages that explain it.
type Worth struct {
	Words string
	Value float64
}

// Worths lists the values of the states, best first.
func Worths() []Worth {
	return []Worth{
		{"verified: a machine has shown it, and the evidence is in date", valueVerified},
		{"attested, where only people can know", valueAttested},
		{"attested, where a machine could check it", valueAttestedCould},
		{"stale: the evidence has run out", valueStale},
		{"unknown or failing", 0},
	}
}

// Flags lists the yes-or-no facts that a rule may ask for.
func Flags() []string { return slices.Clone(flags) }
