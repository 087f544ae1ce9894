package steps_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

const month = 31 * 24 * time.Hour

// doomed is a registry of databases that all would go, were it only for
// Gerrit: of a merged, an abandoned and a deleted change, among open ones.
type doomed struct {
	*registry
	proxy           *lab.FaultProxy
	merged, deleted lab.Pushed
	open            []lab.Pushed
}

func newDoomed(t *testing.T) *doomed {
	t.Helper()
	proxied, proxy := quick(t, corner{}).behind()
	d := &doomed{registry: proxied, proxy: proxy}
	changes := d.stack(7, func(i int) map[string]string { return map[string]string{fmt.Sprint("file_", i): "x\n"} })
	d.merged, d.deleted, d.open = changes[0], changes[6], changes[2:6]
	d.must(d.submit(d.merged))
	d.must(d.act(changes[1], "POST", "abandon", "{}"))
	d.delete(d.deleted)
	for _, p := range changes {
		d.candidateOf(p.Number, month)
	}
	return d
}

// lists and reads of single changes, as parts of their paths.
const (
	lists  = "/a/changes/"
	reads  = "~"
	checks = "/a/projects/"
)

// TestNoAnswerNoDrop: whatever Gerrit, or what stands in front of it, says
// instead of an answer, and whenever.
func TestNoAnswerNoDrop(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	html := map[string]string{"Content-Type": "text/html"}
	faults := map[string]lab.Fault{
		"500": {Status: 500, Body: "Internal server error"}, "503": {Status: 503},
		"expired password":         {Status: 401, Body: "Unauthorized"},
		"lost permission":          {Status: 403, Body: "not permitted"},
		"redirect to a login page": {Status: 302, Header: map[string]string{"Location": "/login/"}},
		"redirect to no login":     {Status: 302, Header: map[string]string{"Location": "/changes/"}},
		"login page":               {Header: html, Body: "<html><title>Sign in</title></html>"},
		"half an answer":           {CutBody: true},
		"empty answer":             {Empty: true},
		"no answer":                {Cut: true},
		"silence":                  {Silence: true},
	}
	before := d.all()
	for name, fault := range faults {
		for _, path := range []string{lists, reads, checks, "/a/accounts/self"} {
			fault.Path = path
			d.Run(name+" to "+path, func(t *testing.T) {
				r := d.registry.in(t).with("PATCHBAY_GERRIT_TIMEOUT=300ms")
				d.proxy.Reset()
				d.proxy.Add(fault)
				got := r.reconcile(statusOf(fault), "--yes")
				if got.Failure == nil || len(got.Dropped) != 0 || got.Failure.Message == "" {
					r.Errorf("got %+v", got.Reconcile)
				}
				r.untouchedBy(name, before)
			})
		}
	}
	d.proxy.Reset()
	d.wanted("dropped when all is well", d.reconcile(0, "--yes").Dropped, d.gone()...)
}

// statusOf: a login that is refused is a matter of configuration.
func statusOf(fault lab.Fault) int {
	if fault.Status == http.StatusUnauthorized || fault.Status == http.StatusForbidden {
		return 2
	}
	return 1
}

// gone are the databases that go when all is well.
func (d *doomed) gone() (names []string) {
	for i := range 2 {
		names = append(names, d.site.Names.Candidate(d.merged.Number+i))
	}
	return append(names, d.site.Names.Candidate(d.deleted.Number))
}

// TestEmptyLists: lists that are cut or empty are no reason for a drop; of the
// open changes each is asked for by its name.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	before := d.all()
	d.proxy.Add(lab.Fault{Path: lists, Body: ")]}'\n[]"}) // single changes, too, are answered with a list
	got := d.reconcile(1)
	if got.Outcome != change.Refused || len(got.Refused) != 7 || len(got.Dropped) != 0 {
		t.Errorf("refused %v, dropped %v", named(got.Refused), named(got.Dropped))
	}
	d.reconcile(1, "--yes")
	d.untouchedBy("empty lists, and lists instead of changes", before)

	d.proxy.Reset()
	d.proxy.Add(lab.Fault{Path: lists, Exact: true, Body: ")]}'\n[]"})
	got = d.reconcile(0, "--yes")
	d.wanted("dropped: all are asked for by name", got.Dropped, d.gone()...)
	if len(got.Spared) != 4 {
		t.Errorf("spared %+v", got.Spared)
	}
}

// TestWrongPassword is a real one.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	before := d.all()
	got := d.with("GERRIT_PASSWORD=hunter-22").reconcile(2, "--yes")
	if got.Failure.Kind != change.KindConfiguration || !strings.Contains(got.Failure.Hint, "expired or revoked") || strings.Contains(got.stdout+got.stderr, "hunter-22") {
		t.Errorf("got %+v", got.Failure)
	}
	d.with("GERRIT_PROJECT=no-such-project").reconcile(2, "--yes")
	d.untouchedBy("wrong password, wrong project", before)
}

