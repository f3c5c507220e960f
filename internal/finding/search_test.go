package finding_test

import (
	"testing"

	"muster/internal/finding"
)

// A word that many findings have is looked for in the order of the list, and gives what the index would give.
func TestABroadSearchGivesWhatANarrowOneWould(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		const n = 2520
		d.read(report("trivy", "a", append(many(d.pay, n, 0), vulnerable(d.web, "xghsa", finding.Critical, "CVE-2025-1"))...))
		for _, c := range []struct {
			f     finding.Filter
			least int64
			more  bool
			rows  int
		}{
			{finding.Filter{Text: "ghs"}, finding.PageSize, true, finding.PageSize}, // not where it stands in the middle
			{finding.Filter{Text: "GHSA cve 2026", Severities: []finding.Severity{finding.Low}, Limit: 700}, n / 4, false, n / 4},
			{finding.Filter{Text: "ghsa cve", Service: d.web}, 0, false, 0},
			{finding.Filter{Text: "ghsa 000017"}, 1, false, 1},
			{finding.Filter{Text: "cve", Sort: finding.ByNewest, Limit: 1000}, 1000, true, 1000},
			{finding.Filter{Text: "ghsa hsa"}, 0, false, 0},
		} {
			page, err := d.List(d.ctx, yaw, c.f)
			if err != nil {
				d.t.Fatal(err)
			}
			if len(page.Rows) != c.rows || page.Total < c.least || page.Total > n+1 || page.More != c.more || !c.more && page.Total != c.least {
				d.t.Errorf("%+v: %d rows of %d, more %v", c.f, len(page.Rows), page.Total, page.More)
			}
			for _, f := range page.Rows {
				if f.Package == "xghsa" && c.f.Text != "cve" {
					d.t.Errorf("%+v finds %s", c.f, f.Title)
				}
			}
		}
		seen, f := map[int64]bool{}, finding.Filter{Text: "ghsa", Limit: 900}
		for {
			page, err := d.List(d.ctx, yaw, f)
			if err != nil {
				d.t.Fatal(err)
			}
			for _, r := range page.Rows {
				seen[r.ID] = true
			}
			if f.After = page.Next; page.Next == "" {
				break
			}
		}
		if len(seen) != n {
			d.t.Errorf("the pages of a broad search give %d findings", len(seen))
		}
	})
}
