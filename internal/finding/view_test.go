package finding_test

import (
	"testing"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
)

func TestKeptListsAreOnesOwnOrEverybodys(t *testing.T) {
	t.Parallel()
	viewer := access.Actor{UserID: 9, Name: "Vera", Role: access.Viewer}
	each(t, func(d *desk) {
		names := func(a access.Actor) (out []string) {
			list, err := d.Views(d.ctx, a)
			if err != nil {
				d.t.Fatal(err)
			}
			for _, v := range list {
				out = append(out, v.Name)
			}
			return out
		}
		for _, err := range []error{d.KeepView(d.ctx, yaw, "Mine", "severity=high", false), d.KeepView(d.ctx, yaw, "Ours", "kind=code", true), d.KeepView(d.ctx, viewer, "Mine", "sort=due", false)} {
			if err != nil {
				d.t.Fatal(err)
			}
		}
		if err := d.KeepView(d.ctx, viewer, "Theirs", "sort=due", true); kindOf(err) != fault.Forbidden {
			d.t.Errorf("a reader shares: %v", err)
		}
		if a, b, c := names(yaw), names(viewer), names(ama); len(a) != 2 || len(b) != 2 || len(c) != 1 {
			d.t.Errorf("%v %v %v", a, b, c)
		}
		list, err := d.Views(d.ctx, yaw)
		if err != nil || list[0].Name != "Mine" {
			d.t.Fatal(list, err)
		}
		if err := d.DropView(d.ctx, ama, list[0].ID); kindOf(err) != fault.NotFound {
			d.t.Errorf("another person's list is deleted: %v", err)
		}
		if err := d.RenameView(d.ctx, viewer, list[1].ID, "x"); kindOf(err) != fault.Forbidden {
			d.t.Errorf("a reader renames what is everybody's: %v", err)
		}
		if err := d.DropView(d.ctx, ama, list[1].ID); err != nil {
			d.t.Error(err)
		}
		if other, err := d.Views(d.other, yaw); err != nil || len(other) != 0 {
			d.t.Errorf("another workspace sees %v %v", other, err)
		}
	})
}

func TestListsHaveThreeOrders(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		rows := many(d.pay, 9, 0)
		d.read(report("trivy", "a", rows...))
		for _, sort := range []finding.Sort{finding.ByPriority, finding.ByDue, finding.ByNewest} {
			seen := map[int64]bool{}
			var last *finding.Finding
			for f := (finding.Filter{Sort: sort, Limit: 2}); ; {
				page, err := d.List(d.ctx, ama, f)
				if err != nil {
					d.t.Fatal(err)
				}
				for i := range page.Rows {
					r := &page.Rows[i]
					if last != nil && (sort == finding.ByDue && r.DueAt.Before(*last.DueAt) || sort == finding.ByNewest && r.ID > last.ID || sort == finding.ByPriority && r.Priority > last.Priority) || seen[r.ID] {
						d.t.Errorf("%q: finding %d stands in the wrong place", sort, r.ID)
					}
					seen[r.ID], last = true, r
				}
				if f.After = page.Next; f.After == "" {
					break
				}
			}
			if len(seen) != 9 {
				d.t.Errorf("%q: %d of 9", sort, len(seen))
			}
		}
		soon, err := d.List(d.ctx, ama, finding.Filter{DueWithin: 8 * day})
		if err != nil || soon.Total == 0 || soon.Total == 9 {
			d.t.Errorf("due within 8 days: %d %v", soon.Total, err)
		}
	})
}
