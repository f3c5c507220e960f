package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// The exit codes that a pipeline reads: no data where it usually is says so and is fine, a place that was named must be
// there, and a score below its figure is a no.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for name, c := range map[string]struct {
		named bool
		want  int
		says  string
	}{
		"no data at the usual place": {false, exitGood, "There is no test data"},
		"a named place is not there": {true, exitMissing, "MUSTER_TESTDATA names"},
	} {
		var out bytes.Buffer
		if code := run(&out, nowhere, c.named, false); code != c.want || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: exit %d, want %d: %s", name, code, c.want, out.String())
		}
	}
	var out bytes.Buffer
	if code := run(&out, t.TempDir(), true, false); code != exitMissing {
		t.Errorf("an empty collection: exit %d, want %d: %s", code, exitMissing, out.String())
	}
	s := scores{}
	for i := range 100 {
		s.note("services", 98, i >= 3, "number %d", i)
	}
	if code := s.print(&out, true); code != exitBelow || !strings.Contains(out.String(), "below 98 %") {
		t.Errorf("97 of 100 with a figure of 98: exit %d", code)
	}
	s.note("other", 98, true, "")
	if code := (scores{"other": s["other"]}).print(&out, false); code != exitGood {
		t.Errorf("all right: exit %d", code)
	}
}
