package remediation_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets each property draw fewer lives than usual: every one of them is a workspace in a database.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "30"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
