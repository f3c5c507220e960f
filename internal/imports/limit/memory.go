package limit

import (
	"runtime/debug"
	"sync"
)

// Large is the size of files from which an import is read with the garbage collector on a short leash: the file alone
// fills so much memory that the usual twice of it would be more than a small machine has.
const Large = 32 << 20

// short is how much garbage there may be, in percent of what is in use, while a large import is read or stored.
const short = 25

var leash struct {
	sync.Mutex
	holders, before int
}

// Leash makes the collector run more often while a large import is read or stored, and gives the way back.
func Leash() (release func()) {
	leash.Lock()
	defer leash.Unlock()
	if leash.holders++; leash.holders == 1 {
		leash.before = debug.SetGCPercent(short)
	}
	return sync.OnceFunc(func() {
		leash.Lock()
		defer leash.Unlock()
		if leash.holders--; leash.holders == 0 {
			debug.SetGCPercent(leash.before)
		}
	})
}
