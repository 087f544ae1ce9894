package main

import (
	"context"

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
	if r.reader != nil {
		return r, server.CheckReaderRole(r.reader)
	}
	return r, nil
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

// advice lists the statements that a DBA should run, since the service role
// may not: nothing fails without them.
func (r *roles) advice() (statements []string) {
	if r.reader == nil || r.reader.Managed {
		return nil
	}
	for _, statement := range r.reader.MissingSettings() {
		statements = append(statements, statement+";")
	}
	return statements
}

// make creates what is missing and sets up what is there.
func (r *roles) make(ctx context.Context, server *pg.Server) error {
	if err := r.makeOwner(ctx, server); err != nil {
		return err
	}
	if err := server.CheckOwnerRole(ctx, r.ownerName); err != nil {
		return err
	}
	return r.makeReader(ctx, server)
}

func (r *roles) makeReader(ctx context.Context, server *pg.Server) error {
	if r.reader == nil {
		return server.CreateReader(ctx, r.readerName, r.password)
	}
	if r.reader.Managed {
		if err := server.SetReader(ctx, r.reader); err != nil {
			return err
		}
	}
	if r.password != "" {
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
