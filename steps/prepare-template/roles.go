package main

import (
	"context"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// roles is what there is of the roles, and what is to become of them.
type roles struct {
	service    string   // the service role
	rights     []string // what a DBA must grant it
	ownerName  string
	owner      *pg.Role // nil: missing
	readerName string
	reader     *pg.Role // nil: missing
	password   string   // of the reader; "" leaves it as it is
}

func lookAtRoles(ctx context.Context, server *pg.Server, cfg *Config) (*roles, error) {
	r := &roles{
		service: server.User(), ownerName: cfg.Database.OwnerRole, readerName: cfg.Database.ReaderRole,
		password: cfg.ReaderPassword.Value(),
	}
	var err error
	if r.rights, err = server.MissingRights(ctx); err != nil {
		return nil, err
	}
	if r.owner, err = server.Role(ctx, r.ownerName); err != nil {
		return nil, err
	}
	if r.reader, err = server.Role(ctx, r.readerName); err != nil {
		return nil, err
	}
	if r.owner != nil && r.owner.Managed && r.owner.Granted {
		if err := server.CheckOwnerRole(ctx, r.ownerName); err != nil {
			return nil, err
		}
	}
	return r, r.checkReader()
}

// grants lists the statements that a DBA must run first.
func (r *roles) grants() []string {
	grants := r.rights
	if r.owner != nil && !r.owner.Managed {
		grants = append(grants, "GRANT "+pg.Ident(r.ownerName)+" TO "+pg.Ident(r.service)+" WITH ADMIN OPTION;")
	}
	if r.reader != nil && r.password != "" && !r.reader.Managed {
		grants = append(grants, "GRANT "+pg.Ident(r.readerName)+" TO "+pg.Ident(r.service)+" WITH ADMIN OPTION;")
	}
	return grants
}

// missing lists the roles that make will create.
func (r *roles) missing() []string {
	missing := []string{}
	if r.owner == nil {
		missing = append(missing, r.ownerName)
	}
	if r.reader == nil {
		missing = append(missing, r.readerName)
	}
	return missing
}

// checkReader refuses a reader that could read rows by what it is: it shall
// have CONNECT and nothing else.
func (r *roles) checkReader() error {
	if r.reader == nil {
		return nil
	}
	var faults []string
	if r.reader.Super {
		faults = append(faults, "is a superuser")
	}
	if r.reader.BypassRLS {
		faults = append(faults, "bypasses row security")
	}
	for _, role := range r.reader.MemberOf {
		faults = append(faults, "is a member of "+role)
	}
	if len(faults) == 0 {
		return nil
	}
	return change.Failf(change.KindConfiguration, "reader role %q %s: it could read rows", r.readerName, strings.Join(faults, ", ")).
		WithHint("give another role by --reader-role, or take these rights back")
}

// make creates what is missing.
func (r *roles) make(ctx context.Context, server *pg.Server) error {
	if err := r.makeOwner(ctx, server); err != nil {
		return err
	}
	if err := server.CheckOwnerRole(ctx, r.ownerName); err != nil {
		return err
	}
	switch {
	case r.reader == nil:
		return server.CreateReader(ctx, r.readerName, r.password)
	case r.password != "":
		return server.LetLogIn(ctx, r.readerName, r.password)
	}
	return nil
}

func (r *roles) makeOwner(ctx context.Context, server *pg.Server) error {
	switch {
	case r.owner == nil:
		return server.CreateOwner(ctx, r.ownerName)
	case !r.owner.Granted:
		return server.TakeRole(ctx, r.ownerName)
	}
	return nil
}
