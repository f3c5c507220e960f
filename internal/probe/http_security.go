package probe

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// securityTxt is a security.txt file (RFC 9116), as far as its validity depends on it.
type securityTxt struct {
	contacts  []string
	expires   time.Time
	canonical []string
	faults    []string
}

// parseSecurityTxt reads the file. A cleartext signature around it is taken off and not verified: the key is not known here.
func parseSecurityTxt(text string) securityTxt {
	var out securityTxt
	expires, unread := 0, 0
	for _, line := range unsignedLines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || value == "" {
			unread++
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "contact":
			if isContact(value) {
				out.contacts = append(out.contacts, value)
			} else {
				out.faults = append(out.faults, "a Contact is neither mailto:, tel: nor https:")
			}
		case "expires":
			expires++
			at, err := time.Parse(time.RFC3339, strings.ToUpper(value))
			if err != nil {
				out.faults = append(out.faults, "Expires is not a time as RFC 3339 writes it")
				continue
			}
			out.expires = at
		case "canonical":
			out.canonical = append(out.canonical, value)
		}
	}
	if len(out.contacts) == 0 {
		out.faults = append(out.faults, "no valid Contact")
	}
	if expires != 1 {
		out.faults = append(out.faults, fmt.Sprintf("%d fields Expires instead of one", expires))
	}
	if unread > 0 {
		out.faults = append(out.faults, fmt.Sprintf("%d lines that are no field", unread))
	}
	return out
}

// unsignedLines takes the armour of an OpenPGP cleartext signature (RFC 4880, section 7) off.
func unsignedLines(text string) []string {
	text = strings.TrimPrefix(text, "\ufeff")
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if strings.TrimSpace(lines[0]) != "-----BEGIN PGP SIGNED MESSAGE-----" {
		return lines
	}
	blank := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" })
	if blank < 0 {
		return nil
	}
	lines = lines[blank+1:]
	if end := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "-----BEGIN PGP SIGNATURE") }); end >= 0 {
		lines = lines[:end]
	}
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "- ")
	}
	return lines
}

func isContact(value string) bool {
	u, err := url.Parse(value)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "mailto":
		return strings.Contains(u.Opaque, "@")
	case "tel":
		return u.Opaque != ""
	}
	return false
}

// judgeContact judges the file that a public host serves. Its own end ends the pass.
func judgeContact(j *journey, now time.Time) (check Check, valid bool) {
	check = Check{Control: "GOV-11", Clause: "published", Part: onEndpoint,
		Expected: "a security.txt (RFC 9116) under /.well-known/ over HTTPS, text/plain, with Contact and an Expires in the future"}
	end := j.end()
	switch {
	case !end.answered() || !end.whole && end.problem != "":
		return with(check, Unknown, "no answer", "security.txt could not be fetched: "+end.why()+"."), false
	case j.halt != "":
		return with(check, Unknown, fmt.Sprintf("a redirect (%d)", end.status), "The redirect to "+printable(end.header.Get("Location"), 200)+" was not followed: "+j.halt+"."), false
	case end.status == 404 || end.status == 410:
		return with(check, Fail, fmt.Sprintf("no file: status %d", end.status), "Nothing is served at /.well-known/security.txt."), false
	case end.status != 200:
		return with(check, Unknown, fmt.Sprintf("status %d", end.status), "The address neither serves the file nor says that there is none."), false
	case isHTML(end):
		return with(check, Fail, "a page instead of the file", "The address answers with an HTML page, as sites do that serve one page for every path."), false
	}
	file := parseSecurityTxt(string(end.body))
	faults := file.faults
	if end.url.Scheme != "https" {
		faults = append(faults, "served over plain HTTP")
	}
	if kind := mediaType(end); kind != "text/plain" {
		faults = append(faults, "served as "+printable(kind, 60))
	}
	if !file.expires.IsZero() && !file.expires.After(now) {
		faults = append(faults, "expired on "+file.expires.UTC().Format(time.DateOnly))
	}
	if len(faults) > 0 {
		return with(check, Fail, strings.Join(faults[:min(len(faults), 6)], "; "), ""), false
	}
	observed := printable(fmt.Sprintf("contact %s, valid until %s", file.contacts[0], file.expires.UTC().Format(time.DateOnly)), 300)
	check = with(check, Pass, observed, canonicalNote(file, j))
	check.GoodUntil = &file.expires
	return check, true
}

// canonicalNote tells when the file does not name the address that it was asked at: it may have been copied from elsewhere.
func canonicalNote(file securityTxt, j *journey) string {
	asked := j.steps[0].url.String()
	if len(file.canonical) == 0 || slices.Contains(file.canonical, asked) || slices.Contains(file.canonical, j.end().url.String()) {
		return ""
	}
	return "Its Canonical does not name " + printable(asked, 200) + "."
}
