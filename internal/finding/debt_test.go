package finding_test

import (
	"testing"

	"muster/internal/finding"
	"muster/internal/inventory"
)

func (d *desk) debt(service int64) finding.Debt {
	d.t.Helper()
	debt, err := d.Debt(d.ctx, ama, service)
	if err != nil {
		d.t.Fatal(err)
	}
	return debt
}

func TestDebtIsCountedAsItMoves(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) { // the clock begins on Tuesday, 24 November
		a, b, c := vulnerable(d.pay, "a", finding.High, "CVE-2026-0001"), vulnerable(d.pay, "b", finding.Low, "CVE-2026-0002"), vulnerable(d.web, "c", finding.Critical, "CVE-2026-0003")
		c.Exploited = true
		d.read(report("trivy", "1", a, b, c))
		d.clock.Move(7 * day)
		d.read(report("trivy", "2", a, c)) // b is fixed, after 7 days
		d.clock.Move(7 * day)
		d.read(report("trivy", "3", a, b, c)) // and came back
		d.clock.Move(2 * day)
		whole, pay, web := d.debt(0), d.debt(d.pay), d.debt(d.web)
		weeks := func(of finding.Debt) [][3]int64 {
			var out [][3]int64
			for _, w := range of.Weeks[finding.DebtWeeks-3:] {
				out = append(out, [3]int64{w.Opened, w.Reopened, w.Closed})
			}
			return out
		}
		want := [][3]int64{{3, 0, 0}, {0, 0, 1}, {0, 1, 0}}
		for i, w := range weeks(whole) {
			if w != want[i] || whole.Weeks[finding.DebtWeeks-3].Monday.Format("2006-01-02") != "2026-11-23" {
				t.Errorf("week %d: %v, want %v", i, w, want[i])
			}
		}
		if whole.Open != 3 || whole.OldestAge != 16 || whole.MedianAge != 16 || whole.Fixed != 1 || whole.MedianFix != 7 || whole.Overdue != 1 || whole.Exploited != 1 {
			t.Errorf("%+v", whole)
		}
		if pay.Open != 2 || pay.MedianAge != 2 || pay.OldestAge != 16 || pay.Overdue != 0 || web.Open != 1 || web.Exploited != 1 || web.Fixed != 0 {
			t.Errorf("pay %+v, web %+v", pay, web)
		}
		limited, err := d.Debt(inventory.WithVisible(d.ctx, []int64{d.web}), ama, 0)
		if err != nil || limited.Open != 1 || limited.Weeks[finding.DebtWeeks-3].Opened != 1 || limited.Overdue != 1 {
			t.Errorf("a consultant sees %+v, %v", limited, err)
		}
		if other, err := d.Debt(inventory.WithVisible(d.ctx, []int64{d.web}), ama, d.pay); err != nil || other.Open != 0 || other.Overdue != 0 {
			t.Errorf("a consultant sees of another service %+v, %v", other, err)
		}
		first := d.untouched()
		if _, err := d.Move(d.ctx, yaw, first, finding.Move{To: finding.Fixed}); err != nil {
			t.Fatal(err)
		}
		if after := d.debt(0); after.Open != 2 || after.Weeks[finding.DebtWeeks-1].Closed != 1 || after.Fixed != 2 {
			t.Errorf("%+v", after)
		}
		d.sound()
	})
}

// untouched is the finding that nobody touched yet.
func (d *desk) untouched() int64 {
	for _, f := range d.all() {
		if f.ReopenCount == 0 && f.State == finding.Open {
			return f.ID
		}
	}
	return 0
}
