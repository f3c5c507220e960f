//go:build !unix

package database

// LockFolder does nothing where there is no flock.
func (d *DB) LockFolder() error { return nil }
