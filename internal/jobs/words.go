package jobs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Words says the rhythm as people do: "every day at 03:00 in Europe/Berlin".
func (r Rhythm) Words() string {
	f := strings.Fields(r.Spec)
	when := r.timeWords(f)
	day := r.dayWords(f)
	var text string
	switch {
	case strings.HasPrefix(when, "at "):
		text = day + " " + when
	case day == "every day":
		text = when
	default:
		text = when + ", " + day
	}
	return text + " in " + r.Zone
}

// bits lists the numbers of a field.
func bits(field uint64, low, high int) []int {
	var list []int
	for i := low; i <= high; i++ {
		if field&(1<<i) != 0 {
			list = append(list, i)
		}
	}
	return list
}

// timeWords says the minutes and hours.
func (r Rhythm) timeWords(f []string) string {
	hours, mins := bits(r.fields.Hour, 0, 23), bits(r.fields.Minute, 0, 59)
	everyHour := len(hours) == 24
	if everyHour {
		if step := even(mins, 60); step > 0 {
			return "every " + count(step, "minute")
		}
		if len(mins) == 1 && mins[0] == 0 {
			return "every hour"
		}
		return "every hour at " + list(mins, func(m int) string { return "minute " + strconv.Itoa(m) })
	}
	if step := even(hours, 24); step > 1 && len(mins) == 1 {
		if mins[0] == 0 {
			return "every " + count(step, "hour")
		}
		return fmt.Sprintf("every %s at minute %d", count(step, "hour"), mins[0])
	}
	if len(hours)*len(mins) <= 6 {
		var times []string
		for _, h := range hours {
			for _, m := range mins {
				times = append(times, fmt.Sprintf("%02d:%02d", h, m))
			}
		}
		return "at " + join(times)
	}
	if step := even(mins, 60); step > 0 {
		return fmt.Sprintf("every %s in the hours %s", count(step, "minute"), f[1])
	}
	return fmt.Sprintf("in the hours %s at the minutes %s", f[1], f[0])
}

// even is the step of numbers that begin at 0 and go round evenly; 0 when they do not.
func even(list []int, round int) int {
	if len(list) < 2 || list[0] != 0 || round%len(list) != 0 {
		return 0
	}
	step := round / len(list)
	for i, n := range list {
		if n != i*step {
			return 0
		}
	}
	return step
}

// dayWords says the days and months.
func (r Rhythm) dayWords(f []string) string {
	days, months, week := bits(r.fields.Dom, 1, 31), bits(r.fields.Month, 1, 12), bits(r.fields.Dow, 0, 6)
	anyDay, anyMonth, anyWeek := len(days) == 31, len(months) == 12, len(week) == 7
	in := ""
	if !anyMonth {
		in = " in " + list(months, func(m int) string { return time.Month(m).String() })
	}
	switch {
	case anyDay && anyWeek && anyMonth:
		return "every day"
	case anyDay && anyWeek:
		return "every day" + in
	case anyDay:
		return weekWords(week) + in
	case anyWeek && len(days) == 1 && len(months) == 1:
		return fmt.Sprintf("every year on %d %s", days[0], time.Month(months[0]))
	case anyWeek && len(days) == 1 && !anyMonth:
		return "on " + list(months, func(m int) string { return fmt.Sprintf("%d %s", days[0], time.Month(m)) })
	case anyWeek && anyMonth && len(days) == 1:
		return "every month on day " + strconv.Itoa(days[0])
	case anyWeek:
		return "on the days " + f[2] + " of " + monthWords(anyMonth, in)
	}
	return fmt.Sprintf("on the days %s of the month and on every %s, in %s", f[2], list(week, weekday), monthWords(anyMonth, in))
}

func monthWords(every bool, in string) string {
	if every {
		return "every month"
	}
	return strings.TrimPrefix(in, " in ")
}

func weekday(d int) string { return time.Weekday(d).String() }

func weekWords(week []int) string {
	switch fmt.Sprint(week) {
	case "[1 2 3 4 5]":
		return "on weekdays"
	case "[0 6]":
		return "at weekends"
	}
	return "every " + list(week, weekday)
}

func list(numbers []int, word func(int) string) string {
	var words []string
	for _, n := range numbers {
		words = append(words, word(n))
	}
	return join(words)
}

func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func count(n int, what string) string {
	if n == 1 {
		return what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
