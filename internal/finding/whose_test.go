package finding_test

import (
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/inventory"
)

func TestWhoseRowsAreInAClearOrder(t *testing.T) {
	t.Parallel()
	rule := func(id int64, by finding.TraitKind, pattern string) finding.Rule {
		return finding.Rule{ID: id, MatchBy: by, Label: pattern}
	}
	all := finding.Assignments{
		rule(1, finding.ByPath, "services/pay"), rule(2, finding.ByPath, "services"), rule(3, finding.ByRepository, "github.com/kente/*"), rule(4, finding.ByRepository, "github.com/kente/pay"),
		rule(5, finding.ByImage, "registry.example/pay*"), rule(6, finding.ByImage, "registry.example/*/worker"), rule(7, finding.ByLabel, "the old one"), rule(8, finding.ByPath, "*.tf"),
	}
	for name, test := range map[string]struct {
		traits finding.Traits
		want   int64
	}{
		"a label before everything":  {finding.Traits{Label: "The Old One", Image: "registry.example/pay", Path: "services/pay/a.go"}, 7},
		"an image before a path":     {finding.Traits{Image: "registry.example/pay-api:1.2@sha256:abc", Path: "services/pay/a.go"}, 5},
		"a star in the middle":       {finding.Traits{Image: "registry.example/shop/worker:2"}, 6},
		"a port is no tag":           {finding.Traits{Image: "localhost:5000/pay"}, 0},
		"the longer pattern":         {finding.Traits{Repository: "https://github.com/Kente/pay.git"}, 4},
		"by ssh":                     {finding.Traits{Repository: "git@github.com:kente/web.git"}, 3},
		"the deeper folder":          {finding.Traits{Path: "./services/pay/main.go"}, 1},
		"the folder above":           {finding.Traits{Path: `services\web\main.go`}, 2},
		"not half a folder's name":   {finding.Traits{Path: "services-old/main.go"}, 0},
		"an ending":                  {finding.Traits{Path: "infra/main.tf"}, 8},
		"what no rule speaks of":     {finding.Traits{Label: "x", Path: "main.go"}, 0},
		"nothing is said of the row": {finding.Traits{}, 0},
	} {
		got := int64(0)
		if r := all.Of(test.traits); r != nil {
			got = r.ID
		}
		if got != test.want {
			t.Errorf("%s: rule %d, want %d", name, got, test.want)
		}
	}
}

func TestARuleGivesWhatIsNobodysAndEnds(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := func(path, label string) finding.Row {
			return finding.Row{Kind: finding.Code, Status: finding.Reported, Title: "eval", Rule: "no-eval", Severity: finding.Low, Path: path, Snippet: path, Label: label}
		}
		d.read(report("semgrep", "a", row("services/pay/a.js", "ci"), row("services/web/a.js", "ci"), row("lib/a.js", "ci")))
		to := &inventory.Service{ID: d.pay, Name: "pay"}
		add := func(n finding.NewRule) error {
			_, err := d.AddRule(d.ctx, yaw, n, to)
			return err
		}
		for name, n := range map[string]finding.NewRule{"sort": {By: "colour", Pattern: "x"}, "pattern": {By: finding.ByPath, Pattern: " ** "}, "long": {By: finding.ByPath, Pattern: strings.Repeat("x", 201)}, "stars": {By: finding.ByPath, Pattern: "a*b*c*d*e*f*g"}} {
			if err := add(n); kindOf(err) != fault.Invalid {
				d.t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := d.AddRule(d.ctx, access.Actor{UserID: 8, Role: access.Viewer}, finding.NewRule{By: finding.ByPath, Pattern: "x"}, to); kindOf(err) != fault.Forbidden {
			d.t.Error(err)
		}
		if err := add(finding.NewRule{By: finding.ByPath, Pattern: "/Services/pay/"}); err != nil {
			d.t.Fatal(err)
		}
		if err := add(finding.NewRule{By: finding.ByPath, Pattern: "services/pay"}); kindOf(err) != fault.Invalid {
			d.t.Errorf("the same rule twice: %v", err)
		}
		if err := add(finding.NewRule{By: finding.ByImage, Pattern: "registry.example/pay:1.2"}); err != nil {
			d.t.Fatal(err)
		}
		given := 0
		for _, f := range d.all() {
			if f.ServiceID == d.pay {
				given++
				if f.Path != "services/pay/a.js" {
					d.t.Errorf("%s was given away", f.Path)
				}
			}
		}
		if given != 1 {
			d.t.Errorf("%d findings were given", given)
		}
		page, err := d.ListRules(d.ctx, ama, 1)
		if err != nil || page.Total != 2 {
			d.t.Fatalf("%+v %v", page, err)
		}
		if err := add(finding.NewRule{By: finding.ByPath, Pattern: "services", Replaces: page.Rows[0].ID}); err != nil {
			d.t.Fatal(err)
		}
		if err := d.EndRule(d.ctx, yaw, page.Rows[0].ID); kindOf(err) != fault.NotFound {
			d.t.Errorf("a rule ends twice: %v", err)
		}
		if err := d.EndRule(d.other, yaw, page.Rows[1].ID); kindOf(err) != fault.NotFound {
			d.t.Errorf("another workspace's rule: %v", err)
		}
		if list, err := d.Assignments(d.ctx); err != nil || len(list) != 2 {
			d.t.Errorf("%+v %v", list, err)
		}
		d.sound()
	})
}
