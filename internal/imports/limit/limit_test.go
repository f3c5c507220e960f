package limit_test

import (
	"errors"
	"strings"
	"testing"

	"muster/internal/imports/limit"
	"muster/internal/imports/model"
)

func TestText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data, want, fails string
	}{
		"plain text stays":                   {data: "a: 1\n", want: "a: 1\n"},
		"a byte order mark is dropped":       {data: "\xef\xbb\xbfa: 1", want: "a: 1"},
		"UTF-16 little endian is read":       {data: "\xff\xfea\x00:\x00", want: "a:"},
		"UTF-16 big endian is read":          {data: "\xfe\xff\x00a\x00:", want: "a:"},
		"a NUL byte is refused":              {data: "a\nb\x00", fails: "line 2: This is not a text file"},
		"Latin-1 is refused with its line":   {data: "a\nb\nc\xe9", fails: "line 3: The text is not UTF-8"},
		"a cut multi-byte letter is refused": {data: "\xc3", fails: "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := limit.Text(model.File{Path: "x.yaml", Data: []byte(c.data)})
			check(t, err, c.fails)
			if err == nil && string(f.Data) != c.want {
				t.Errorf("got %q", f.Data)
			}
		})
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ data, fails string }{
		"a usual document":                   {data: `{"a":[1,2,{"b":[]}]}`},
		"brackets in strings do not count":   {data: `{"a":"` + strings.Repeat("[", 5000) + `"}`},
		"escaped quotes do not end a text":   {data: `{"a":"\"` + strings.Repeat("[", 5000) + `"}`},
		"100,000 levels are refused":         {data: strings.Repeat("[", 100_000), fails: "line 1: It is nested deeper"},
		"levels of YAML flow are refused":    {data: "a:\n" + strings.Repeat("{a: ", 2000), fails: "line 2: It is nested deeper"},
		"an odd quote in YAML hides nothing": {data: "a: 5\" pipe\nb: " + strings.Repeat("[", 2000), fails: "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, limit.Depth(model.File{Path: "x", Data: []byte(c.data)}), c.fails)
		})
	}
}

func TestWholeJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ data, fails string }{
		"a whole document":          {data: "{\"a\":1}\n"},
		"a cut-off document":        {data: "{\"a\":\n[1,2", fails: "line 2: It ends in the middle"},
		"text after the end":        {data: "{}\n{}", fails: "more text after the end"},
		"a mistake names its line":  {data: "{\n\"a\": x}", fails: "line 2: This is not valid JSON"},
		"an empty file is cut off":  {data: "", fails: "ends in the middle"},
		"its error quotes no value": {data: `{"password": hunter2}`, fails: "not valid JSON from here on."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := limit.WholeJSON(model.File{Path: "x.json", Data: []byte(c.data)})
			check(t, err, c.fails)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error(err)
			}
		})
	}
}

func check(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var bad *model.Error
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
