package posture

import (
	"context"

	"muster/internal/access"
	"muster/internal/control/catalogue"
	"muster/internal/exception"
	"muster/internal/fault"
)

// Ask requests an exception for a control on a service; slug "" is every service.
func (s *Service) Ask(ctx context.Context, actor access.Actor, slug string, r exception.Request) (exception.Exception, error) {
	var e exception.Exception
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		v, _, err := s.subject(ctx, actor, slug)
		if err != nil {
			return err
		}
		rules, err := s.controls.Ruleset(ctx)
		if err != nil {
			return err
		}
		if known, found := rules.Get(r.Control); !found || known.Subject == catalogue.Workspace {
			return fault.Field("control", "Choose a control of services.")
		}
		r.ServiceID, r.ServiceName = v.ID, v.Name
		if err := s.owner(ctx, &r); err != nil {
			return err
		}
		e, err = s.exceptions.Ask(ctx, actor, r)
		return err
	})
	return e, err
}

// owner finds the name of who is to see to it that an exception ends.
func (s *Service) owner(ctx context.Context, r *exception.Request) error {
	if r.OwnerID == 0 {
		return nil
	}
	people, err := s.people.Members(ctx, access.SystemActor("posture"))
	if err != nil {
		return err
	}
	for i := range people {
		if people[i].UserID == r.OwnerID {
			r.OwnerName = people[i].User.Name
			return nil
		}
	}
	return fault.Field("owner", "Choose a member of this workspace.")
}

// AskForFindings requests an exception for chosen findings, or for all that a rule names. What is worst among them limits
// for how long.
func (s *Service) AskForFindings(ctx context.Context, actor access.Actor, r exception.Request) (exception.Exception, error) {
	var e exception.Exception
	if err := s.access.Require(actor, access.Write, access.Exceptions); err != nil {
		return e, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.findings.Lapse(ctx); err != nil {
			return err
		}
		p, err := s.findings.Prospect(ctx, actor, &r)
		if err != nil {
			return err
		}
		if p.Total == 0 {
			return fault.Field("scope", "Nothing of this can be accepted: it is closed, or somebody judged it already.")
		}
		if r.Subject == exception.OfFindings {
			r.Findings, r.ServiceID, r.Services = p.IDs(), exception.Several, p.Services()
			if len(r.Services) == 1 && r.Services[0] != 0 {
				r.ServiceID, r.Services = r.Services[0], nil
			}
		}
		r.Severity, r.Title = string(p.Severity), p.Title
		if err := s.owner(ctx, &r); err != nil {
			return err
		}
		e, err = s.exceptions.Ask(ctx, actor, r)
		return err
	})
	return e, err
}

// Decide approves or declines an exception, and judges what it covers again. Findings that it covers are accepted with it.
func (s *Service) Decide(ctx context.Context, actor access.Actor, id int64, approve bool, note string) error {
	return s.then(ctx, Cause{Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		e, err := s.exceptions.Decide(ctx, actor, id, approve, note)
		if err != nil || e.Subject == exception.OfControl {
			return covered(&e), err
		}
		if !approve {
			return []int64{}, nil
		}
		touched, n, err := s.findings.Accept(ctx, actor, &e)
		if err == nil && n == 0 && e.Subject == exception.OfFindings {
			err = fault.New(fault.Conflict, "Nothing is left of what was asked for: the findings are closed, were judged otherwise, or became more severe. Decline it.")
		}
		if err != nil {
			return nil, err
		}
		return s.reheard(ctx, touched)
	})
}

// reheard looks at the findings of services after somebody judged some of them.
func (s *Service) reheard(ctx context.Context, touched []int64) ([]int64, error) {
	services := owned(touched)
	_, err := s.lookAtFindings(ctx, services)
	return services, err
}

// End withdraws an exception, and judges what it covered again. Findings that it accepted are open again.
func (s *Service) End(ctx context.Context, actor access.Actor, id int64, note string) error {
	return s.then(ctx, Cause{Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		e, err := s.exceptions.End(ctx, actor, id, note)
		if err != nil || e.Subject == exception.OfControl {
			return covered(&e), err
		}
		touched, err := s.findings.Release(ctx, actor, &e)
		if err != nil {
			return nil, err
		}
		return s.reheard(ctx, touched)
	})
}

// covered are the services of an exception for a control; nil is all of them.
func covered(e *exception.Exception) []int64 {
	if e.ServiceID == 0 {
		return nil
	}
	return []int64{e.ServiceID}
}

// owned leaves out what is nobody's; it is never nil, which would be every service.
func owned(services []int64) []int64 {
	out := []int64{}
	for _, id := range services {
		if id != 0 {
			out = append(out, id)
		}
	}
	return out
}

// lapse opens again the findings whose exceptions ran out, and judges their services.
func (s *Service) lapse(ctx context.Context) error {
	if s.findings == nil {
		return nil
	}
	return s.then(ctx, Cause{}, func(ctx context.Context) ([]int64, error) {
		touched, err := s.findings.Lapse(ctx)
		if err != nil || len(touched) == 0 {
			return []int64{}, err
		}
		return s.reheard(ctx, touched)
	})
}
