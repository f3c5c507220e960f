package house_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/finding"
	"muster/internal/house"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/jobs"
	"muster/internal/secret"
)

// TestMain lets the test program be a serving process of its own, which carries out imports until it is killed.
func TestMain(m *testing.M) {
	if os.Getenv("MUSTER_TEST_SERVER") == "" {
		os.Exit(m.Run())
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

type place struct{ URL, Data string }

func (p place) open(ctx context.Context) (*house.House, error) {
	return house.Open(ctx, config.Store{Data: p.Data, Database: secret.Text(p.URL)})
}

func serve() error {
	var p place
	if err := json.Unmarshal([]byte(os.Getenv("MUSTER_TEST_SERVER")), &p); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	h, err := p.open(ctx)
	if err != nil {
		return err
	}
	if err := h.DB.LockFolder(); err != nil {
		return errors.Join(err, h.Close())
	}
	fmt.Println("ready")
	h.Jobs.Work(ctx, jobs.Options{Alone: h.DB.Engine == database.SQLite})
	return h.Close()
}

// What one import of the test holds.
const (
	flaws      = 60
	components = 40
)

// files are a report and a lock file of one thing, with names of its own.
func files(n int) []model.File {
	var rows, packages []string
	for i := range flaws {
		rows = append(rows, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%d%04d","PkgName":"p%d","PkgIdentifier":{"PURL":"pkg:npm/p%d@1.0.0"},"InstalledVersion":"1.0.0","Severity":"HIGH","Title":"Flaw %d"}`, 1000+n, i, i, i, i))
	}
	for i := range components {
		packages = append(packages, fmt.Sprintf(`"node_modules/c%d":{"version":"1.0.%d"}`, i, n))
	}
	return []model.File{
		{Path: fmt.Sprintf("thing-%d/trivy.json", n), Data: fmt.Appendf(nil, `{"SchemaVersion":2,"ArtifactName":"thing-%d","ArtifactType":"filesystem","Results":[{"Target":"a","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[%s]}]}`, n, strings.Join(rows, ","))},
		{Path: fmt.Sprintf("thing-%d/package-lock.json", n), Data: fmt.Appendf(nil, `{"name":"x","lockfileVersion":3,"packages":{"":{},%s}}`, strings.Join(packages, ","))},
	}
}

// yard is a database whose serving process is killed again and again, and a look at what it left.
type yard struct {
	*house.House
	place
	t       testing.TB
	ctx     context.Context
	env     int64
	actor   access.Actor
	imports []int64
	runs    map[int64]int64 // run by import
}

func newYard(t testing.TB, engine database.Engine) *yard {
	t.Helper()
	y := &yard{place: place{Data: t.TempDir()}, t: t, actor: access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}, runs: map[int64]int64{}}
	if engine == database.Postgres {
		y.URL = databasetest.PostgresURL(t)
	}
	var err error
	if y.House, err = y.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = y.Close() })
	w, err := y.Identity.CreateWorkspace(t.Context(), access.SystemActor("test"), "Kente")
	if err != nil {
		t.Fatal(err)
	}
	y.ctx = database.WithWorkspace(t.Context(), w.ID)
	environments, err := y.Inventory.Environments(y.ctx, y.actor)
	if err != nil {
		t.Fatal(err)
	}
	y.env = environments[0].ID
	return y
}

// ask asks for one more import.
func (y *yard) ask() {
	y.t.Helper()
	n := len(y.imports)
	found, err := imports.Inspect(files(n), imports.Options{})
	if err != nil {
		y.t.Fatal(err)
	}
	id, err := y.Intake.Propose(y.ctx, y.actor, intake.Proposal{EnvironmentID: y.env, SourceName: fmt.Sprintf("thing-%d", n), Inspection: found})
	if err != nil {
		y.t.Fatal(err)
	}
	r, err := y.Intake.Start(y.ctx, y.actor, id, intake.Choices{})
	if err != nil {
		y.t.Fatal(err)
	}
	y.imports, y.runs[id] = append(y.imports, id), r.ID
}

func (y *yard) start() *exec.Cmd {
	y.t.Helper()
	text, err := json.Marshal(y.place)
	if err != nil {
		y.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		y.t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env, c.Stderr = append(os.Environ(), "MUSTER_TEST_SERVER="+string(text)), os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		y.t.Fatal(err)
	}
	y.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	if _, err := out.Read(make([]byte, 6)); err != nil {
		y.t.Fatalf("the process did not start: %v", err)
	}
	return c
}