// TestLostPermission takes the account's rights away, bit by bit.
func TestLostPermission(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	before := d.all()
	d.with("PATCHBAY_LABEL=Nope").reconcileGone(t, "label", d)
	d.access(`"refs/heads/master":{"permissions":{"read":{"exclusive":true,"rules":{"Administrators":{"action":"ALLOW"}}}}}`)
	got := d.reconcile(1, "--yes")
	if len(got.Dropped) != 0 || len(got.Undecided) != 7 || !strings.Contains(got.Undecided[0].Reason, "cannot read its branch master") {
		t.Errorf("branch: %+v", got.Reconcile)
	}
	d.untouchedBy("branch lost", before)
	d.access(`"refs/*":{"permissions":{"read":{"rules":{"Verifiers":{"action":"BLOCK"}}}}}`)
	got = d.reconcile(2, "--yes")
	if !strings.Contains(got.Failure.Message, "does not see project") {
		t.Errorf("project: %+v", got.Failure)
	}
	d.gerrit.MustREST(t, d.gerrit.Admin(), "PUT", "/projects/"+d.project+"/config", `{"state":"HIDDEN"}`)
	d.reconcile(1, "--yes")
	d.untouchedBy("project lost", before)
}

// reconcileGone: closed changes are proven by themselves; a dry run says that
// the deleted one's database is not touched.
func (r *registry) reconcileGone(t *testing.T, what string, d *doomed) {
	t.Helper()
	got := r.reconcile(1, "--yes", "--dry-run")
	if len(got.Dropped) != 2 {
		t.Errorf("%s: dropped %v", what, named(got.Dropped))
	}
	r.wanted(what, got.Undecided, d.site.Names.Candidate(d.deleted.Number))
}

func (d *doomed) access(add string) {
	d.Helper()
	d.gerrit.MustREST(d.T, d.gerrit.Admin(), "POST", "/projects/"+d.project+"/access", `{"add":{`+add+`}}`)
}

// TestLostMeanwhile: the right goes between the plan and the drop.
func TestLostMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	before := d.all()
	d.proxy.Add(lab.Fault{Path: reads, Times: 1, Before: func() {
		d.access(`"refs/heads/master":{"permissions":{"read":{"exclusive":true,"rules":{"Administrators":{"action":"ALLOW"}}}}}`)
	}})
	got := d.reconcile(1)
	if len(got.Dropped) != 0 || len(got.Undecided) < 3 {
		t.Errorf("got %+v", got.Reconcile)
	}
	d.untouchedBy("the right went", before)
}

// TestPrivate: a change that was made private answers 404 as a deleted one
// does.
func TestPrivate(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	hidden := d.open[0]
	name := d.site.Names.Candidate(hidden.Number)
	d.must(d.act(hidden, "POST", "private", "{}"))
	d.age(name, 29*24*time.Hour)
	d.age(d.site.Names.Candidate(d.deleted.Number), 29*24*time.Hour)
	before := d.all()
	got := d.reconcile(0, "--dry-run")
	d.wanted("blind: both wait", got.Waiting, name, d.site.Names.Candidate(d.deleted.Number))

	// As its reviewer the account sees it, and yet no other one.
	d.must(d.act(hidden, "POST", "reviewers", `{"reviewer":"ci"}`))
	got = d.reconcile(0, "--dry-run")
	d.wanted("a reviewer is blind all the same", got.Waiting, d.site.Names.Candidate(d.deleted.Number))

	d.must(d.act(d.open[1], "POST", "private", "{}"))
	d.access(`"refs/heads/*":{"permissions":{"viewPrivateChanges":{"rules":{"Verifiers":{"action":"ALLOW"}}}}}`)
	got = d.reconcile(0, "--dry-run")
	d.wanted("who sees private changes knows: deleted", got.Dropped, d.gone()...)
	d.untouchedBy("dry runs", before)

	d.must(d.act(d.open[1], "DELETE", "private", ""))
	got = d.reconcile(0)
	if len(got.Dropped) != 2 { // the only proof that is left is one's own part
		t.Errorf("dropped %v", named(got.Dropped))
	}
	d.wanted("told by a flag", d.reconcile(0, "--sees-private").Dropped, d.site.Names.Candidate(d.deleted.Number))
}

// TestNotPlannedNotDropped: what is found out at the last moment counts.
func TestNotPlannedNotDropped(t *testing.T) {
	t.Parallel()
	d := newDoomed(t)
	name := d.site.Names.Candidate(d.merged.Number + 1)
	abandoned := lab.Pushed{Project: d.project, Number: d.merged.Number + 1}
	before := d.all()
	d.proxy.Add(lab.Fault{Path: fmt.Sprintf("~%d", abandoned.Number), Times: 1, Before: func() {
		if err := d.act(abandoned, "POST", "restore", "{}"); err != nil {
			t.Error(err)
		}
	}})
	got := d.reconcile(0, "--change", fmt.Sprint(abandoned.Number))
	if len(got.Spared) != 1 || !strings.Contains(got.Spared[0].Reason, "is NEW") || got.Outcome != change.Nothing {
		t.Errorf("restored: %+v", got.Reconcile)
	}
	d.must(d.act(abandoned, "POST", "abandon", "{}"))
	oid := d.oid(name)
	d.proxy.Add(lab.Fault{Path: lists, Times: 1, Before: func() { // another database takes the name
		d.asService(`DROP DATABASE "` + name + `"`)
		p := d.origin(abandoned.Number, 0)
		d.place(name, &p)
	}})
	got = d.reconcile(0, "--change", fmt.Sprint(abandoned.Number))
	if len(got.Spared) != 1 || d.oid(name) == oid {
		t.Errorf("replaced: %+v", got.Reconcile)
	}
	lock := d.lock(name)
	got = d.reconcile(0, "--change", fmt.Sprint(abandoned.Number))
	d.wanted("locked", got.Locked, name)
	lock.Release()
	d.untouchedBy("nothing was dropped", before)
	d.wanted("at last", d.reconcile(0, "--change", fmt.Sprint(abandoned.Number)).Dropped, name)
}
