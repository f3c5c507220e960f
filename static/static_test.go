package static_test

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"

	"muster/static"
)

func TestVendoredFilesAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	list, ok := static.Get("vendor/VENDOR.txt")
	if !ok {
		t.Fatal("there is no list")
	}
	lines := 0
	for line := range strings.Lines(string(list.Data)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		name := "vendor/" + fields[4]
		if fields[4] == "icons.svg" {
			name = "icons.svg"
		}
		a, ok := static.Get(name)
		sum := sha256.Sum256(a.Data)
		if !ok || hex.EncodeToString(sum[:]) != fields[3] {
			t.Errorf("%s is not the file of VENDOR.txt", fields[4])
		}
	}
	if lines < 3 {
		t.Errorf("only %d files are listed", lines)
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	total := 0
	for name, most := range map[string]int{"app.css": 20_000, "app.js": 6_000, "icons.svg": 8_000, "vendor/geist.woff2": 32_000} {
		a, _ := static.Get(name)
		n := len(a.Gzip)
		if a.Gzip == nil {
			n = len(a.Data)
		}
		if n == 0 || n > most {
			t.Errorf("%s weighs %d bytes, at most %d", name, n, most)
		}
		total += n
	}
	if total > 100_000 { // 130 kB with 25 kB of page
		t.Errorf("a first visit loads %d bytes", total)
	}
}

func TestStyleSheetUsesNoOutsideFile(t *testing.T) {
	t.Parallel()
	css, _ := static.Get("app.css")
	for _, m := range regexp.MustCompile(`url\(([^)]*)\)`).FindAllStringSubmatch(string(css.Data), -1) {
		if strings.HasPrefix(m[1], "#") {
			continue // a pattern of the page itself
		}
		if _, ok := static.Get(strings.TrimPrefix(m[1], "/static/")); !ok {
			t.Errorf("%s is not among the files", m[1])
		}
	}
}
