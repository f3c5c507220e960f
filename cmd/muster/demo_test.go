package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// demoGolden is what the command prints at its end, with the passwords taken out.
const demoGolden = `Made the workspace kente-pay in DATA.
The passwords are shown this once:

  owner       ama@kente.example     PASSWORD  Ama Owusu
  admin       kofi@kente.example    PASSWORD  Kofi Mensah
  engineer    efua@kente.example    PASSWORD  Efua Boateng
  engineer    yaw@kente.example     PASSWORD  Yaw Darko
  engineer    zanele@kente.example  PASSWORD  Zanele Dube
  viewer      tunde@kente.example   PASSWORD  Tunde Bello
  consultant  marie@kente.example   PASSWORD  Marie Laurent

Nobody has a second factor yet; consultants are asked to set one up when they sign in.
Look at it with:

  muster serve --data DATA
`

func TestDemo(t *testing.T) {
	data := filepath.Join(t.TempDir(), "company")
	var o, e bytes.Buffer
	c := demoCmd{Data: data, Size: "small", Years: 1, Seed: 1, days: 40}
	if err := c.Run(t.Context(), output{out: &o, err: &e}); err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`[a-z]+(-[a-z]+){3}-\d{3} *`).ReplaceAllString(strings.ReplaceAll(o.String(), data, "DATA"), "PASSWORD  ")
	if shown != demoGolden {
		t.Errorf("it printed:\n%s", shown)
	}
	if !regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d: score \d+, \d+ % known$`).MatchString(e.String()) {
		t.Errorf("its progress reads:\n%s", e.String())
	}
	if code, out, problems := muster(t, data, "", "verify"); code != exitDone {
		t.Error(out, problems)
	}
	before, err := os.ReadFile(filepath.Join(data, "muster.db"))
	if err != nil {
		t.Fatal(err)
	}
	code, _, problems := muster(t, data, "", "demo", "--data", data)
	if code != exitUnusable || !strings.Contains(problems, "There is a database in") {
		t.Errorf("a second company in the folder: exit %d: %s", code, problems)
	}
	if after, err := os.ReadFile(filepath.Join(data, "muster.db")); err != nil || !bytes.Equal(before, after) {
		t.Error("the refused command touched the database", err)
	}
}

func TestDemoRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"an unknown size": {[]string{"--size", "huge"}, `no size "huge"`},
		"medium":          {[]string{"--size", "medium"}, "none in this version"},
		"large":           {[]string{"--size", "large"}, "none in this version"},
		"findings":        {[]string{"--findings", "10"}, "no findings in this version"},
		"services":        {[]string{"--services", "10"}, "leave --services out"},
		"years":           {[]string{"--years", "2"}, "leave --years out"},
		"a bad number":    {[]string{"--seed", "many"}, "seed"},
	} {
		data := filepath.Join(t.TempDir(), "none")
		code, _, problems := muster(t, data, "", append([]string{"demo", "--data", data}, c.args...)...)
		if code != exitUnusable || !strings.Contains(problems, c.says) {
			t.Errorf("%s: exit %d: %s", name, code, problems)
		}
		if _, err := os.Stat(data); !os.IsNotExist(err) {
			t.Errorf("%s: it left a folder behind", name)
		}
	}
}

// A folder in which nothing can be made stays as it was: no half company.
func TestDemoThatFails(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "key"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, problems := muster(t, data, "", "demo", "--data", data); code == exitDone || problems == "" {
		t.Errorf("exit %d: %s", code, problems)
	}
	left, err := os.ReadDir(data)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
