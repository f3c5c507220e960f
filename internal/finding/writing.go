package finding

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"muster/internal/access"
)

// keyRow is a stored key.
type keyRow struct {
	WorkspaceID int64
	Key         string
	FindingID   int64
	Facts       string
}

// TableName keeps the table beside the other tables of findings.
func (keyRow) TableName() string { return "finding_keys" }

// place of a finding in the counters.
type countKey struct {
	service  int64
	state    State
	severity Severity
	kind     Kind
}

// tally is how the counters move.
type tally map[countKey]int64

func (t tally) add(f *Finding, n int64) {
	if f != nil && f.Counted() {
		t[countKey{f.ServiceID, f.State, f.Severity, f.Kind}] += n
	}
}

// writing collects the rows that a change stores.
type writing struct {
	now      time.Time
	actor    access.Actor
	importID int64

	newFindings []Finding
	changed     []Finding
	reworded    []reword // whose words for search changed
	newSources  []Source
	oldSources  []Source
	keys        []keyRow
	taken       []taken // keys that go from one finding to another
	events      []Event
	tally       tally
	debts       debts
	had         map[int64][]string // keys of findings that become part of another
	zip         *gzip.Writer       // a new one for each event would take a megabyte of memory each time
}

type reword struct {
	id  int64
	was string
}

type taken struct{ from, to int64 }

// entry collects what one entry changed.
func (w *writing) entry(e *entry) error {
	e.now.UpdatedAt = w.now
	if e.before == nil {
		w.newFindings = append(w.newFindings, e.now)
	} else {
		e.now.Version = e.before.Version + 1
		w.changed = append(w.changed, e.now)
		if e.before.Search != e.now.Search {
			w.reworded = append(w.reworded, reword{e.now.ID, e.before.Search})
		}
	}
	w.tally.add(e.before, -1)
	w.tally.add(&e.now, 1)
	w.debts.move(e.before, &e.now, len(e.events) > 0 && e.events[len(e.events)-1].Action == Undone)
	for i := range e.sources {
		s := e.sources[i]
		if s.FindingID <= 0 {
			s.FindingID = e.now.ID
		}
		if s.GoneImport == 0 && s.GoneAt != nil {
			s.GoneImport = w.importID
		}
		switch {
		case s.ID == 0:
			w.newSources = append(w.newSources, s)
		case !slices.Contains(e.sourcesBefore, s):
			w.oldSources = append(w.oldSources, s)
		}
	}
	var keys []string
	for _, k := range e.keys {
		w.keys = append(w.keys, keyRow{Key: k.key, FindingID: e.now.ID, Facts: k.words})
		keys = append(keys, k.key)
	}
	for _, from := range e.took {
		w.taken = append(w.taken, taken{from, e.now.ID})
	}
	for i, v := range e.events {
		v.FindingID, v.At, v.ImportID = e.now.ID, w.now, w.importID
		v.ActorID, v.ActorName = w.actor.UserID, w.actor.Name
		if i == 0 && w.importID != 0 && e.before != nil {
			var err error
			if v.Before, err = w.squash(undoData{Finding: e.before, Sources: e.sourcesBefore, Keys: keys, Took: e.took, Had: w.had[e.now.ID]}); err != nil {
				return err
			}
		}
		w.events = append(w.events, v)
	}
	return nil
}

func (w *writing) squash(u undoData) ([]byte, error) {
	plain, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("keep what was: %w", err)
	}
	var b bytes.Buffer
	if w.zip == nil {
		w.zip = gzip.NewWriter(&b)
	} else {
		w.zip.Reset(&b)
	}
	if _, err := w.zip.Write(plain); err != nil {
		return nil, fmt.Errorf("keep what was: %w", err)
	}
	if err := w.zip.Close(); err != nil {
		return nil, fmt.Errorf("keep what was: %w", err)
	}
	return b.Bytes(), nil
}

func unsquash(data []byte) (undoData, error) {
	var u undoData
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return u, fmt.Errorf("read what was: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(z, 64<<20)).Decode(&u); err != nil {
		return u, fmt.Errorf("read what was: %w", err)
	}
	return u, nil
}
