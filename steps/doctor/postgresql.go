package main

import (
	"context"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func (e *examination) postgresql(ctx context.Context) {
	if !e.faults(e.cfg.Build.Faults()...) {
		return
	}
	server, err := e.connect(ctx)
	if err != nil {
		e.fail("server", err)
		return
	}
	defer server.Close(context.WithoutCancel(ctx))
	e.note("server", passed("PostgreSQL %d at %s, as %s%s", server.Version(), server.Endpoint().Host, server.User(), caution(server.Version())))
	e.serviceRole(ctx, server)
	e.adminDatabase(ctx, server)
	e.otherDatabases(ctx, server)
	owner := server.CheckOwnerRole(ctx, e.cfg.Build.Database.OwnerRole)
	e.settle("owner role", owner, passed("%s: no login, no attributes, no memberships, no databases", e.cfg.Build.Database.OwnerRole))
	e.readerRole(ctx, server)
	template := e.template(ctx, server)
	if owner != nil {
		e.note("rights", unknown("not tried: they need an owner role", ""))
		return
	}
	e.rehearse(ctx, server, template)
}

func (e *examination) connect(ctx context.Context) (*pg.Server, error) {
	return pg.Connect(ctx, pg.Config{
		URL: e.cfg.Build.Database.URL.Value(), AdminDatabase: e.cfg.Build.Database.AdminDatabase, SSLRootCert: e.Getenv("PGSSLROOTCERT"),
	})
}

func (e *examination) names() pg.Names {
	return pg.Names{Prefix: e.cfg.Build.Database.Prefix, Template: e.cfg.Build.Database.Template}
}

func caution(version int) string {
	if version >= 16 {
		return ""
	}
	return "; before 16 its CREATEROLE is as good as a superuser: only on a cluster of its own"
}

// serviceRole looks at the rights as the catalogs have them; rehearse tries
// them.
func (e *examination) serviceRole(ctx context.Context, server *pg.Server) {
	role, err := server.Role(ctx, server.User())
	if err == nil && role != nil && role.Super {
		err = change.Failf(change.KindConfiguration, "%s is a superuser: nothing would hold a mistake back", role.Name).
			WithHint("make a role of its own, see docs/postgresql-grants.md, or: ALTER ROLE %s NOSUPERUSER;", pg.Ident(role.Name))
	}
	if err != nil {
		e.fail("service role", err)
		return
	}
	missing, err := server.MissingRights(ctx)
	if err == nil && len(missing) > 0 {
		err = change.Failf(change.KindConfiguration, "%s lacks %d of its rights", server.User(), len(missing)).
			WithHint("as superuser: %s", strings.Join(missing, " "))
	}
	e.settle("service role", err, passed("CREATEDB, CREATEROLE, pg_signal_backend, SET ON PARAMETER temp_file_limit; no superuser"))
}

// adminDatabase: who may enter it can take the locks of all changes.
func (e *examination) adminDatabase(ctx context.Context, server *pg.Server) {
	name := server.AdminDatabase()
	rights, err := server.PublicRights(ctx, name)
	if err == nil && len(rights) > 0 {
		err = change.Failf(change.KindConfiguration, "%s: PUBLIC has %s, so a candidate's login can hold all locks", name, strings.Join(rights, ", ")).
			WithHint("REVOKE ALL ON DATABASE %s FROM PUBLIC;", pg.Ident(name))
	}
	e.settle("admin database", err, passed("%s: closed to PUBLIC", name))
}

// otherDatabases: a throw-away login, like any, gets in where PUBLIC does.
// postgres and template1 are so by default and hold nothing.
func (e *examination) otherDatabases(ctx context.Context, server *pg.Server) {
	open, err := server.OpenToPublic(ctx)
	if err != nil {
		e.fail("other databases", err)
		return
	}
	admin := server.AdminDatabase()
	open = slices.DeleteFunc(open, func(name string) bool {
		return name == "postgres" || name == "template1" || name == admin || e.names().Parse(name).Kind != pg.Foreign
	})
	if len(open) > 0 {
		e.note("other databases", warning("a candidate's login may enter "+some(open), "REVOKE CONNECT, TEMPORARY ON DATABASE "+pg.Ident(open[0])+" FROM PUBLIC; and so on, or use a cluster of its own"))
		return
	}
	e.note("other databases", passed("closed to PUBLIC"))
}

func (e *examination) readerRole(ctx context.Context, server *pg.Server) {
	name := e.cfg.Build.Database.ReaderRole
	if name == "" {
		e.note("reader role", warning("none is set: nobody but the service role sees candidates", "set PATCHBAY_READER_ROLE"))
		return
	}
	role, err := server.Role(ctx, name)
	if err == nil && role == nil {
		err = change.Failf(change.KindConfiguration, "%s does not exist", name).
			WithHint("run prepare-template, or: CREATE ROLE %s NOLOGIN;", pg.Ident(name))
	}
	if err == nil {
		err = server.CheckReaderRole(role)
	}
	if err != nil {
		e.fail("reader role", err)
		return
	}
	if missing := role.MissingSettings(); len(missing) > 0 {
		e.note("reader role", warning(name+" lacks settings that keep it to looking", "as superuser: "+strings.Join(missing, "; ")+";"))
		return
	}
	e.note("reader role", passed("%s: no attributes, no memberships, no databases; reads only", name))
}

// template says whether there is one to clone.
func (e *examination) template(ctx context.Context, server *pg.Server) (usable bool) {
	name := e.cfg.Build.Database.Template
	all, err := candidate.List(ctx, server, e.names())
	if err != nil {
		e.fail("template", err)
		return false
	}
	at := slices.IndexFunc(all, func(s candidate.Standing) bool { return s.Parsed.Kind == pg.Template })
	if at < 0 || all[at].Invalid {
		e.fail("template", change.Failf(change.KindConfiguration, "%s does not exist, or was half dropped", name).
			WithHint("run: prepare-template --environment dev --template %s", name))
		return false
	}
	rights, err := server.PublicRights(ctx, name)
	switch {
	case err != nil:
	case all[at].Owner != server.User() && !all[at].IsTemplate:
		err = change.Failf(change.KindConfiguration, "%s belongs to %s: the service role may not clone it", name, all[at].Owner).
			WithHint("as superuser: ALTER DATABASE %s OWNER TO %s;", pg.Ident(name), pg.Ident(server.User()))
	case len(rights) > 0:
		err = change.Failf(change.KindConfiguration, "%s: PUBLIC has %s", name, strings.Join(rights, ", ")).
			WithHint("REVOKE ALL ON DATABASE %s FROM PUBLIC;", pg.Ident(name))
	case all[at].Provenance == nil || all[at].Provenance.State != candidate.StateTemplate:
		e.note("template", warning(name+" is there and closed to PUBLIC, but prepare-template did not make it", "make it by prepare-template, which checks its content"))
		return true
	}
	return e.settle("template", err, passed("%s: made by prepare-template, closed to PUBLIC", name))
}
