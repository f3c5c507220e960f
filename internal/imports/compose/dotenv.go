package compose

import (
	"strings"

	"muster/internal/imports/model"
)

// variable is one line of a .env file.
type variable struct {
	key, text string // text has the variables before it put in
	written   string
	line      int
}

// parseEnv reads KEY=VALUE lines; its errors never quote them. A variable may use those of known and those before it.
func parseEnv(f model.File, known map[string]string) ([]variable, error) {
	p := &project{env: map[string]string{}}
	for k, v := range known {
		p.env[k] = v
	}
	var list []variable
	rest, line := strings.ReplaceAll(strings.TrimPrefix(string(f.Data), "\ufeff"), "\r\n", "\n"), 0
	for rest != "" {
		var one string
		line++
		one, rest, _ = strings.Cut(rest, "\n")
		one = strings.TrimSpace(one)
		if one == "" || one[0] == '#' {
			continue
		}
		one = strings.TrimSpace(strings.TrimPrefix(one, "export "))
		n := keyLength(one)
		after := strings.TrimSpace(one[n:])
		if n == 0 || (after != "" && after[0] != '=' && after[0] != ':') {
			return nil, model.Fail(f.Path, line, "This is not a line of the form KEY=VALUE.")
		}
		if after == "" {
			continue // it takes its value from where Compose is started
		}
		v := variable{key: one[:n], line: line}
		var lines int
		v.written, rest, lines = envValue(strings.TrimSpace(after[1:]), rest)
		line += lines
		v.text = v.written
		if strings.HasPrefix(v.written, "'") {
			v.written = v.written[1:]
			v.text = v.written
		} else {
			v.text = p.interpolate(v.written)
		}
		p.env[v.key] = v.text
		list = append(list, v)
	}
	return list, nil
}

// keyLength is how long the name at the start is; people write dots and dashes too.
func keyLength(text string) int {
	n := 0
	for n < len(text) && (nameLength(text[n:]) > 0 || n > 0 && strings.IndexByte("0123456789.-", text[n]) >= 0) {
		n++
	}
	return n
}

// envValue takes quotes and remarks off. A value in quotes may go on over lines; one in single quotes keeps a quote
// before it, since nothing is put into it.
func envValue(text, rest string) (value, left string, lines int) {
	if text == "" || (text[0] != '"' && text[0] != '\'') {
		if i := strings.Index(text, " #"); i >= 0 {
			text = text[:i]
		}
		if strings.HasPrefix(text, "#") {
			text = ""
		}
		return strings.TrimSpace(text), rest, 0
	}
	quote, body := text[0], text[1:]
	if strings.IndexByte(body, quote) < 0 || strings.Contains(body, `\`) {
		body += "\n" + rest // it may go on
	} else {
		body += "\n"
	}
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '\\' && quote == '"':
			i++
		case body[i] == quote:
			lines = strings.Count(body[:i], "\n")
			for range lines {
				_, rest, _ = strings.Cut(rest, "\n")
			}
			left = rest
			if quote == '\'' {
				return "'" + body[:i], left, lines
			}
			return unescape(body[:i]), left, lines
		}
	}
	return text, rest, 0 // a quote that is never closed is part of the value
}

var escapes = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\\`, `\`)

func unescape(text string) string { return escapes.Replace(text) }
