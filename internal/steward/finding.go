package steward

import (
	"context"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/posture"
)

// after runs a change of findings and judges the services that it touched. Nobody's findings touch no service.
func (s *Service) after(ctx context.Context, actor access.Actor, change func(context.Context) ([]int64, error)) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		touched, err := change(ctx)
		if err != nil {
			return err
		}
		services := []int64{}
		for _, id := range touched {
			if id != 0 {
				services = append(services, id)
			}
		}
		return s.posture.Recompute(ctx, services, posture.Cause{Actor: actor.Name})
	})
}

// MoveFinding takes a finding to another state.
func (s *Service) MoveFinding(ctx context.Context, actor access.Actor, id int64, m finding.Move) (finding.Finding, error) {
	var f finding.Finding
	err := s.after(ctx, actor, func(ctx context.Context) ([]int64, error) {
		var err error
		f, err = s.findings.Move(ctx, actor, id, m)
		return []int64{f.ServiceID}, err
	})
	return f, err
}

// AssessFinding lets a person say how bad a finding is here.
func (s *Service) AssessFinding(ctx context.Context, actor access.Actor, id int64, severity finding.Severity, note string) (finding.Finding, error) {
	var f finding.Finding
	err := s.after(ctx, actor, func(ctx context.Context) ([]int64, error) {
		var err error
		f, err = s.findings.Assess(ctx, actor, id, severity, note)
		return []int64{f.ServiceID}, err
	})
	return f, err
}

// MoveFindings takes many findings to another state, all or none: those of the list that may go there.
func (s *Service) MoveFindings(ctx context.Context, actor access.Actor, ids []int64, m finding.Move) (int, error) {
	moved := 0
	err := s.after(ctx, actor, func(ctx context.Context) ([]int64, error) {
		may, _, err := s.findings.Sort(ctx, actor, ids, m)
		if err != nil {
			return nil, err
		}
		if len(may) == 0 {
			return nil, fault.Field("to", "None of these findings can go there.")
		}
		var touched []int64
		for i := range may {
			f, err := s.findings.Move(ctx, actor, may[i].ID, m)
			if err != nil {
				return nil, err
			}
			touched = append(touched, f.ServiceID)
		}
		moved = len(may)
		return touched, nil
	})
	return moved, err
}

// AssignFindings says which service a report's word stands for; the components of parts lists of that name go along.
func (s *Service) AssignFindings(ctx context.Context, actor access.Actor, label, slug string) error {
	return s.after(ctx, actor, func(ctx context.Context) ([]int64, error) {
		to, err := s.book.Get(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		if to.RetiredAt != nil {
			return nil, fault.Field("service", "This service is retired; choose one that is in use.")
		}
		touched, err := s.findings.Assign(ctx, actor, label, &to)
		if err != nil {
			return nil, err
		}
		return touched, s.book.GiveComponents(ctx, label, to.ID)
	})
}

// AddFindingRule says whose rows of reports are that a pattern fits.
func (s *Service) AddFindingRule(ctx context.Context, actor access.Actor, n finding.NewRule, slug string) error {
	return s.after(ctx, actor, func(ctx context.Context) ([]int64, error) {
		to, err := s.book.Get(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		if to.RetiredAt != nil {
			return nil, fault.Field("service", "This service is retired; choose one that is in use.")
		}
		return s.findings.AddRule(ctx, actor, n, &to)
	})
}
