package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/versions/access"
)

var program = step.Program{
	Name: "serve-versions",
	Contract: `serve-versions shows the tables of master and of every candidate, what a
candidate changes, and how its deployment stands, as they are now.

Reads:  the catalogs of master's database and of candidate databases, as a
        reader that needs CONNECT and nothing else; Gerrit.
Does:   answers GET requests: a REST API that the platform's clients know
        (/openapi.json describes it) and web pages. Changes nothing anywhere.
        Listens on the loopback interface; on any other address only with --auth.
Writes: its address to stdout, a line for each request to the log.`,
	Exits: "0 ended by a signal; 1 the address is taken; 2 bad input or configuration.",
	Examples: []string{
		"serve-versions                              on http://127.0.0.1:8080",
		"serve-versions --listen 127.0.0.1:0         on a free port, which it prints",
		"serve-versions --listen 0.0.0.0:8080 --auth oidc --oidc-issuer https://sso.example.org/realms/admin --oidc-audience patchbay --oidc-role developer",
		"serve-versions --listen 0.0.0.0:8080 --auth proxy --proxy 10.1.2.3   behind a reverse proxy that logs people in",
		"serve-versions --pending-name PENDING       for clients of the platform as it is shipped",
	},
}

// Config is the step's input.
type Config struct {
	step.Common `embed:""`
	Gerrit      step.Gerrit `embed:""`
	Project     string      `name:"project" env:"GERRIT_PROJECT" placeholder:"NAME" help:"The registry's project, as Gerrit names it."`
	Branch      string      `name:"branch" env:"GERRIT_BRANCH" default:"master" placeholder:"NAME" help:"The branch that master's database is deployed from."`
	GerritLink  string      `name:"gerrit-link" env:"PATCHBAY_GERRIT_LINK" placeholder:"URL" help:"Where people reach Gerrit. Default: GERRIT_URL."`
	Label       string      `name:"label" env:"PATCHBAY_LABEL" default:"Verified" placeholder:"NAME" help:"The label that says how a deployment went."`
	Pipeline    string      `name:"pipeline" env:"PATCHBAY_PIPELINE" default:"registry" placeholder:"NAME" help:"The pipeline whose messages say why."`
	Voter       string      `name:"voter" env:"PATCHBAY_VOTER" placeholder:"NAME" help:"The account that writes them. Default: GERRIT_USERNAME."`
	Pending     string      `name:"pending-name" env:"PATCHBAY_PENDING_NAME" default:"UNKNOWN" enum:"UNKNOWN,PENDING" help:"What a state without a verdict is called: ${enum}."`

	Listen   string        `name:"listen" env:"PATCHBAY_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Host and port to listen on; port 0 takes a free one."`
	Requests int           `name:"max-requests" env:"PATCHBAY_MAX_REQUESTS" default:"64" placeholder:"N" help:"How many requests are worked on at once; more wait their turn."`
	Timeout  time.Duration `name:"request-timeout" env:"PATCHBAY_REQUEST_TIMEOUT" default:"20s" placeholder:"TIME" help:"How long one request may take."`
	StopWait time.Duration `name:"stop-wait" env:"PATCHBAY_STOP_WAIT" default:"10s" placeholder:"TIME" help:"How long a stop waits for requests to be answered."`

	Databases Databases `embed:""`
	Shown     Shown     `embed:""`
	Access    Access    `embed:""`
}

// Access is who may look.
type Access struct {
	Auth      []string `name:"auth" env:"PATCHBAY_AUTH" placeholder:"WAY" help:"Who may look: oidc (whoever has a token), proxy (whoever comes through a reverse proxy), or both: either does. Without it everybody on this machine, and nobody else."`
	Issuer    string   `name:"oidc-issuer" env:"PATCHBAY_OIDC_ISSUER" placeholder:"URL" help:"The OpenID provider."`
	Audience  string   `name:"oidc-audience" env:"PATCHBAY_OIDC_AUDIENCE" placeholder:"NAME" help:"Whom a token must be for."`
	RoleClaim string   `name:"oidc-role-claim" env:"PATCHBAY_OIDC_ROLE_CLAIM" default:"realm_access.roles" placeholder:"CLAIM" help:"Where a token lists its roles."`
	Role      string   `name:"oidc-role" env:"PATCHBAY_OIDC_ROLE" placeholder:"NAME" help:"The role that a token must have."`
	Proxies   []string `name:"proxy" env:"PATCHBAY_PROXY" placeholder:"ADDRESS" help:"Addresses or networks that the reverse proxy asks from; nobody else is believed."`
	UserField string   `name:"proxy-user-header" env:"PATCHBAY_PROXY_USER_HEADER" default:"X-Forwarded-User" placeholder:"NAME" help:"The header in which it names the user."`
	Origins   []string `name:"cors-origin" env:"PATCHBAY_CORS_ORIGIN" placeholder:"ORIGIN" help:"Sites whose scripts may ask, for example https://portal.example.org. Default: none."`
}

func (a Access) config() access.Config {
	return access.Config{
		Ways: a.Auth, Proxies: a.Proxies, UserField: a.UserField, Origins: a.Origins,
		Token: access.Token{Issuer: a.Issuer, Audience: a.Audience, RoleClaim: a.RoleClaim, Role: a.Role},
	}
}

