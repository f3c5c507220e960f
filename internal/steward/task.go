package steward

import (
	"context"

	"muster/internal/access"
	"muster/internal/remediation"
)

// MoveTask takes a task to another state; what is said of it is said of its findings, and posture follows.
func (s *Service) MoveTask(ctx context.Context, actor access.Actor, id int64, step remediation.Step) (remediation.Task, error) {
	var t remediation.Task
	err := s.after(ctx, actor, func(ctx context.Context) ([]int64, error) {
		var touched []int64
		var err error
		t, touched, err = s.tasks.Move(ctx, actor, id, step)
		return touched, err
	})
	return t, err
}
