package app

import (
	"context"
	"errors"
	"sync"

	"muster/internal/config"
	"muster/internal/fault"
	"muster/internal/house"
)

// Worker does what is planned and asked for, and serves no pages.
type Worker struct {
	House   *house.House
	workers int
}

// NewWorker opens the database for a worker. The embedded database is refused while another process works on it.
func NewWorker(ctx context.Context, store config.Store, reach config.Reach, workers int) (*Worker, error) {
	if err := config.CheckWorkers(workers); err != nil {
		return nil, fault.New(fault.Invalid, "%s.", err.Error())
	}
	if err := reach.Check(); err != nil {
		return nil, fault.New(fault.Invalid, "%s.", err.Error())
	}
	h, err := house.Open(ctx, store)
	if err != nil {
		return nil, err
	}
	if err := h.DB.LockFolder(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.Reach(reach)
	return &Worker{House: h, workers: workers}, nil
}

// Run works until the context ends, and returns within 15 seconds after that.
func (w *Worker) Run(ctx context.Context) {
	var busy sync.WaitGroup
	busy.Go(func() { sweep(ctx, w.House) })
	busy.Go(func() { work(ctx, w.House, w.workers) })
	busy.Wait()
}

// Close closes the database.
func (w *Worker) Close() error { return w.House.Close() }
