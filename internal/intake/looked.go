package intake

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/finding"
	"muster/internal/inventory"
)

// looking says which control each aspect of a complete report speaks for: that somebody looked, not what was found.
var looking = map[string]struct{ control, clause, words string }{
	aspectDependencies: {"PAT-6", "recent_scan", "a complete vulnerability scan"},
	aspectCode:         {"DEV-2", "recent_analysis", "a complete static analysis"},
	aspectDynamic:      {"DEV-6", "recent_test", "a complete dynamic test"},
	aspectImage:        {"RUN-5", "scanned", "a complete scan of the image"},
}

// looked records that complete reports were made, for each service that they speak about.
func (w *Workflow) looked(ctx context.Context, i *inventory.Import, source *inventory.Source, runs []finding.ReportRun) error {
	rules, err := w.posture.Ruleset(ctx)
	if err != nil {
		return err
	}
	var rows []evidence.Evidence
	for k := range runs {
		run := &runs[k]
		if !run.Complete {
			continue
		}
		for _, id := range strings.Fields(run.Services) {
			service, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return fmt.Errorf("read the services of a report: %w", err)
			}
			for _, aspect := range strings.Fields(run.Aspects) {
				l, speaks := looking[aspect]
				if _, known := rules.Find(l.control); !speaks || !known {
					continue
				}
				rows = append(rows, evidence.Evidence{ServiceID: service, EnvironmentID: source.EnvironmentID, Control: l.control, Clause: l.clause, Kind: catalogue.Report, Source: fmt.Sprintf("report:%d:%s", source.ID, run.Tool),
					Outcome: evidence.Pass, Observed: fmt.Sprintf("%s of %s, with %d rows", l.words, run.Tool, run.RowCount), Expected: "a report within the control's age", ArtefactHash: run.Digest, ImportID: i.ID, ObservedAt: run.SeenAt})
			}
		}
	}
	return w.ledger.Record(ctx, rules.Find, rows)
}
