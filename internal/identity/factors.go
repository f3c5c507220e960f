package identity

import "context"

// SecondFactors counts the workspace's members who may sign in, and those of them with a second factor.
func (s *Service) SecondFactors(ctx context.Context) (with, all int, err error) {
	users, err := s.activeUsers(ctx)
	for i := range users {
		if all++; users[i].HasMFA() {
			with++
		}
	}
	return with, all, err
}

// WorkspaceIDs lists every workspace, for the sweeps that go through them all.
func (s *Service) WorkspaceIDs(ctx context.Context) ([]int64, error) { return s.allWorkspaceIDs(ctx) }
