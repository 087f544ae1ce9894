package pg

import (
	"context"
	"fmt"
)

// Logins gives the throw-away roles that there are, each with the database it
// works on, which may be gone.
func (s *Server) Logins(ctx context.Context, n Names) (map[string]string, error) {
	roles, err := s.lookUp(ctx, "SELECT rolname FROM pg_roles")
	if err != nil {
		return nil, fmt.Errorf("list logins: %w", err)
	}
	logins := map[string]string{}
	for _, role := range roles {
		if database, ok := n.LoginOf(role); ok {
			logins[role] = database
		}
	}
	return logins, nil
}
