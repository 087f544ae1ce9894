package pg

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Role is what the server says about a role.
type Role struct {
	Name        string
	Login       bool
	Super       bool
	CreateDB    bool
	CreateRole  bool
	Replication bool
	BypassRLS   bool
	Databases   []string // that it owns
	MemberOf    []string
	Settings    []string // "search_path=pg_catalog", as ALTER ROLE … SET gave them
	Granted     bool     // the service role has its privileges
	Managed     bool     // the service role may alter it and grant it onwards
}

// Before 16 CREATEROLE may alter every role but a superuser, from 16 on only
// those that it has the admin option of, as the creator has.
const roleQuery = `
SELECT r.rolcanlogin, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls,
       ARRAY(SELECT d.datname::text FROM pg_database d WHERE d.datdba = r.oid ORDER BY 1),
       ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
       coalesce(r.rolconfig, '{}'), pg_has_role(current_user, r.oid, 'USAGE'),
       pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION')
       OR current_setting('server_version_num')::int < 160000 AND NOT r.rolsuper AND me.rolcreaterole
FROM pg_roles r, pg_roles me WHERE r.rolname = $1 AND me.rolname = current_user`

// Role looks a role up; nil when there is none of that name.
func (s *Server) Role(ctx context.Context, name string) (*Role, error) {
	var found []*Role
	err := s.withAdmin(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, roleQuery, name)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scanRole)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look at role %q: %w", name, Classify(err))
	}
	if len(found) == 0 {
		return nil, nil
	}
	found[0].Name = name
	return found[0], nil
}

func scanRole(row pgx.CollectableRow) (*Role, error) {
	r := &Role{}
	err := row.Scan(&r.Login, &r.Super, &r.CreateDB, &r.CreateRole, &r.Replication, &r.BypassRLS,
		&r.Databases, &r.MemberOf, &r.Settings, &r.Granted, &r.Managed)
	return r, err
}

// CheckOwnerRole refuses an owner role that a candidate, working as its
// member, could break out by. All faults are listed together, each with the
// statement that mends it in the hint.
func (s *Server) CheckOwnerRole(ctx context.Context, role string) error {
	owner, err := s.Role(ctx, role)
	if err != nil {
		return err
	}
	if owner == nil {
		return change.Failf(change.KindConfiguration, "owner role %q does not exist", role).
			WithHint("run prepare-template, or: CREATE ROLE %[1]s NOLOGIN; GRANT %[1]s TO %[2]s WITH ADMIN OPTION;", Ident(role), Ident(s.User()))
	}
	faults, remedies := owner.faults(Ident(s.User()))
	if len(faults) == 0 {
		return nil
	}
	return change.Failf(change.KindConfiguration, "owner role %q %s", role, strings.Join(faults, ", ")).
		WithHint("%s", strings.Join(remedies, " "))
}

func (r *Role) faults(service string) (faults, remedies []string) {
	f := faultList{role: r}
	role := Ident(r.Name)
	f.add(r.Login, "can log in", "ALTER ROLE "+role+" NOLOGIN")
	f.attributes()
	f.belongings(service)
	f.add(!r.Granted || !r.Managed, "is not granted to "+service+" with admin option", "GRANT "+role+" TO "+service+" WITH ADMIN OPTION")
	return f.faults, f.remedies
}

// faultList collects what a role should not have, and how to take it away.
type faultList struct {
	role             *Role
	faults, remedies []string
}

func (f *faultList) add(bad bool, fault, remedy string) {
	if bad {
		f.faults = append(f.faults, fault)
		f.remedies = append(f.remedies, remedy+";")
	}
}

func (f *faultList) attributes() {
	r, alter := f.role, "ALTER ROLE "+Ident(f.role.Name)
	f.add(r.Super, "is a superuser", alter+" NOSUPERUSER")
	f.add(r.CreateDB, "may create databases", alter+" NOCREATEDB")
	f.add(r.CreateRole, "may create roles", alter+" NOCREATEROLE")
	f.add(r.Replication, "may replicate", alter+" NOREPLICATION")
	f.add(r.BypassRLS, "bypasses row security", alter+" NOBYPASSRLS")
}

// belongings are databases and memberships.
func (f *faultList) belongings(service string) {
	for _, database := range f.role.Databases {
		f.add(true, "owns database "+database, "ALTER DATABASE "+Ident(database)+" OWNER TO "+service)
	}
	for _, other := range f.role.MemberOf {
		f.add(true, "is a member of "+other, "REVOKE "+Ident(other)+" FROM "+Ident(f.role.Name))
	}
}
