package lab_test

import (
	"os"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		t.Run(map[int]string{15: "15", 18: "18"}[version], func(t *testing.T) {
			t.Parallel()
			site := lab.Postgres(t, version)
			site.Template(t, "CREATE SCHEMA registry; CREATE TABLE registry.lab (id int PRIMARY KEY)")
			reader := lab.Connect(t, site.ReaderURL(site.Names.Template))
			var major, tables int
			err := reader.QueryRow(t.Context(),
				"SELECT current_setting('server_version_num')::int / 10000, (SELECT count(*) FROM pg_class WHERE relname = 'lab')").
				Scan(&major, &tables)
			if err != nil || major != version || tables != 1 {
				t.Errorf("version %d, tables %d, err %v; want %d, 1", major, tables, err, version)
			}
		})
	}
}

// TestDocumentedGrants: the sites of all tests are made by the very
// statements that the documentation gives to a DBA.
func TestDocumentedGrants(t *testing.T) {
	page, err := os.ReadFile("../../docs/postgresql-grants.md")
	if err != nil {
		t.Fatal(err)
	}
	grants, err := os.ReadFile("grants.sql")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```sql\n"+string(grants)+"```") {
		t.Error("docs/postgresql-grants.md does not show the statements of grants.sql")
	}
}

func TestOwnPostgresRestarts(t *testing.T) {
	t.Parallel()
	own, err := lab.StartOwnPostgres(t.Context(), 15)
	if err != nil {
		t.Fatal(err)
	}
	conn := lab.Connect(t, own.SuperURL("postgres"))
	if err := own.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a session outlived the restart")
	}
	lab.Connect(t, own.SuperURL("postgres"))
	if err := own.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
