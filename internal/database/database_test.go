package database_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"muster/internal/database"
	"muster/internal/database/databasetest"
)

type workspace struct {
	ID        int64
	Slug      string
	Name      string
	CreatedAt time.Time
}

type team struct {
	ID          int64
	WorkspaceID int64
	Slug        string
	Name        string
	CreatedAt   time.Time
}

func seed(t *testing.T, db *database.DB) (one, two context.Context) {
	t.Helper()
	scopes := make([]context.Context, 2)
	for i := range scopes {
		w := workspace{Slug: fmt.Sprintf("w%d", i), Name: "W"}
		write(t, db, t.Context(), func(tx *gorm.DB) error { return tx.Create(&w).Error })
		scopes[i] = database.WithWorkspace(t.Context(), w.ID)
		write(t, db, scopes[i], func(tx *gorm.DB) error {
			return tx.Create(&[]team{{Slug: "a", Name: "A"}, {Slug: "b", Name: "B"}}).Error
		})
	}
	return scopes[0], scopes[1]
}

func write(t *testing.T, db *database.DB, ctx context.Context, f func(tx *gorm.DB) error) { //nolint:revive // the scope comes after what it is of
	t.Helper()
	if err := db.InTx(ctx, func(ctx context.Context) error { return f(db.Conn(ctx)) }); err != nil {
		t.Fatal(err)
	}
}

func TestWorkspaceScope(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, _ *databasetest.Clock) {
		one, two := seed(t, db)
		count := func(ctx context.Context, q func(tx *gorm.DB) *gorm.DB) (n int, err error) {
			var rows []team
			err = q(db.Conn(ctx)).Find(&rows).Error
			return len(rows), err
		}
		t.Run("an Or stays inside the workspace", func(t *testing.T) {
			n, err := count(one, func(tx *gorm.DB) *gorm.DB { return tx.Where("slug = ?", "a").Or("1 = 1") })
			if err != nil || n != 2 {
				t.Fatalf("%d rows, %v", n, err)
			}
		})
		t.Run("no workspace is an error, not everything", func(t *testing.T) {
			if _, err := count(t.Context(), func(tx *gorm.DB) *gorm.DB { return tx }); !errors.Is(err, database.ErrNoWorkspace) {
				t.Fatal(err)
			}
			var n int64
			if err := db.Conn(t.Context()).Model(&team{}).Count(&n).Error; !errors.Is(err, database.ErrNoWorkspace) {
				t.Fatal(err)
			}
			if err := db.Conn(one).Table("teams").Count(&n).Error; err == nil {
				t.Fatal("a query without a model was let through")
			}
		})
		t.Run("across says so and sees all", func(t *testing.T) {
			n, err := count(database.Across(t.Context(), "test"), func(tx *gorm.DB) *gorm.DB { return tx })
			if err != nil || n != 4 {
				t.Fatalf("%d rows, %v", n, err)
			}
		})
		t.Run("updates and deletions touch no other workspace", func(t *testing.T) {
			write(t, db, one, func(tx *gorm.DB) error {
				return tx.Model(&team{}).Where("slug = ?", "a").Or("slug = ?", "b").Update("name", "changed").Error
			})
			write(t, db, one, func(tx *gorm.DB) error { return tx.Where("1 = 1").Delete(&team{}).Error })
			n, err := count(two, func(tx *gorm.DB) *gorm.DB { return tx.Where("name <> ?", "changed") })
			if err != nil || n != 2 {
				t.Fatalf("%d rows of the other workspace are as they were, %v", n, err)
			}
		})
		t.Run("a row of another workspace cannot be created", func(t *testing.T) {
			err := db.InTx(one, func(ctx context.Context) error {
				return db.Conn(ctx).Create(&team{WorkspaceID: database.Workspace(two), Slug: "c"}).Error
			})
			if err == nil {
				t.Fatal("it was created")
			}
		})
	})
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		one, _ := seed(t, db)
		boom := errors.New("boom")
		err := db.InTx(one, func(ctx context.Context) error {
			start := db.Now(ctx)
			clock.Move(time.Hour)
			if !db.Now(ctx).Equal(start) {
				t.Error("the time moved inside a transaction")
			}
			return db.InTx(ctx, func(ctx context.Context) error {
				if err := db.Conn(ctx).Create(&team{Slug: "c", Name: "C"}).Error; err != nil {
					return err
				}
				return boom
			})
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		var n int64
		if err := db.Conn(one).Model(&team{}).Count(&n).Error; err != nil || n != 2 {
			t.Fatalf("%d teams after the roll-back, %v", n, err)
		}
		err = db.InTx(one, func(ctx context.Context) error { return db.Conn(ctx).Create(&team{Slug: "a", Name: "again"}).Error })
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			t.Fatalf("a second row of one slug: %v", err)
		}
		var row team
		if err := db.Conn(one).Where("slug = ?", "a").Take(&row).Error; err != nil || row.CreatedAt.Location() != time.UTC && row.CreatedAt.UTC() != databasetest.NewClock().Now() {
			t.Fatalf("%v, %v", row.CreatedAt, err)
		}
	})
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, _ *databasetest.Clock) {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatalf("a second run: %v", err)
		}
		if ok, err := db.Migrated(t.Context()); err != nil || !ok {
			t.Fatal(ok, err)
		}
	})
}
