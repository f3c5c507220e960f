package posture

// The caps of the workspace's score, by the caps of its tier 1 services.
var (
	capTier1Extreme = Cap{"tier_1_at_39", 69, "a tier 1 service is limited to 39"}
	capTier1High    = Cap{"tier_1_at_69", 79, "a tier 1 service is limited to 69"}
)

// Border is the score from which a grade is given.
type Border struct {
	Letter string
	From   int
}

// Explained is the arithmetic of the score in numbers, for the page that explains it.
type Explained struct {
	Version                    int
	Tiers                      [3]float64 // weights of tier 1, 2, 3
	Services, Governance       float64    // shares of the whole, 0 to 1
	RateFrom                   float64    // the coverage from which there is a grade
	Grades                     []Border   // best first
	ServiceCaps, WorkspaceCaps []Cap
}

// Explain gives the numbers of the formula.
func Explain() Explained {
	x := Explained{Version: Formula, Services: servicesShare, Governance: governanceShare, RateFrom: rateFrom,
		ServiceCaps: []Cap{capNotLooked, capExploited, capOverdueHigh, capOverdueExtreme}, WorkspaceCaps: []Cap{capTier1High, capTier1Extreme}}
	for i := range x.Tiers {
		x.Tiers[i] = TierWeight(i + 1)
	}
	for score := 100; score >= 0; score-- {
		letter := Grade(float64(score))
		if n := len(x.Grades); n > 0 && x.Grades[n-1].Letter == letter {
			x.Grades[n-1].From = score
		} else {
			x.Grades = append(x.Grades, Border{letter, score})
		}
	}
	return x
}