// Databases is where the models lie.
type Databases struct {
	URL              step.Secret   `name:"database-url" env:"DATABASE_URL" help:"The candidates' server and the reader's login; its database is replaced. Empty means libpq's PG* variables."`
	MasterURL        step.Secret   `name:"master-url" env:"PATCHBAY_MASTER_URL" help:"Master's database and the reader's login. Default: registry on the same server."`
	Prefix           string        `name:"prefix" env:"PATCHBAY_PREFIX" default:"registry-dev-" placeholder:"TEXT" help:"What names of candidate databases begin with."`
	Connections      int           `name:"connections" env:"PATCHBAY_CONNECTIONS" default:"4" placeholder:"N" help:"Sessions to one database at once."`
	Pools            int           `name:"pools" env:"PATCHBAY_POOLS" default:"8" placeholder:"N" help:"Databases with open sessions at once."`
	StatementTimeout time.Duration `name:"statement-timeout" env:"PATCHBAY_STATEMENT_TIMEOUT" default:"10s" placeholder:"TIME" help:"How long one statement may take."`
	Idle             time.Duration `name:"idle" env:"PATCHBAY_IDLE" default:"30s" placeholder:"TIME" help:"When unused sessions are closed."`
}

// Shown says what of a model is shown.
type Shown struct {
	Schemas        []string `name:"schemas" env:"PATCHBAY_SCHEMAS" placeholder:"NAME" help:"Schemas that are shown. Default: registry if there is one, else all but the system's."`
	Subject        string   `name:"subject-table" env:"PATCHBAY_SUBJECT_TABLE" default:"subject" placeholder:"NAME" help:"The table of subjects: what has a foreign key to it is a subject's."`
	TablePrefixes  []string `name:"hide-table-prefixes" env:"PATCHBAY_HIDE_TABLE_PREFIXES" default:"ddm_" placeholder:"TEXT" help:"Tables that are not shown, by how their names begin."`
	TableSuffixes  []string `name:"hide-table-suffixes" env:"PATCHBAY_HIDE_TABLE_SUFFIXES" default:"_hst" placeholder:"TEXT" help:"Tables that are not shown, by how their names end."`
	ColumnPrefixes []string `name:"hide-column-prefixes" env:"PATCHBAY_HIDE_COLUMN_PREFIXES" default:"ddm_,dcm_" placeholder:"TEXT" help:"Columns that are not shown, by how their names begin."`
	ViewSuffixes   []string `name:"view-suffixes" env:"PATCHBAY_VIEW_SUFFIXES" default:"_v" placeholder:"TEXT" help:"How names of views end; they are no tables."`
	IndexSuffixes  []string `name:"hide-index-suffixes" env:"PATCHBAY_HIDE_INDEX_SUFFIXES" default:"_m2m" placeholder:"TEXT" help:"Indexes that are not shown, by how their names end."`
	ChangelogTable string   `name:"changelog-table" env:"PATCHBAY_CHANGELOG_TABLE" placeholder:"NAME" help:"The engine's tracking table, if it is not its own; the lock table's name is this and _lock."`
	TrackingTables []string `name:"tracking-tables" env:"PATCHBAY_TRACKING_TABLES" default:"databasechangelog,databasechangeloglock,goose_db_version" placeholder:"NAME" help:"The tables of engines, which are not shown."`
}

// Faults lists what is wrong with the input.
func (c *Config) Faults() []error {
	var faults []error
	if c.Project == "" {
		faults = append(faults, errors.New("GERRIT_PROJECT is missing: the registry's project, as Gerrit names it"))
	}
	faults = append(faults, c.listenFaults()...)
	faults = append(faults, c.Access.config().Faults()...)
	for name, n := range map[string]int{"--max-requests": c.Requests, "--connections": c.Databases.Connections, "--pools": c.Databases.Pools} {
		if n < 1 || n > 1000 {
			faults = append(faults, fmt.Errorf("%s %d: want 1 to 1000", name, n))
		}
	}
	for name, d := range map[string]time.Duration{
		"--request-timeout": c.Timeout, "--statement-timeout": c.Databases.StatementTimeout, "--idle": c.Databases.Idle, "--stop-wait": c.StopWait,
	} {
		if d < time.Millisecond {
			faults = append(faults, fmt.Errorf("%s %s: want more than 0", name, d))
		}
	}
	for _, fault := range c.names().Faults() {
		faults = append(faults, fmt.Errorf("--prefix: %w", fault))
	}
	return faults
}

// names knows no template: none is read.
func (c *Config) names() pg.Names {
	return pg.Names{Prefix: c.Databases.Prefix, Template: "registry-template"}
}

func (c *Config) listenFaults() []error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		return []error{fmt.Errorf("--listen %q: want host:port, for example 127.0.0.1:8080", change.OneLine(c.Listen))}
	case !loopback(host) && len(c.Access.Auth) == 0:
		return []error{fmt.Errorf("--listen %q is not a loopback address: whoever can reach it could read every model; give --auth", change.OneLine(c.Listen))}
	}
	return nil
}

// loopback: only what is one by its form. A name could mean anything.
func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s Shown) tracking() []string {
	tables := s.TrackingTables
	if s.ChangelogTable != "" {
		tables = append(tables, s.ChangelogTable, s.ChangelogTable+"_lock")
	}
	return tables
}
