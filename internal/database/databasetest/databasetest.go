// Package databasetest gives each test a migrated database of its own, on SQLite and on PostgreSQL.
package databasetest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"muster/internal/database"
)

// Clock is a clock that a test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a fixed moment.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock.
func (c *Clock) Move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Each runs a test on both engines.
func Each(t *testing.T, f func(t *testing.T, db *database.DB, clock *Clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		clock := NewClock()
		f(t, SQLite(t, clock), clock)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		clock := NewClock()
		f(t, Postgres(t, clock), clock)
	})
}

// SQLite opens a migrated database in a folder of the test.
func SQLite(t testing.TB, clock *Clock) *database.DB {
	t.Helper()
	return open(t, database.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Now: clock.Now})
}

// Postgres opens a migrated database of its own in a private cluster that this process starts once.
func Postgres(t testing.TB, clock *Clock) *database.DB {
	t.Helper()
	return open(t, database.Options{URL: PostgresURL(t), Now: clock.Now})
}

func open(t testing.TB, o database.Options) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

var (
	clusterOnce sync.Once
	clusterURL  string
	errCluster  error
	clusterLife io.Closer // held here: were it collected as garbage, its end would stop the cluster
	databases   atomic.Int64
)

// PostgresURL makes an empty database and gives its address. MUSTER_TEST_POSTGRES names a server to use instead of a private one.
func PostgresURL(t testing.TB) string {
	t.Helper()
	clusterOnce.Do(func() {
		if clusterURL = os.Getenv("MUSTER_TEST_POSTGRES"); clusterURL == "" {
			clusterURL, errCluster = startCluster()
		}
	})
	if errCluster != nil {
		t.Fatalf("The tests need PostgreSQL: %v. Install the postgresql package, or set MUSTER_TEST_POSTGRES.", errCluster)
	}
	runtime.KeepAlive(clusterLife)
	name := fmt.Sprintf("muster_test_%d_%d", os.Getpid(), databases.Add(1))
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, clusterURL)
	if err != nil {
		t.Fatalf("reach PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make test database: %v", err)
	}
	u, err := url.Parse(clusterURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// startCluster runs a PostgreSQL of this test process on a free loopback port, as an unprivileged user.
// It ends when this process ends, because the shell that watches it sees its pipe close.
func startCluster() (string, error) {
	bin, err := findBinaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "muster-pg-")
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	script := fmt.Sprintf(`set -e
trap 'kill -INT $pid 2>/dev/null; wait $pid 2>/dev/null; rm -rf %[1]q' EXIT
%[2]q/initdb -D %[1]q/data -U muster -A trust -E UTF8 --no-sync >/dev/null
%[2]q/postgres -D %[1]q/data -h 127.0.0.1 -p %[3]d -k %[1]q -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 >%[1]q/log 2>&1 &
pid=$!
read -r _ || true`, dir, bin, port)
	command := exec.Command("/bin/sh", "-c", script)
	command.Stderr = os.Stderr
	if clusterLife, err = command.StdinPipe(); err != nil {
		return "", err
	}
	if err := dropRoot(command, dir); err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	address := fmt.Sprintf("postgres://muster@127.0.0.1:%d/postgres?sslmode=disable", port)
	return address, waitFor(address)
}

func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no initdb was found")
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

// dropRoot runs the cluster as nobody when the test runs as root, since PostgreSQL refuses root.
func dropRoot(command *exec.Cmd, dir string) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, uidErr := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return fmt.Errorf("user nobody has odd ids")
	}
	command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	command.Dir = dir
	return os.Chown(dir, int(uid), int(gid))
}

func waitFor(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the private cluster did not start: %s", strings.TrimSpace(err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
