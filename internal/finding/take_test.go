package finding_test

import (
	"io"
	"runtime"
	"testing"

	"muster/internal/finding"
	"muster/internal/finding/file"
)

// heap is how much memory is in use, and the most that was.
type heap struct{ base, most uint64 }

func (h *heap) look() {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if h.base == 0 {
		h.base = m.HeapAlloc
	}
	h.most = max(h.most, m.HeapAlloc)
}

func (h *heap) grew() uint64 { return h.most - h.base }

// takeOut exports everything as SARIF, which remembers most, and says how much memory that held on to.
func (d *desk) takeOut() (rows int, held uint64) {
	d.t.Helper()
	var h heap
	h.look()
	w := file.New(file.SARIF, io.Discard, file.About{Workspace: "kente", At: d.clock.Now(), Service: func(int64) string { return "pay" }})
	seen := map[int64]bool{}
	pages := 0
	err := d.Export(d.ctx, ama, finding.Filter{Everything: true}, "SARIF", "everything", func(list []finding.Exported) error {
		if len(list) > 500 {
			d.t.Errorf("%d findings at once", len(list))
		}
		for i := range list {
			if seen[list[i].ID] || list[i].Identity == "" || list[i].Description == "" {
				d.t.Errorf("finding %d comes twice, or not whole", list[i].ID)
			}
			seen[list[i].ID] = true
		}
		if pages++; pages%20 == 0 {
			h.look()
		}
		return w.Add(list)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := w.End(); err != nil {
		d.t.Fatal(err)
	}
	return len(seen), h.grew()
}

func TestAnExportHoldsOnePageAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", many(d.pay, 1200, 0)...))
		if n, _ := d.takeOut(); n != 1200 {
			t.Errorf("%d of 1200 findings", n)
		}
	})
}
