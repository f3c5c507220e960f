package control

// NewRuleset is open to tests.
var NewRuleset = newRuleset

// Settled is open to tests.
var Settled = settled
