// Command conformance scores the importers against a collection of real systems with known answers.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The exit codes.
const (
	exitGood    = 0
	exitBelow   = 1
	exitMissing = 2
)

// The figures that the scores must reach, in percent.
const (
	wantSystems = 98.0
	wantOpenAPI = 100.0
	wantSBOM    = 100.0
)

func main() {
	verbose := slices.Contains(os.Args[1:], "--verbose")
	folder, named := os.LookupEnv("MUSTER_TESTDATA")
	os.Exit(run(os.Stdout, cmp.Or(folder, filepath.Join("..", "shared", "testdata")), named && folder != "", verbose))
}

func run(w io.Writer, folder string, named, verbose bool) int {
	if _, err := os.Stat(folder); err != nil {
		if named {
			fmt.Fprintf(w, "MUSTER_TESTDATA names %s, which is not there.\n", folder)
			return exitMissing
		}
		fmt.Fprintf(w, "There is no test data at %s; set MUSTER_TESTDATA to score the importers.\n", folder)
		return exitGood
	}
	s := scores{}
	if slices.Contains(os.Args[1:], "--reports") { // the quick part, for who works at an importer
		if err := scoreReports(w, folder, s); err != nil {
			fmt.Fprintln(w, err)
			return exitMissing
		}
		return s.print(w, verbose)
	}
	bundles, err := scoreSystems(folder, s)
	if err == nil {
		err = scorePosture(bundles, s)
	}
	err = errors.Join(err, scoreOpenAPI(folder, s), scoreSBOMs(folder, s), scoreMalformed(folder, s), scoreReports(w, folder, s))
	if err != nil {
		fmt.Fprintln(w, err)
		return exitMissing
	}
	return s.print(w, verbose)
}

// score counts agreements of one kind.
type score struct {
	right, all   int
	want         float64
	disagreement []string
}

type scores map[string]*score

func (s scores) note(kind string, want float64, agrees bool, format string, args ...any) {
	c := s[kind]
	if c == nil {
		c = &score{want: want}
		s[kind] = c
	}
	c.all++
	if agrees {
		c.right++
		return
	}
	c.disagreement = append(c.disagreement, fmt.Sprintf(format, args...))
}

func (s scores) print(w io.Writer, verbose bool) int {
	code := exitGood
	for _, kind := range slices.Sorted(maps.Keys(s)) {
		c := s[kind]
		percent := 100 * float64(c.right) / float64(c.all)
		word := "ok"
		if percent < c.want {
			word, code = fmt.Sprintf("below %.0f %%", c.want), exitBelow
		}
		fmt.Fprintf(w, "%-28s %5d of %5d  %6.2f %%  %s\n", kind, c.right, c.all, percent, word)
		if verbose && len(c.disagreement) > 0 {
			fmt.Fprintln(w, "    "+strings.Join(c.disagreement[:min(len(c.disagreement), 60)], "\n    "))
		}
	}
	return code
}
