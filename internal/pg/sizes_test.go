package pg_test

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func TestSizes(t *testing.T) {
	onEach(t, func(t *testing.T, site *lab.Site, server *pg.Server) {
		site.Template(t, "CREATE SCHEMA registry; CREATE TABLE registry.lab (id int)")
		mine, theirs, half := site.Names.Candidate(7), site.Names.Candidate(8), site.Names.Candidate(9)
		clone(t, site, server, site.Names.Template, mine)
		clone(t, site, server, site.Names.Template, half)
		site.Super(t, "postgres", "CREATE DATABASE "+pg.Ident(theirs))
		site.Super(t, "postgres", "REVOKE CONNECT ON DATABASE "+pg.Ident(theirs)+" FROM PUBLIC")
		site.Super(t, "postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = "+pg.Literal(half))
		sizes, err := server.Sizes(t.Context(), []string{mine, theirs, half, site.Names.Candidate(10)})
		if err != nil || len(sizes) != 1 || sizes[mine] < 1<<20 || sizes[mine] > 1<<30 {
			t.Errorf("sizes %v, %v; want that of %s only", sizes, err, mine)
		}
	})
}
