package finding_test

import (
	"context"
	"strings"
	"testing"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/finding"
)

// SQLite takes a workspace for a handful of rows: whatever names findings by their ids must not go through all of it.
func TestFindingsNamedByIDsAreFoundByThem(t *testing.T) {
	t.Parallel()
	clock := databasetest.NewClock()
	d := open(t, databasetest.SQLite(t, clock), clock)
	d.read(report("trivy", "a", many(d.pay, 60, 0)...))
	seen := map[string]databasetest.Statement{}
	databasetest.Watch(t, d.db, func(_ context.Context, s databasetest.Statement) { seen[s.SQL] = s })
	var ids []int64
	for i := range 60 {
		ids = append(ids, int64(i+1))
	}
	if rows, err := d.Facts(d.ctx, ids); err != nil || len(rows) != 60 {
		t.Fatal(len(rows), err)
	}
	if rows, err := d.Soon(d.ctx, []int64{d.pay}, clock.Now().AddDate(1, 0, 0), 50); err != nil || len(rows) != 50 {
		t.Fatal(len(rows), err)
	}
	if page, err := d.List(d.ctx, yaw, finding.Filter{Text: "package"}); err != nil || len(page.Rows) != finding.PageSize {
		t.Fatal(len(page.Rows), err)
	}
	asked := 0
	for text, st := range seen {
		if !strings.Contains(text, "FROM `findings`") || !strings.Contains(text, "id IN (") || strings.Contains(text, "service_id IN (") {
			continue
		}
		asked++
		if plan := planOf(t, d.db, st); !strings.Contains(plan, "USING INTEGER PRIMARY KEY (rowid=?)") {
			t.Errorf("%s: %s", text, plan)
		}
	}
	if asked < 4 {
		t.Errorf("%d statements name findings by their ids", asked)
	}
}

func planOf(t *testing.T, db *database.DB, st databasetest.Statement) string {
	t.Helper()
	rows, err := databasetest.Pool(t, db).QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+st.SQL, st.Vars...)
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}
