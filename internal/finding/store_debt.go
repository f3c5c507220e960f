package finding

import (
	"context"
	"fmt"
	"time"

	"muster/internal/database"
)

// debtRow is a kept number of debt.
type debtRow struct {
	WorkspaceID int64  `gorm:"primaryKey"`
	ServiceID   int64  `gorm:"primaryKey"`
	What        string `gorm:"primaryKey"`
	Day         string `gorm:"primaryKey"`
	Days        int    `gorm:"primaryKey"`
	N           int64
}

// TableName keeps the table beside the other tables of findings.
func (debtRow) TableName() string { return "finding_debt" }

// debtWrong tells where the kept debt differs from the findings.
func (s *Service) debtWrong(ctx context.Context) ([]string, error) {
	rows, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Select("id", "service_id", "state", "opened_at", "reopened_at").Where("retracted_at IS NULL"))
	if err != nil {
		return nil, err
	}
	kept, err := database.List(ctx, "debt", database.Of[debtRow](s.db.Conn(ctx)).Where("n <> 0"))
	if err != nil {
		return nil, err
	}
	want, balance := debts{}, map[int64]int64{}
	for i := range rows {
		if f := &rows[i]; f.waits() {
			want.add(f.ServiceID, debtOpen, f.born().UTC().Format(time.DateOnly), 0, 1)
		}
	}
	for _, r := range kept {
		switch r.What {
		case debtOpen:
			want[debtKey{r.ServiceID, r.What, r.Day, r.Days}] -= r.N
			balance[r.ServiceID] -= r.N
		case debtOpened, debtReopened:
			balance[r.ServiceID] += r.N
		case debtClosed:
			balance[r.ServiceID] -= r.N
		}
	}
	var wrong []string
	for k, n := range want {
		if n != 0 {
			wrong = append(wrong, fmt.Sprintf("service %d, open since %s: %+d", k.service, k.day, n))
		}
	}
	for service, n := range balance {
		if n != 0 {
			wrong = append(wrong, fmt.Sprintf("service %d: opened and reopened less closed and open is %+d", service, n))
		}
	}
	return wrong, nil
}