// look holds that every import is there as a whole or not at all, and gives how many are not stored yet.
func (y *yard) look() (open int) {
	y.t.Helper()
	var have []struct {
		ID           int64
		State        string
		Parts, Flaws int
	}
	// One statement sees one moment: the server goes on meanwhile.
	err := y.DB.Conn(y.ctx).Model(&inventory.Import{}).Select("id, state, (SELECT COUNT(*) FROM components c WHERE c.workspace_id = imports.workspace_id AND c.import_id = imports.id) AS parts, " +
		"(SELECT COUNT(DISTINCT e.finding_id) FROM finding_events e WHERE e.workspace_id = imports.workspace_id AND e.import_id = imports.id) AS flaws").Scan(&have).Error
	if err != nil {
		y.t.Fatal(err)
	}
	for _, i := range have {
		whole := i.State == string(inventory.ImportApplied)
		if !whole {
			open++
		}
		if whole != (i.Parts == components) || whole != (i.Flaws == flaws) || !whole && i.Parts+i.Flaws > 0 {
			y.t.Fatalf("import %d is %s, with %d of %d components and %d of %d findings", i.ID, i.State, i.Parts, components, i.Flaws, flaws)
		}
	}
	return open
}

// again gives what was reported as failed too often another try, as a person would.
func (y *yard) again() (reported int) {
	y.t.Helper()
	for id, run := range y.runs {
		r, err := y.Jobs.Look(y.ctx, y.actor, run)
		if err != nil {
			y.t.Fatal(err)
		}
		if r.State == jobs.Dead {
			reported++
			if _, err := y.Jobs.Retry(y.ctx, y.actor, run); err != nil {
				y.t.Fatal(id, err)
			}
		}
	}
	return reported
}

// The serving process is killed in the middle of imports, again and again: nothing is half stored, and in the end every
// import is there once. MUSTER_KILLS says how often; `make torture` kills 300 times on each engine.
func TestImportsSurviveKill9(t *testing.T) {
	t.Parallel()
	kills, err := strconv.Atoi(os.Getenv("MUSTER_KILLS"))
	if err != nil {
		kills = 4
	}
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			y := newYard(t, engine)
			reported, hit := 0, 0
			for n := range kills {
				for open := y.look(); open < 8; open++ {
					y.ask()
				}
				server := y.start()
				time.Sleep(time.Duration(20+rand.IntN(400)) * time.Millisecond)
				if err := server.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = server.Wait()
				if y.look() > 0 && y.busy() {
					hit++
				}
				if n%10 == 9 {
					reported += y.again()
				}
			}
			y.start()
			deadline := time.Now().Add(3 * time.Minute)
			for y.look() > 0 {
				if time.Now().After(deadline) {
					t.Fatalf("%d imports were never stored", y.look())
				}
				time.Sleep(100 * time.Millisecond)
				reported += y.again()
			}
			y.once()
			t.Logf("%s: %d kills, %d of them in the middle of an import; %d imports, each stored once; %d were reported and tried again", engine, kills, hit, len(y.imports), reported)
			if hit == 0 {
				t.Error("no kill met an import")
			}
		})
	}
}

// busy reports whether the process died while it held a run.
func (y *yard) busy() bool {
	y.t.Helper()
	var n int64
	if err := y.DB.Conn(y.ctx).Model(&jobs.Run{}).Where("state = 'running'").Count(&n).Error; err != nil {
		y.t.Fatal(err)
	}
	return n > 0
}

// once holds that every import was carried out one time: in the log, and in the findings that there are.
func (y *yard) once() {
	y.t.Helper()
	var logged []struct {
		ObjectID int64
		N        int
	}
	if err := y.DB.Conn(y.ctx).Model(&activity.Activity{}).Select("object_id, COUNT(*) AS n").Where("action = 'import.apply'").Group("object_id").Scan(&logged).Error; err != nil {
		y.t.Fatal(err)
	}
	if len(logged) != len(y.imports) {
		y.t.Errorf("%d imports are in the log, not %d", len(logged), len(y.imports))
	}
	for _, l := range logged {
		if l.N != 1 {
			y.t.Errorf("import %d was carried out %d times", l.ObjectID, l.N)
		}
	}
	var n int64
	if err := y.DB.Conn(y.ctx).Model(&finding.Finding{}).Count(&n).Error; err != nil || n != int64(flaws*len(y.imports)) {
		y.t.Errorf("there are %d findings, not %d (%v)", n, flaws*len(y.imports), err)
	}
}
