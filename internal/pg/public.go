package pg

import (
	"context"
	"fmt"
)

// AdminDatabase is where locks are taken.
func (s *Server) AdminDatabase() string { return s.config.Database }

// PublicRights are what PUBLIC, which is every login of the server, may do
// with a database: CONNECT, CREATE, TEMPORARY. None for one that is closed.
func (s *Server) PublicRights(ctx context.Context, database string) ([]string, error) {
	rights, err := s.lookUp(ctx, `
		SELECT a.privilege_type FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
		WHERE d.datname = $1 AND a.grantee = 0 ORDER BY 1`, database)
	if err != nil {
		return nil, fmt.Errorf("look at the rights on database %q: %w", database, err)
	}
	return rights, nil
}

// OpenToPublic lists the databases that every login of the server may enter.
func (s *Server) OpenToPublic(ctx context.Context) ([]string, error) {
	open, err := s.lookUp(ctx, `
		SELECT DISTINCT d.datname::text FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
		WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT' AND d.datallowconn ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list the databases that anybody may enter: %w", err)
	}
	return open, nil
}
