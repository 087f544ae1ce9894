package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "prepare-template",
	Contract: `prepare-template makes the reference database, registry-template.

Reads:  PostgreSQL; a folder of migrations or another database, if given.
Does:   creates the owner role and the reader role where they are missing;
        builds the template under another name (the built-in content, goose
        migrations, or a structure-only copy), refuses one that holds rows,
        and puts it in the place of the old one without a moment of absence.
Writes: prepare-template.json, also to stdout. Outcomes: done, nothing-to-do
        (of --dry-run), refused (the template would hold rows), failed.`,
	Exits: `0 done; 1 a server or network; 2 input, rights, content.`,
	Examples: []string{
		"prepare-template --environment dev                             the built-in content",
		"prepare-template --environment dev --migrations db/template    a folder of goose migrations",
		"PATCHBAY_FROM_PASSWORD_FILE=pw prepare-template --environment dev --from-database postgres://dump@db.example.org/registry",
	},
}

// Config is the step's input.
type Config struct {
	step.Common    `embed:""`
	Database       step.Database    `embed:""`
	Environment    step.Environment `embed:""`
	Migrations     string           `name:"migrations" env:"PATCHBAY_MIGRATIONS" placeholder:"DIR" help:"Folder of goose migrations that make the template's content."`
	FromDatabase   string           `name:"from-database" env:"PATCHBAY_FROM_DATABASE" placeholder:"URL" help:"Database whose structure becomes the template's content; a URL with a login of its own and without its password."`
	FromPassword   step.Secret      `name:"from-password" env:"PATCHBAY_FROM_PASSWORD" help:"The password of that login."`
	ExtensionsFrom string           `name:"extensions-from" env:"PATCHBAY_EXTENSIONS_FROM" placeholder:"DB" help:"Database of this server to begin from instead of an empty one: for extensions that only a DBA may create."`
	RowsAllowed    []string         `name:"rows-allowed" env:"PATCHBAY_ROWS_ALLOWED" placeholder:"SCHEMA.TABLE" help:"Tables that may hold rows in the template."`
	ReaderPassword step.Secret      `name:"reader-password" env:"PATCHBAY_READER_PASSWORD" help:"Makes the reader role a login; without it, it is a role to grant."`
	Programs       string           `name:"pg-bin" env:"PATCHBAY_PG_BIN" placeholder:"DIR" help:"Folder of pg_dump and pg_restore, as new as the server they read. Default: those on the PATH."`
	Timeout        time.Duration    `name:"timeout" env:"PATCHBAY_TIMEOUT" default:"10m" placeholder:"TIME" help:"Limit of making the content."`
	DryRun         bool             `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Check rights, roles and template, say what would be done, change nothing."`
}

// Faults lists what is missing or does not go together.
func (c *Config) Faults() []error {
	faults := c.Environment.RequireDev("prepare-template")
	faults = append(faults, c.names().Faults()...)
	faults = append(faults, c.roleFaults()...)
	faults = append(faults, c.sourceFaults()...)
	for _, table := range c.RowsAllowed {
		if schema, name, ok := strings.Cut(table, "."); !ok || schema == "" || name == "" {
			faults = append(faults, fmt.Errorf("--rows-allowed %s: want schema.table", table))
		}
	}
	return faults
}

func (c *Config) names() pg.Names {
	return pg.Names{Prefix: c.Database.Prefix, Template: c.Database.Template}
}

func (c *Config) roleFaults() (faults []error) {
	owner, reader := c.Database.OwnerRole, c.Database.ReaderRole
	if owner == "" || reader == "" || owner == reader {
		faults = append(faults, errors.New("owner role and reader role: want two different names"))
	}
	if len(owner) > 63 || len(reader) > 63 {
		faults = append(faults, errors.New("owner role and reader role: want at most 63 bytes each"))
	}
	for _, b := range []byte(c.ReaderPassword.Value()) {
		if b < 0x20 || b > 0x7e {
			return append(faults, errors.New("PATCHBAY_READER_PASSWORD: want printable ASCII characters only"))
		}
	}
	return faults
}

func (c *Config) sourceFaults() (faults []error) {
	if c.Migrations != "" && c.FromDatabase != "" {
		faults = append(faults, errors.New("--migrations and --from-database are both given: give one"))
	}
	if info, err := os.Stat(c.Migrations); c.Migrations != "" && (err != nil || !info.IsDir()) {
		faults = append(faults, fmt.Errorf("--migrations %s is not a folder", c.Migrations))
	}
	if c.FromDatabase == "" {
		return faults
	}
	u, err := url.Parse(c.FromDatabase)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.User.Username() == "" {
		return append(faults, errors.New("--from-database: want postgres://user@host:5432/database"))
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		faults = append(faults, errors.New("--from-database holds a password, which every process of the machine can read: put it into PATCHBAY_FROM_PASSWORD or a file named by PATCHBAY_FROM_PASSWORD_FILE"))
	}
	return faults
}

// source names where the content comes from, without a login.
func (c *Config) source() string {
	switch {
	case c.Migrations != "":
		return "migrations in " + c.Migrations
	case c.FromDatabase != "":
		u, _ := url.Parse(c.FromDatabase) // checked by Faults
		return "structure of " + u.Host + u.Path
	}
	return "built in"
}
