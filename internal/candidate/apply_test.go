package candidate

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

const (
	good = "CREATE TABLE registry.second (id int);"
	bad  = "CREATE TABLE nowhere.second (id int);"
)

// TestRetireOlder: a failing candidate takes the database of an older patch
// set away, but none that another run has published since the lock was lost.
func TestRetireOlder(t *testing.T) {
	for name, c := range map[string]struct {
		loseLock, replace, stays bool
	}{
		"nothing happens":                        {false, false, false},
		"the lock is lost":                       {true, false, true},
		"another database stands there":          {false, true, true},
		"the lock is lost, another stands there": {true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorks(t)
			w.published(w.run(7, 1, good))
			public := w.Names.Candidate(7)
			a, err := w.apply(w.run(7, 2, bad), func(string) {
				if c.loseLock {
					w.site.Super(t, "postgres", "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND a.usename = "+pg.Literal(w.site.ServiceRole()))
				}
				if c.replace {
					w.site.Super(t, "postgres", "ALTER DATABASE "+pg.Ident(public)+" RENAME TO "+pg.Ident(w.Names.Attempt(7, 9, 1)))
					w.site.Super(t, "postgres", "CREATE DATABASE "+pg.Ident(public)+" OWNER "+pg.Ident(w.site.ServiceRole()))
				}
			})
			w.failed(err, change.KindCandidate, "nowhere")
			if stays := w.oid(public) != 0; a == nil || a.Outcome != change.Failed || stays != c.stays {
				t.Errorf("the database stays %t, want %t; %+v", stays, c.stays, a)
			}
			if warned := len(a.Warnings) == 1 && strings.Contains(a.Warnings[0], "lock"); warned != c.loseLock {
				t.Errorf("warnings %q", a.Warnings)
			}
		})
	}
}

// TestPublishingFails: what readers do not see is not applied.
func TestPublishingFails(t *testing.T) {
	w := newWorks(t)
	a, err := w.apply(w.run(7, 1, good), func(string) { w.Reader = "nobody at all" })
	w.failed(err, change.KindInfrastructure, "nobody at all")
	if a == nil || a.Outcome == change.Applied {
		t.Errorf("got %+v", a)
	}
	if all, err := w.standing(t.Context()); err != nil || holds(all, 7) {
		t.Errorf("left: %+v, %v", all, err)
	}
}

// holds says that a change has a database.
func holds(all []Standing, number int) bool {
	_, held := Holders(Run{PatchSet: change.PatchSet{Change: number}}, all)
	return held
}

// TestCleanUpFails: a database that cannot be dropped is a warning and does
// not hide what is wrong with the candidate.
func TestCleanUpFails(t *testing.T) {
	w := newWorks(t)
	a, err := w.apply(w.run(7, 1, bad), func(attempt string) { lab.Connect(t, w.site.SuperURL(attempt)) })
	w.failed(err, change.KindCandidate, "nowhere")
	if a == nil || a.Outcome != change.Failed || len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "a session that the service role may not end") {
		t.Errorf("got %+v", a)
	}
}

// TestEngineLimits: the login of an engine cannot fill the disk, nor lift
// that, and does not wait for the disk either.
func TestEngineLimits(t *testing.T) {
	w := newWorks(t)
	w.published(w.run(7, 1, `DO $$ BEGIN
		IF current_setting('temp_file_limit') <> '7MB' THEN RAISE 'temp_file_limit %', current_setting('temp_file_limit'); END IF;
		IF current_setting('synchronous_commit') <> 'off' THEN RAISE 'synchronous_commit %', current_setting('synchronous_commit'); END IF;
	END $$;`))
}

// TestEngineLimitsWithoutTheRight: a limit that cannot be set is not left out.
func TestEngineLimitsWithoutTheRight(t *testing.T) {
	w := newWorks(t)
	w.site.Super(t, "postgres", "SELECT pg_advisory_lock(7); REVOKE SET ON PARAMETER temp_file_limit FROM "+pg.Ident(w.site.ServiceRole())) // 7 holds off the grants of other tests
	_, err := w.Create(t.Context(), w.run(7, 1, good))
	w.failed(err, change.KindConfiguration, "temp_file_limit")
	if f := change.AsFailure(err); f == nil || !strings.Contains(f.Hint, "docs/postgresql-grants.md") {
		t.Errorf("got %+v", f)
	}
}

func TestMissingReader(t *testing.T) {
	w := newWorks(t)
	r := w.run(7, 1, good)
	c := w.create(r, change.Created)
	w.Reader = "nobody at all"
	_, err := w.Create(t.Context(), r)
	w.failed(err, change.KindConfiguration, `reader role "nobody at all" does not exist`)
	_, err = w.Apply(t.Context(), Application{Run: r, Plan: c.Plan, Attempt: c.Database})
	w.failed(err, change.KindConfiguration, `reader role "nobody at all" does not exist`)
}
