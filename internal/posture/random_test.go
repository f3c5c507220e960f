package posture_test

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/inventory"
)

// walk is a random life of a workspace.
type walk struct {
	*desk
	dice    *rand.Rand
	applied []int64
	words   []said
	open    []int64 // exceptions
	lines   []string
}

type said struct {
	slug string
	id   int64
}

func (w *walk) any() inventory.Service {
	list := w.services()
	return list[w.dice.Intn(len(list))]
}

var spoken = []string{"RUN-1", "RUN-2", "IAM-5", "PAT-3", "PAT-6", "TLS-1", "IAM-6", "DAT-2", "INV-1"}

// step does one thing at random and says what. What the workflow refuses changes nothing, and is as good.
func (w *walk) step() string {
	d := w.desk
	id := spoken[w.dice.Intn(len(spoken))]
	switch n := w.dice.Intn(13); n {
	case 0, 1:
		text := ""
		for _, name := range []string{"pay", "orders", "web"} {
			if w.dice.Intn(4) > 0 {
				text += deployment(name, w.dice.Intn(2) == 0)
				if w.dice.Intn(2) == 0 {
					text += way(name)
				}
			}
		}
		place := d.production
		if w.dice.Intn(4) == 0 {
			place = d.staging
		}
		w.applied = append(w.applied, d.apply(place, text+deployment("always", true)))
		return "import"
	case 2:
		if len(w.applied) > 1 {
			if d.intake.Undo(d.ctx, d.ama, w.applied[len(w.applied)-1]) == nil {
				w.applied = w.applied[:len(w.applied)-1]
			}
		}
		return "undo"
	case 3, 4:
		s, o := w.any(), evidence.Pass
		if w.dice.Intn(3) == 0 {
			o = evidence.Fail
		}
		row, err := d.Attest(d.ctx, d.ama, s.Slug, evidence.Attestation{Control: id, Outcome: o, Note: "I looked."})
		d.must(err)
		w.words = append(w.words, said{s.Slug, row.ID})
		return fmt.Sprintf("%s of %s %s", o, s.Slug, id)
	case 5:
		if len(w.words) > 0 {
			last := w.words[len(w.words)-1]
			w.words = w.words[:len(w.words)-1]
			_ = d.TakeBack(d.ctx, d.ama, last.slug, last.id, "It was another one.")
		}
		return "take back"
	case 6:
		return w.accept(id)
	case 7:
		if len(w.open) > 0 {
			last := w.open[len(w.open)-1]
			w.open = w.open[:len(w.open)-1]
			_ = d.End(d.ctx, d.ama, last, "It is fixed.")
		}
		return "end an exception"
	case 8:
		weight := w.dice.Intn(10)
		d.must(d.Choose(d.ctx, d.ama, control.Choice{Control: id, Off: w.dice.Intn(4) == 0, Weight: &weight, Reason: "It matters otherwise."}))
		return fmt.Sprintf("weight of %s: %d", id, weight)
	case 9:
		d.must(d.Applies(d.ctx, d.ama, w.any().Slug, id, w.dice.Intn(2) == 0, "We know."))
		return "applies " + id
	case 10:
		return w.edit()
	case 11:
		return w.register()
	default:
		d.clock.Move(time.Duration(w.dice.Intn(40*24)) * time.Hour)
		d.must(d.Sweep(d.ctx))
		return "a sweep some days later"
	}
}

// accept asks for an exception and approves it: the score of nothing may move.
func (w *walk) accept(id string) string {
	d, s := w.desk, w.any()
	d.must(d.Sweep(d.ctx)) // scores are those of this moment
	before := map[int64]float64{0: d.score(0).Score, s.ID: d.score(s.ID).Score}
	e, err := d.Ask(d.ctx, d.ama, s.Slug, exception.Request{Control: id, Reason: "Later.", Days: 1 + w.dice.Intn(60)})
	if err != nil {
		return "ask again"
	}
	d.must(d.Decide(d.ctx, d.kofi, e.ID, true, ""))
	w.open = append(w.open, e.ID)
	for service, score := range before {
		if now := d.score(service).Score; now != score {
			d.t.Fatalf("accepting %s of %s moved the score of %d from %v to %v", id, s.Slug, service, score, now)
		}
	}
	return "accept " + id
}

func (w *walk) edit() string {
	d, s := w.desk, w.any()
	switch w.dice.Intn(4) {
	case 0:
		if len(w.services()) > 2 {
			_, err := d.steward.Retire(d.ctx, d.ama, s.Slug, "It is gone.")
			d.must(err)
			return "retire " + s.Slug
		}
	case 1:
		others := w.services()
		_ = d.steward.AddCall(d.ctx, d.ama, s.Slug, inventory.Call{To: others[w.dice.Intn(len(others))].ID})
		return "a call of " + s.Slug
	case 2:
		_ = d.steward.AddEndpoint(d.ctx, d.ama, s.Slug, d.production, fmt.Sprintf("https://%s-%d.example", s.Slug, w.dice.Intn(100)), "all")
		return "an endpoint of " + s.Slug
	}
	exposure := []inventory.Exposure{inventory.Public, inventory.Internal, inventory.ExposureUnknown}[w.dice.Intn(3)]
	_, err := d.steward.Save(d.ctx, d.ama, s.Slug, inventory.Edit{Name: s.Name, Tier: 1 + w.dice.Intn(3), Exposure: exposure, Kind: s.Kind, Version: s.Version})
	if err != nil {
		return "an edit that was refused: " + err.Error()
	}
	return "edit " + s.Slug
}

func (w *walk) register() string {
	d, s := w.desk, w.any()
	expires := d.clock.Now().AddDate(0, 0, w.dice.Intn(60)-20).Format(time.DateOnly)
	d.must(d.Enter(d.ctx, d.ama, s.Slug, evidence.Line{Register: "credentials", Name: "key", Values: map[string]string{"kind": "API key", "rotated": "2026-01-01", "expires": expires}}))
	entries, err := d.ledger.Entries(d.ctx, d.ama, "credentials", nil)
	d.must(err)
	if w.dice.Intn(2) == 0 {
		d.must(d.Strike(d.ctx, d.ama, "credentials", entries[w.dice.Intn(len(entries))].ID))
	}
	return "a credential of " + s.Slug
}

// Whatever happens, and in whatever order, what is stored is what the evidence says.
func TestWhatIsStoredIsWhatTheEvidenceSays(t *testing.T) {
	t.Parallel()
	for seed := range int64(4) {
		databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
			w := &walk{desk: open(t, db, clock), dice: rand.New(rand.NewSource(seed))}
			w.applied = append(w.applied, w.apply(w.production, deployment("pay", false)+deployment("orders", true)+way("orders")+deployment("always", true)))
			w.rebuilt("the first import")
			for i := range 40 {
				// What runs out in this minute is due for a sweep; all that follows from the step, for the step.
				clock.Move(time.Minute)
				w.must(w.Sweep(w.ctx))
				w.lines = append(w.lines, w.step())
				w.rebuilt(fmt.Sprintf("seed %d, step %d: %q", seed, i, w.lines))
			}
		})
	}
}
