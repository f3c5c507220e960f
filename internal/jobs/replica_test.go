package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
)

// TestMain lets the test program be a replica of its own: it works until it is told to stop, or killed.
func TestMain(m *testing.M) {
	if os.Getenv("MUSTER_TEST_REPLICA") == "" {
		os.Exit(m.Run())
	}
	if err := replica(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// site is what a replica is told.
type site struct {
	URL, Path string
	Step      time.Duration // how long a part takes
}

func (s site) open(ctx context.Context) (*database.DB, *Service, error) {
	db, err := database.Open(ctx, database.Options{URL: s.URL, Path: s.Path})
	if err != nil {
		return nil, nil, err
	}
	control, err := access.New()
	if err != nil {
		return nil, nil, err
	}
	j := NewService(db, control, activity.New(db, control), func(context.Context) ([]int64, error) { return nil, nil })
	j.Handle("scan", spread(0))
	j.Handle("part", Func(func(ctx context.Context, j *Job) error { return s.part(ctx, db, j) }))
	j.Handle("slot", Func(func(ctx context.Context, j *Job) error {
		return j.Complete(ctx, func(ctx context.Context) error { return effect(ctx, db, "slot", j.Run.ID, 0) })
	}))
	j.Offer([]Kind{{ID: "slot", Title: "Slot"}}, nil)
	return db, j, nil
}

// spread is a scan of so many parts; a run's payload says how many.
type spread int

func (spread) Run(_ context.Context, j *Job) error {
	var parts int
	if err := j.Payload(&parts); err != nil {
		return err
	}
	var list []New
	for i := range parts {
		list = append(list, New{Kind: "part", Name: fmt.Sprint("part ", i), Payload: i})
	}
	j.Fan(list)
	return nil
}

func (spread) Finish(ctx context.Context, j *Job, children []Run) error {
	done := 0
	for i := range children {
		if children[i].State == Done {
			done++
		}
	}
	j.Result(fmt.Sprintf("%d of %d", done, len(children)), map[string]int{"done": done})
	return j.Complete(ctx, func(ctx context.Context) error { return effect(ctx, j.service.db, "finish", j.Run.ID, 0) })
}

// part notes that it begins, works for a while, and ends together with the note that it ended.
func (s site) part(ctx context.Context, db *database.DB, j *Job) error {
	var n int
	if err := j.Payload(&n); err != nil {
		return err
	}
	if err := db.InTx(ctx, func(ctx context.Context) error { return effect(ctx, db, "start", j.Run.ID, n) }); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.Step):
	}
	return j.Complete(ctx, func(ctx context.Context) error { return effect(ctx, db, "end", j.Run.ID, n) })
}

// effect is what a handler leaves in the world: a line for each time that it really happened.
func effect(ctx context.Context, db *database.DB, what string, run int64, part int) error {
	return db.Conn(ctx).Exec("INSERT INTO effects (what, run, part, pid) VALUES (?, ?, ?, ?)", what, run, part, os.Getpid()).Error
}

func replica() error {
	var s site
	if err := json.Unmarshal([]byte(os.Getenv("MUSTER_TEST_REPLICA")), &s); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, j, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := db.LockFolder(); err != nil {
		return errors.Join(err, db.Close())
	}
	fmt.Println("ready")
	j.Work(ctx, Options{Alone: db.Engine == database.SQLite})
	return db.Close()
}

// field is a database on which replicas work, and a look at what they did.
type field struct {
	site
	db  *database.DB
	own *Service
	ctx context.Context
}

func newField(t testing.TB, engine database.Engine, step time.Duration) *field {
	t.Helper()
	f := &field{site: site{Step: step}}
	if engine == database.Postgres {
		f.URL = databasetest.PostgresURL(t)
	} else {
		f.Path = filepath.Join(t.TempDir(), "muster.db")
	}
	var err error
	if f.db, f.own, err = f.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.db.Close() })
	if err := f.db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = f.db.InTx(t.Context(), func(ctx context.Context) error {
		return errors.Join(f.db.Conn(ctx).Exec("CREATE TABLE effects (what TEXT, run BIGINT, part BIGINT, pid BIGINT)").Error,
			f.db.Conn(ctx).Exec("INSERT INTO workspaces (id, slug, name, created_at) VALUES (1, 'w', 'W', ?)", f.db.Now(ctx)).Error)
	})
	if err != nil {
		t.Fatal(err)
	}
	f.ctx = database.WithWorkspace(t.Context(), 1)
	return f
}

// start runs a replica in a process of its own.
func (f *field) start(t testing.TB) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(f.site)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "MUSTER_TEST_REPLICA="+string(text))
	c.Stderr = &tail{}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	ready := make([]byte, 6)
	if _, err := out.Read(ready); err != nil {
		t.Fatalf("a replica did not start: %v %s", err, c.Stderr)
	}
	return c
}

// tail keeps the end of what a process says.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b.Len() > 64<<10 {
		t.b.Reset()
	}
	return t.b.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func kill(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // says that it was killed
}

// count counts effects.
func (f *field) count(t testing.TB, condition string, args ...any) int {
	t.Helper()
	var n int
	if err := f.db.Conn(across(f.ctx)).Raw("SELECT COUNT(*) FROM effects WHERE "+condition, args...).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *field) look(t testing.TB, id int64) Run {
	t.Helper()
	r, found, err := f.own.byID(f.ctx, id)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	return r
}

func (f *field) scan(t testing.TB, parts int) int64 {
	t.Helper()
	r, err := f.own.Enqueue(f.ctx, access.SystemActor("test"), New{Kind: "scan", Name: "scan", Payload: parts})
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func engines(t *testing.T, f func(t *testing.T, engine database.Engine)) {
	t.Helper()
	for _, e := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}
