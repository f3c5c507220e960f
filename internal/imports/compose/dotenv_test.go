package compose

import (
	"fmt"
	"strings"
	"testing"

	"muster/internal/imports/model"
)

func TestParseEnv(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"A=1\nB=2":                    "[{A 1 1 1} {B 2 2 2}]",
		"\ufeff# x\r\n\r\nA=1\r\n":    "[{A 1 1 3}]",
		"export A = 1":                "[{A 1 1 1}]",
		"A=1 # one":                   "[{A 1 1 1}]",
		"A=a#b":                       "[{A a#b a#b 1}]",
		"A='$B # x'":                  "[{A $B # x $B # x 1}]",
		"A=\"x\\ny\"":                 "[{A x\ny x\ny 1}]",
		"A=\"x\ny\"\nB=1":             "[{A x\ny x\ny 1} {B 1 1 3}]",
		"A=":                          "[{A   1}]",
		"A= # nothing":                "[{A   1}]",
		"A":                           "[]",
		"A: 1":                        "[{A 1 1 1}]",
		"A=1\nB=$A${A}${C:-d}${NONE}": "[{A 1 1 1} {B 11d${NONE} $A${A}${C:-d}${NONE} 2}]",
		"K=${KNOWN}":                  "[{K k ${KNOWN} 1}]",
		"A=\"open":                    "[{A \"open \"open 1}]",
		"a.b-c=1":                     "[{a.b-c 1 1 1}]",
	} {
		got, err := parseEnv(model.File{Path: ".env", Data: []byte(text)}, map[string]string{"KNOWN": "k"})
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"A=1\nhunter2 x", "=1", "<html>"} {
		if _, err := parseEnv(model.File{Path: ".env", Data: []byte(text)}, nil); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), ".env, line") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestVariablesThatDouble(t *testing.T) {
	t.Parallel()
	text := "A=xxxxxxxx\n" + strings.Repeat("A=$A$A\n", 200)
	list, err := parseEnv(model.File{Path: ".env", Data: []byte(text)}, nil)
	size := 0
	for _, v := range list {
		size += len(v.text)
	}
	if err != nil || len(list) != 201 || size > 3*maxGrowth {
		t.Errorf("%v, %d variables, %d bytes", err, len(list), size)
	}
}

func FuzzParseEnv(f *testing.F) {
	for _, seed := range []string{"A=1\nB='x'\n", "export A=\"a\\n${B:-c}\" # x", "A=\"", "A=$$", "A=${A:-${B:-}}", "\ufeffA: b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseEnv(model.File{Path: ".env", Data: data}, nil)
		if err != nil && list != nil {
			t.Error("an answer and an error")
		}
		for _, v := range list {
			if v.line < 1 || v.key == "" {
				t.Errorf("%+v", v)
			}
		}
	})
}
