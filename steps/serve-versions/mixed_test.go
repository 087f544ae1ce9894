package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

var (
	staleOf = regexp.MustCompile(`The database is of patch set (\d+)`)
	madeBy  = regexp.MustCompile(`of_(\d+)`)
)

// TestPageIsOfOnePatchSet: when the database is replaced between two readings
// of one page, the page is read again: it does not show the state of one
// patch set over the tables of another, nor "no database" over tables.
func TestPageIsOfOnePatchSet(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.push("couriers")
	p := s.clone.Amend(t, "", map[string]string{"more": "1"})
	v := s.serve()
	database := s.site.Names.Candidate(p.Number)
	looks := lab.Connect(t, s.site.SuperURL("postgres"))
	waits := func(what, sql string, args ...any) {
		t.Helper()
		for n, end := 0, time.Now().Add(20*time.Second); n == 0; time.Sleep(5 * time.Millisecond) {
			s.must(looks.QueryRow(t.Context(), sql, args...).Scan(&n))
			if time.Now().After(end) {
				t.Fatalf("%s\n%s", what, v.log)
			}
		}
	}
	ddl := func(k int) string {
		return fmt.Sprintf("CREATE TABLE of_%d (id int, of_%d int); ALTER TABLE nokey ADD of_%d int", k, k, k)
	}
	for i, below := range []string{"", "?against=base", "/tables", "/tables/nokey"} {
		s.publish(p, ddl(1), func(pr *candidate.Provenance) { pr.PatchSet.PatchSet, pr.Revision = 1, strings.Repeat("1", 40) })
		v.get(fmt.Sprintf("/candidates/%d/tables", p.Number)) // so that there is a session: to begin one may wait for the lock, too
		holder := lab.Connect(t, s.site.SuperURL(database))
		for _, sql := range []string{"BEGIN", "LOCK TABLE pg_catalog.pg_constraint IN ACCESS EXCLUSIVE MODE"} {
			_, err := holder.Exec(t.Context(), sql)
			s.must(err)
		}
		answer := make(chan answered, 1)
		go func() { answer <- v.get(fmt.Sprintf("/candidates/%d%s", p.Number, below), "Accept-Language", "en") }()
		waits("the page does not wait for the lock", "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'", database)
		done := make(chan bool)
		go func() {
			defer close(done)
			s.publish(p, ddl(2), func(pr *candidate.Provenance) { pr.Attempt = fmt.Sprint(i) })
		}()
		waits("no swap begins", "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'ALTER DATABASE%RENAME%'")
		holder.Close(t.Context())
		<-done
		a := <-answer
		of := madeBy.FindAllString(a.body, -1)
		slices.Sort(of)
		if a.status != 200 || !slices.Equal(slices.Compact(of), []string{"of_2"}) || staleOf.MatchString(a.body) || strings.Contains(a.body, "no database") {
			t.Errorf("%q: %d, tables %v, stale %q", below, a.status, of, staleOf.FindString(a.body))
		}
	}
}
