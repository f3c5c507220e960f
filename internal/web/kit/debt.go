package kit

import (
	"fmt"
	"strconv"

	"muster/internal/finding"
	"muster/views/ui"
)

// Debt is the card about findings over time; list gives the address of the findings list with more in its query.
func Debt(d *finding.Debt, list func(query string) string) *ui.Debt {
	bounded := func(n int64) string {
		if n > finding.CountedTo {
			return "1,000+"
		}
		return strconv.FormatInt(n, 10)
	}
	tone := func(n int64, bad ui.Tone) ui.Tone {
		if n == 0 {
			return ""
		}
		return bad
	}
	v := &ui.Debt{Figures: []ui.Figure{
		{N: strconv.FormatInt(d.Open, 10), Label: "wait for work", Href: list("")},
		{N: bounded(d.Overdue), Label: "overdue", Href: list("overdue=1"), Tone: tone(d.Overdue, ui.Bad)},
		{N: bounded(d.Exploited), Label: "known to be exploited", Href: list("exploited=1"), Tone: tone(d.Exploited, ui.Bad)},
	}}
	for _, w := range d.Weeks {
		v.Weeks = append(v.Weeks, ui.DebtWeek(w))
	}
	v.Words = "Nothing waits."
	if d.Open > 0 {
		v.Words = fmt.Sprintf("Half of what waits is %s old or older, the oldest %s.", ui.Plural(d.MedianAge, "day", "days"), ui.Plural(d.OldestAge, "day", "days"))
	}
	if d.Fixed > 0 {
		v.Words += fmt.Sprintf(" Of the %s fixed in these %d weeks, half took %s or less.", ui.Plural(int(d.Fixed), "finding", "findings"), len(d.Weeks), ui.Plural(d.MedianFix, "day", "days"))
	}
	return v
}
