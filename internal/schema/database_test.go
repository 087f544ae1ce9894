package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// versions are the servers that every test of reading runs against.
var versions = []int{15, 18}

// database is a database that one role writes and the service role reads.
type database struct {
	site  *lab.Site
	owner *pgx.Conn
	read  *pgx.Conn
}

func newDatabase(t testing.TB, version int) *database {
	t.Helper()
	site := lab.Postgres(t, version)
	site.Template(t, "")
	site.Super(t, site.Names.Template, fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s",
		pgx.Identifier{site.Names.Template}.Sanitize(), pgx.Identifier{site.OwnerRole}.Sanitize()))
	d := &database{site: site, owner: lab.Connect(t, site.SuperURL(site.Names.Template))}
	d.exec(t, "SET ROLE "+pgx.Identifier{site.OwnerRole}.Sanitize())
	config, err := pgx.ParseConfig(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.Database = site.Names.Template
	if d.read, err = pgx.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.read.Close(t.Context()) })
	return d
}

// reset makes schema registry new and empty.
func (d *database) reset(t testing.TB) {
	t.Helper()
	d.exec(t, "DROP SCHEMA IF EXISTS registry, archive CASCADE; CREATE SCHEMA registry; SET search_path = registry")
}

func (d *database) exec(t testing.TB, sql string) {
	t.Helper()
	if _, err := d.owner.Exec(t.Context(), d.named(sql)); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// named puts the site's roles in the place of $owner and $reader.
func (d *database) named(sql string) string {
	return strings.NewReplacer("$owner", d.site.OwnerRole, "$reader", d.site.ReaderRole).Replace(sql)
}

// unnamed is the way back, for texts that a test compares.
func (d *database) unnamed(text string) string {
	return strings.NewReplacer(d.site.OwnerRole, "registry_owner_role", d.site.ReaderRole, "registry_role",
		d.site.ServiceRole(), "patchbay").Replace(text)
}

func (d *database) snapshot(t testing.TB, o schema.Options) *schema.Snapshot {
	t.Helper()
	s, err := schema.Read(t.Context(), d.read, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
