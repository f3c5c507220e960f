package report

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Clip cuts a text at a number of bytes, and takes out control characters that neither a page nor a database can hold.
func Clip(s string, most int) string {
	if !plainASCII(s) && strings.ContainsFunc(s, forbidden) {
		s = strings.Map(func(r rune) rune {
			if forbidden(r) {
				return -1
			}
			return r
		}, s)
	}
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…" // a new string, so that the long one is not kept
}

// plainASCII is the quick answer for most texts.
func plainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

func forbidden(r rune) bool {
	return (r < ' ' && r != '\n' && r != '\t') || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029 || r == utf8.RuneError
}

var (
	tag   = regexp.MustCompile(`(?i)</?(p|br|li|ul|ol|div|tr|table|b|i|a|code|pre|strong|em|span|h[1-6])\b[^<>]*/?>`)
	blank = regexp.MustCompile(`\n{3,}`)
)

// Plain turns the HTML of some tools into text.
func Plain(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.TrimSpace(s)
	}
	s = tag.ReplaceAllStringFunc(s, func(t string) string {
		switch low := strings.ToLower(t); {
		case strings.HasPrefix(low, "</p"), strings.HasPrefix(low, "<br"), strings.HasPrefix(low, "</li"), strings.HasPrefix(low, "</div"), strings.HasPrefix(low, "</tr"):
			return "\n"
		}
		return ""
	})
	return strings.TrimSpace(blank.ReplaceAllString(html.UnescapeString(s), "\n\n"))
}

var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "02/01/2006", "01/02/2006", "2006/01/02", "Jan 2, 2006", "2 January 2006",
	"Mon, 2 Jan 2006 15:04:05", time.RFC1123Z, time.RFC1123, time.ANSIC, time.UnixDate, "Mon Jan 2 15:04:05 2006", "20060102",
}

// Time reads a date as tools write them: with or without zone (none is UTC), as seconds or milliseconds since 1970.
// Unreadable ones and the year 1 are none.
func Time(s string) *time.Time {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 60 {
		return nil
	}
	if len(s) != 8 { // 20240131 is a date
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return unix(n)
		}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return real(t)
		}
	}
	return nil
}

func unix(n float64) *time.Time {
	if n > 1e17 {
		n /= 1e9
	} else if n > 1e14 {
		n /= 1e6
	} else if n > 1e11 {
		n /= 1e3
	}
	if !(n > 0 && n < 1e11) {
		return nil
	}
	return real(time.Unix(int64(n), 0))
}

func real(t time.Time) *time.Time {
	if t.Year() <= 1970 || t.Year() > 9999 { // "0001-01-01" and zero are what tools write for none
		return nil
	}
	t = t.UTC()
	return &t
}

// Yes and No are pointers to a truth, for facts that a report may leave out.
func Yes() *bool { b := true; return &b }

// No is the other one.
func No() *bool { b := false; return &b }

// Int reads a number out of a text like "79" or "41-44"; 0 where there is none.
func Int(s string) int {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil || n > 1<<31 {
		return 0
	}
	return n
}

// Float reads a number between two bounds, or none.
func Float(s string, low, high float64) *float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "%")), 64)
	if err != nil || !(n >= low && n <= high) {
		return nil
	}
	return &n
}

// Probability keeps an EPSS number that is one.
func Probability(n *float64) *float64 {
	if n == nil || !(*n >= 0 && *n <= 1) {
		return nil
	}
	return n
}
