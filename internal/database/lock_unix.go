//go:build unix

package database

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"muster/internal/fault"
)

// LockFolder takes the embedded database for one server or worker. The system gives the lock back when the process ends, however it ends.
func (d *DB) LockFolder() error {
	if d.Engine != SQLite {
		return nil
	}
	file, err := os.OpenFile(d.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open lock file: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor fits
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.Join(fault.New(fault.Conflict, "Another muster serve or muster worker uses %s already. Stop it, or give this one a data folder of its own with --data; several processes at once need PostgreSQL.", d.Path), file.Close())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lock data folder: %w", err), file.Close())
	}
	d.lock = file
	return nil
}
