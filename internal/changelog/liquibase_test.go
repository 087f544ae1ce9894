package changelog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLiquibaseAppliesBaseThenCandidate(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	base := b.base(simple)
	next := files{"model/main.xml": xmlLog(tableA + `
<changeSet id="2 :: two" author="me"><sql>INSERT INTO a VALUES (1)</sql></changeSet>`)}
	login, report, failure := b.candidate(base, simple, next)
	if failure != nil {
		t.Fatal(failure)
	}
	if diff := cmp.Diff([]string{"model/main.xml::2 :: two::me"}, report.Changesets); diff != "" {
		t.Errorf("changesets (-want +got):\n%s", diff)
	}
	if len(report.Warnings) > 0 {
		t.Errorf("warnings: %q", report.Warnings)
	}
	if got := b.query(login.Database, "SELECT tableowner FROM pg_tables WHERE tablename = 'a'"); got != b.site.OwnerRole {
		t.Errorf("table a is owned by %s, want %s", got, b.site.OwnerRole)
	}
	t.Log(b.progress)
}
