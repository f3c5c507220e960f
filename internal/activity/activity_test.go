package activity_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
)

func service(t *testing.T, db *database.DB) *activity.Service {
	t.Helper()
	control, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	return activity.New(db, control)
}

func TestActivity(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, _ *databasetest.Clock) {
		s := service(t, db)
		one := database.WithWorkspace(t.Context(), 1)
		two := database.WithWorkspace(t.Context(), 2)
		admin := access.Actor{UserID: 7, Name: "Ama", Role: access.Admin, IP: "127.0.0.1", RequestID: "r1"}

		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if err := s.Record(one, admin, activity.Change{Action: "service.edit", Kind: "service", ID: 3, Name: "pay_1", Before: map[string]int{"tier": 2}, After: map[string]int{"tier": 1}}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if err := s.Record(two, admin, activity.Change{Action: "team.create", Kind: "team", ID: 9, Name: "Payments"}); err != nil {
			t.Fatal(err)
		}

		t.Run("parallel writers make one unbroken chain", func(t *testing.T) {
			if n, err := s.Verify(database.Across(t.Context(), "test")); err != nil || n != 21 {
				t.Fatalf("verified %d rows: %v", n, err)
			}
		})
		t.Run("a workspace sees only its own", func(t *testing.T) {
			rows, err := s.Search(two, admin, activity.Filter{})
			if err != nil || len(rows) != 1 || rows[0].ObjectName != "Payments" || rows[0].Seq != 1 {
				t.Fatalf("%+v, %v", rows, err)
			}
		})
		t.Run("a wildcard in the search text is only a character", func(t *testing.T) {
			rows, err := s.Search(one, admin, activity.Filter{Text: "pay%1"})
			if err != nil || len(rows) != 0 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			rows, err = s.Search(one, admin, activity.Filter{Text: "PAY_1", Limit: 5})
			if err != nil || len(rows) != 5 || rows[0].Seq != 20 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
		})
		t.Run("an engineer may not search it", func(t *testing.T) {
			_, err := s.Search(one, access.Actor{Role: access.Engineer}, activity.Filter{})
			if !fault.Is(err, fault.Forbidden) {
				t.Fatal(err)
			}
		})
		t.Run("the database refuses edits and deletions", func(t *testing.T) {
			for _, statement := range []string{"UPDATE activities SET actor_name = 'nobody'", "DELETE FROM activities"} {
				err := db.InTx(t.Context(), func(ctx context.Context) error { return db.Conn(ctx).Exec(statement).Error })
				if err == nil || !strings.Contains(err.Error(), "never") {
					t.Errorf("%s: %v", statement, err)
				}
			}
		})
	})
}

func TestVerifyFindsAForgedRow(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, _ *databasetest.Clock) {
		s := service(t, db)
		for range 3 {
			if err := s.Record(t.Context(), access.SystemActor("muster"), activity.Change{Action: "a", Kind: "b"}); err != nil {
				t.Fatal(err)
			}
		}
		drop := "DROP TRIGGER activities_no_update"
		if db.Engine == database.Postgres {
			drop = "DROP TRIGGER activities_no_change ON activities"
		}
		err := db.InTx(t.Context(), func(ctx context.Context) error {
			if err := db.Conn(ctx).Exec(drop).Error; err != nil {
				return err
			}
			return db.Conn(ctx).Exec("UPDATE activities SET actor_name = 'somebody else' WHERE seq = 2").Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Verify(t.Context()); err == nil || n != 1 || !strings.Contains(err.Error(), "entry 2") {
			t.Fatalf("verified %d rows: %v", n, err)
		}
	})
}
