package jobs

import (
	"strings"
	"testing"
	"time"

	"muster/internal/fault"
)

func TestRhythmsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ spec, zone, field, says string }{
		"nothing":                            {"", "UTC", "spec", "Write five fields"},
		"four fields":                        {"0 3 * *", "UTC", "spec", "It has 4 fields"},
		"six fields":                         {"0 0 3 * * *", "UTC", "spec", "It has 6 fields"},
		"a zone in the text":                 {"TZ=0", "UTC", "spec", "Leave TZ= out"},
		"a zone before the fields":           {"CRON_TZ=Europe/Berlin 0 3 * * *", "UTC", "spec", "Leave TZ= out"},
		"a name":                             {"@daily", "UTC", "spec", "Names such as @daily"},
		"every nanosecond":                   {"@every 1ns", "UTC", "spec", "Names such as @daily"},
		"every minute":                       {"* * * * *", "UTC", "spec", "It would run twice within a minute"},
		"two neighbouring minutes":           {"0,4 3 * * *", "UTC", "spec", "It would run twice within 4 minutes"},
		"neighbours across midnight":         {"0,58 0,23 * * *", "UTC", "spec", "It would run twice within 2 minutes"},
		"neighbours across the month's turn": {"0,58 0,23 1,31 * *", "UTC", "spec", "It would run twice within 2 minutes"},
		"the 30th of February":               {"0 3 30 2 *", "UTC", "spec", "This day never comes"},
		"the 31st of April":                  {"0 3 31 4,6,9,11 *", "UTC", "spec", "This day never comes"},
		"an hour that is none":               {"0 25 * * *", "UTC", "spec", "It cannot be read"},
		"a step of nothing":                  {"*/0 * * * *", "UTC", "spec", "It cannot be read"},
		"a range backwards":                  {"0 9-5 * * *", "UTC", "spec", "It cannot be read"},
		"a long text":                        {strings.Repeat("1,", 200) + "1 * * * *", "UTC", "spec", "Keep it under"},
		"control characters":                 {"0\x003 * * * *", "UTC", "spec", "characters"},
		"no zone":                            {"0 3 * * *", "", "zone", "Name a time zone"},
		"this machine's zone":                {"0 3 * * *", "Local", "zone", "Name a time zone"},
		"a path":                             {"0 3 * * *", "../../etc/passwd", "zone", "Name a time zone"},
		"a zone that is none":                {"0 3 * * *", "Europe/Atlantis", "zone", "There is no time zone"},
	} {
		_, err := ParseRhythm(c.spec, c.zone)
		f, ok := fault.As(err)
		if !ok || f.Kind != fault.Invalid || !strings.Contains(f.Fields[c.field], c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRhythmsInWords(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"0 3 * * *":                   "every day at 03:00",
		"30 3,15 * * *":               "every day at 03:30 and 15:30",
		"0 8 * * 1-5":                 "on weekdays at 08:00",
		"0 8 * * 0,6":                 "at weekends at 08:00",
		"0 8 * * MON,WED":             "every Monday and Wednesday at 08:00",
		"*/15 * * * *":                "every 15 minutes",
		"0 * * * *":                   "every hour",
		"20 * * * *":                  "every hour at minute 20",
		"0 */6 * * *":                 "every 6 hours",
		"5 */6 * * *":                 "every 6 hours at minute 5",
		"0 4 1 * *":                   "every month on day 1 at 04:00",
		"0 8 1 1,4,7,10 *":            "on 1 January, 1 April, 1 July and 1 October at 08:00",
		"0 8 29 2 *":                  "every year on 29 February at 08:00",
		"0 8 1,15 * *":                "on the days 1,15 of every month at 08:00",
		"0 8 13 * 5":                  "on the days 13 of the month and on every Friday, in every month at 08:00",
		"0 8 */2 * 5":                 "on the days */2 of the month and on every Friday, in every month at 08:00",
		"*/10 8-17 * * 1-5":           "every 10 minutes in the hours 8-17, on weekdays",
		"0 8 * 6 *":                   "every day in June at 08:00",
		"7,17,37 0,3,6,9,12,15 * * *": "in the hours 0,3,6,9,12,15 at the minutes 7,17,37",
	} {
		r, err := ParseRhythm(spec, "Europe/Berlin")
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if got := r.Words(); got != want+" in Europe/Berlin" {
			t.Errorf("%s is %q, want %q", spec, got, want)
		}
	}
}

// moments gives the times of a rhythm between two moments.
func moments(t *testing.T, spec, zone, from, to string) []string {
	t.Helper()
	r, err := ParseRhythm(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	at, end := stamp(t, from), stamp(t, to)
	var list []string
	for {
		if at = r.Next(at); at.IsZero() || at.After(end) {
			return list
		}
		list = append(list, at.In(r.location).Format("02 15:04 -0700"))
	}
}

func stamp(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// What the clocks skip runs once when they have skipped it; what they show twice runs the first time.
func TestBothClockChangesInFiveZones(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spec, zone, from, to, want string }{
		{"Berlin skips 02:30", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "29 03:00 +0200|30 02:30 +0200"},
		{"Berlin shows 02:30 twice", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "25 02:30 +0200|26 02:30 +0100"},
		{"New York skips 02:30", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z", "08 03:00 -0400|09 02:30 -0400"},
		{"New York shows 01:30 twice", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z", "01 01:30 -0400|02 01:30 -0500"},
		{"Lord Howe skips half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z", "04 02:30 +1100|05 02:15 +1100"},
		{"Lord Howe shows half an hour twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z", "05 01:45 +1100|06 01:45 +1030"},
		{"Auckland, in the south, skips 02:30", "30 2 * * *", "Pacific/Auckland", "2026-09-26T00:00:00Z", "2026-09-28T00:00:00Z", "27 03:00 +1300|28 02:30 +1300"},
		{"Auckland shows 02:30 twice", "30 2 * * *", "Pacific/Auckland", "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z", "05 02:30 +1300|06 02:30 +1200"},
		{"Cairo skips midnight", "0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-25T12:00:00Z", "24 01:00 +0300|25 00:00 +0300"},
		{"Cairo shows 23:30 twice", "30 23 * * *", "Africa/Cairo", "2026-10-29T12:00:00Z", "2026-10-30T23:00:00Z", "29 23:30 +0300|30 23:30 +0200"},
		{"a rhythm of half hours skips nothing and doubles nothing", "*/30 1-3 * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T03:00:00Z", "29 01:00 +0100|29 01:30 +0100|29 03:00 +0200|29 03:30 +0200"},
		{"a rhythm of half hours in the doubled hour", "*/30 1-3 * * *", "Europe/Berlin", "2026-10-24T22:30:00Z", "2026-10-25T03:00:00Z", "25 01:00 +0200|25 01:30 +0200|25 02:00 +0200|25 02:30 +0200|25 03:00 +0100|25 03:30 +0100"},
		{"asked in the second showing of an hour", "*/30 * * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-25T02:10:00Z", "25 03:00 +0100"},
		{"Samoa left a day out", "0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z", "29 12:00 -1000|31 00:00 +1400|31 12:00 +1400"},
	} {
		if got := strings.Join(moments(t, c.spec, c.zone, c.from, c.to), "|"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestRareDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spec, from, to, want string }{
		{"the 31st passes short months over", "0 3 31 * *", "2026-01-31T04:00:00Z", "2026-07-31T04:00:00Z", "31 03:00 +0000|31 03:00 +0000|31 03:00 +0000"},
		{"29 February waits for a leap year", "0 3 29 2 *", "2026-03-01T00:00:00Z", "2033-01-01T00:00:00Z", "29 03:00 +0000|29 03:00 +0000"},
		{"the year's end", "55 23 31 12 *", "2026-12-31T00:00:00Z", "2027-12-31T23:56:00Z", "31 23:55 +0000|31 23:55 +0000"},
	} {
		if got := strings.Join(moments(t, c.spec, "UTC", c.from, c.to), "|"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Over all of a year, in zones of every sort, a daily rhythm runs once for each date that the zone has, and in order.
func TestADailyRhythmRunsOncePerDay(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Chatham", "America/St_Johns"} {
		for _, spec := range []string{"0 0 * * *", "30 1 * * *", "15 2 * * *", "45 2 * * *", "59 23 * * *"} {
			r, err := ParseRhythm(spec, zone)
			if err != nil {
				t.Fatal(err)
			}
			days, at := map[string]int{}, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			for end := at.AddDate(1, 0, 0); at.Before(end); {
				next := r.Next(at)
				if !next.After(at) {
					t.Fatalf("%s in %s stands still at %v", spec, zone, at)
				}
				at = next
				days[at.In(r.location).Format(time.DateOnly)]++
			}
			for day, n := range days {
				if n != 1 {
					t.Errorf("%s in %s runs %d times on %s", spec, zone, n, day)
				}
			}
			if len(days) < 365 || len(days) > 366 {
				t.Errorf("%s in %s runs on %d days", spec, zone, len(days))
			}
		}
	}
}

func TestNewestAfterALongSilence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec, from, now, want string
		more                  bool
	}{
		"on time":                    {"0 3 * * *", "2026-11-24T03:00:00Z", "2026-11-24T03:00:01Z", "2026-11-24T03:00:00Z", false},
		"three months, every 5 min":  {"*/5 * * * *", "2026-08-24T03:00:00Z", "2026-11-24T03:07:00Z", "2026-11-24T03:05:00Z", true},
		"three months, every day":    {"0 3 * * *", "2026-08-24T03:00:00Z", "2026-11-24T02:00:00Z", "2026-11-23T03:00:00Z", true},
		"three months, every year":   {"0 3 1 9 *", "2026-09-01T03:00:00Z", "2026-11-24T02:00:00Z", "2026-09-01T03:00:00Z", false},
		"nine years, every year":     {"0 3 1 9 *", "2026-09-01T03:00:00Z", "2035-11-24T02:00:00Z", "2035-09-01T03:00:00Z", true},
		"nine years, leap days only": {"0 3 29 2 *", "2028-02-29T03:00:00Z", "2037-01-01T00:00:00Z", "2036-02-29T03:00:00Z", true},
	} {
		r, err := ParseRhythm(c.spec, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		got, more := r.newest(stamp(t, c.from), stamp(t, c.now))
		if !got.Equal(stamp(t, c.want)) || more != c.more || time.Since(start) > time.Second {
			t.Errorf("%s: %v %v after %v", name, got, more, time.Since(start))
		}
	}
}

func FuzzRhythm(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "TZ=0", "@every 1ns", "0 3 30 2 *", "*/5 8-17 * * 1-5", "1-10/9223372036854775807 * * * *", "? ? ? ? ?", "0-59/1,3 0 1 JAN SUN"} {
		f.Add(seed, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, spec, zone string) {
		r, err := ParseRhythm(spec, zone)
		if err != nil {
			if _, expected := fault.As(err); !expected {
				t.Fatal(err)
			}
			return
		}
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for _, next := range r.Coming(at, 5) {
			if !next.After(at) {
				t.Fatalf("%q in %q goes back from %v to %v", spec, zone, at, next)
			}
			at = next
		}
		if r.Words() == "" {
			t.Fatal("no words")
		}
	})
}
