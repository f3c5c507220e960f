// Package house joins the parts below the edges: an open, migrated database with every service on it, for the web and the command line alike.
package house

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/config"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/jobs"
	"muster/internal/posture"
	"muster/internal/remediation"
	"muster/internal/scan"
	"muster/internal/secret"
	"muster/internal/steward"
	"muster/internal/topology"
)

// House is an open, migrated database with every service on it.
type House struct {
	DB        *database.DB
	Access    *access.Control
	Activity  *activity.Service
	Identity  *identity.Service
	Inventory *inventory.Book

	Ledger     *evidence.Ledger
	Controls   *control.Service
	Exceptions *exception.Service
	Findings   *finding.Service
	Tasks      *remediation.Service
	Posture    *posture.Service
	Intake     *intake.Workflow
	Steward    *steward.Service
	Jobs       *jobs.Service
	Scans      *scan.Service
	Topology   *topology.Service
}

// Open opens the database of the store, brings its schema up to date, and makes the services.
func Open(ctx context.Context, store config.Store) (*House, error) {
	return OpenAt(ctx, store, time.Now)
}

// OpenAt is Open with a clock, for tests.
func OpenAt(ctx context.Context, store config.Store, now func() time.Time) (*House, error) {
	db, err := database.Open(ctx, database.Options{URL: store.Database.Reveal(), Path: store.SQLitePath(), Now: now})
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Message: "The database cannot be opened: " + err.Error() + ".", Cause: err}
	}
	house, err := furnish(ctx, db, store)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return house, nil
}

func furnish(ctx context.Context, db *database.DB, store config.Store) (*House, error) {
	if err := db.Migrate(ctx); err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Message: "The database's schema cannot be brought up to date: " + err.Error() + ".", Cause: err}
	}
	key, err := loadKey(store)
	if err != nil {
		return nil, err
	}
	rights, err := access.New()
	if err != nil {
		return nil, err
	}
	h := &House{DB: db, Access: rights, Activity: activity.New(db, rights)}
	h.Identity = identity.New(db, rights, h.Activity, key)
	h.Inventory = inventory.New(db, rights, h.Activity)
	h.judges()
	h.works()
	return h, nil
}

// judges makes the parts that say how secure the services are.
func (h *House) judges() {
	h.Ledger = evidence.New(h.DB, h.Access, h.Activity)
	h.Controls = control.New(h.DB, h.Access, h.Activity)
	h.Exceptions = exception.New(h.DB, h.Access, h.Activity)
	h.Topology = topology.New(h.DB, h.Access, h.Activity, h.Inventory, h.Ledger)
	h.Findings = finding.New(h.DB, h.Access, h.Activity, h.Inventory, h.Exceptions)
	h.Tasks = remediation.New(remediation.Parts{DB: h.DB, Access: h.Access, Log: h.Activity, People: h.Identity, Book: h.Inventory, Controls: h.Controls, Findings: h.Findings})
	h.Posture = posture.New(posture.Parts{DB: h.DB, Access: h.Access, Log: h.Activity, People: h.Identity, Book: h.Inventory, Ledger: h.Ledger, Controls: h.Controls, Exceptions: h.Exceptions, Topology: h.Topology, Findings: h.Findings, Tasks: h.Tasks})
	h.Intake = intake.New(h.DB, h.Access, h.Activity, h.Inventory, h.Findings, h.Ledger, h.Posture)
	h.Steward = steward.New(h.DB, h.Inventory, h.Intake, h.Findings, h.Tasks, h.Posture)
}

func loadKey(store config.Store) (*secret.Box, error) {
	if err := os.MkdirAll(store.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	key, err := secret.LoadOrCreateKey(store.KeyPath())
	if err != nil {
		return nil, fmt.Errorf("load the key file: %w", err)
	}
	return secret.NewBox(key)
}

// Close closes the database.
func (h *House) Close() error { return h.DB.Close() }
