package finding

import (
	"fmt"
	"slices"
	"strings"
)

// Place is what a finding's service adds to its weight.
type Place struct {
	Name        string
	Tier        int
	Exposure    string   // public, partner, internal, unknown
	DataClasses []string // empty is not classified
	Exists      bool     // false for what is nobody's yet
}

// Reason is one line of a priority: the points it adds and why.
type Reason struct {
	Points int    `json:"points"`
	Words  string `json:"words"`
}

// The weights of a priority. The most of each line add up to 100:
// severity 50, known exploitation 20, probability of exploitation 10, exposure 10, tier 5, data 5.
var severityPoints = map[Severity]int{Critical: 50, High: 38, Medium: 25, Low: 12, Info: 3}

// Prioritise adds up how urgent a finding is, with the reason for each point.
func Prioritise(f *Finding, p Place) (int, []Reason) {
	reasons := []Reason{{severityPoints[f.Severity], "severity " + string(f.Severity)}}
	add := func(points int, words string) {
		if points > 0 {
			reasons = append(reasons, Reason{points, words})
		}
	}
	if f.Exploited {
		add(20, "known to be exploited")
	}
	if f.EPSS != nil {
		words := fmt.Sprintf("%.1f %% likely to be exploited within 30 days (EPSS)", 100**f.EPSS)
		switch {
		case *f.EPSS >= 0.5:
			add(10, words)
		case *f.EPSS >= 0.1:
			add(6, words)
		case *f.EPSS >= 0.01:
			add(2, words)
		}
	}
	if p.Exists {
		placePoints(p, add)
	}
	total := 0
	for _, r := range reasons {
		total += r.Points
	}
	return total, reasons
}

func placePoints(p Place, add func(int, string)) {
	switch p.Exposure {
	case "public":
		add(10, p.Name+" can be reached from the Internet")
	case "partner":
		add(5, p.Name+" can be reached by partners")
	case "internal":
	default:
		add(5, "nobody said who can reach "+p.Name)
	}
	switch p.Tier {
	case 1:
		add(5, p.Name+" is tier 1, critical")
	case 2:
		add(3, p.Name+" is tier 2")
	}
	switch has := func(c string) bool { return slices.Contains(p.DataClasses, c) }; {
	case has("payment") || has("health") || has("credentials"):
		add(5, p.Name+" holds "+strings.Join(p.DataClasses, ", ")+" data")
	case has("personal"):
		add(3, p.Name+" holds personal data")
	case len(p.DataClasses) == 0:
		add(2, "nobody said which data "+p.Name+" holds")
	}
}
