package imports

import (
	"runtime/debug"
	"sync"

	"muster/internal/imports/model"
)

// large is the size from which an import is read with the garbage collector on a short leash: its file alone fills so
// much memory that the usual twice of it would be more than a small machine has.
const large = 32 << 20

var leash struct {
	sync.Mutex
	readers, before int
}

// careful makes the collector run more often while large files are read, and gives the way back.
func careful(files []model.File) (done func()) {
	total := 0
	for _, f := range files {
		total += len(f.Data)
	}
	if total < large {
		return func() {}
	}
	leash.Lock()
	defer leash.Unlock()
	if leash.readers++; leash.readers == 1 {
		leash.before = debug.SetGCPercent(40)
	}
	return func() {
		leash.Lock()
		defer leash.Unlock()
		if leash.readers--; leash.readers == 0 {
			debug.SetGCPercent(leash.before)
		}
	}
}
