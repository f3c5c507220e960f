package remediation

// Heals is heals, for its table of cases.
func Heals(ecosystem, to, fix, installed string) bool { return heals(ecosystem, to, fix, installed) }
