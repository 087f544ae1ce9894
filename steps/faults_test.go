package steps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// meanwhile are what people do to a change while its pipeline runs.
var meanwhile = map[string]func(r *registry, p lab.Pushed) error{
	"newer patch set": func(r *registry, p lab.Pushed) error {
		_, err := r.edit(p, second, newTable("newer")[second])
		return err
	},
	"abandoned": func(r *registry, p lab.Pushed) error { return r.act(p, "POST", "abandon", "{}") },
	"merged":    func(r *registry, p lab.Pushed) error { return r.submit(p) },
	"made private": func(r *registry, p lab.Pushed) error {
		return r.act(p, "POST", "private", "{}")
	},
}

// TestMeanwhileBeforeTheSwap: apply-changelog asks once more, after the engine
// has run and before anything that readers see is touched.
func TestMeanwhileBeforeTheSwap(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	for name, happens := range meanwhile {
		p := r.onMaster(name, newTable("good"))
		broken := r.onMaster(name+", and broken", map[string]string{"data-model/00003_third.sql": migration("SELECT 1/0;")})
		r.named(name, func(r *registry) {
			r.Parallel()
			r.overtakenBeforeTheSwap(p, happens)
			r.overtakenBeforeTheSwap(broken, happens)
		})
	}
}

func (r *registry) overtakenBeforeTheSwap(p lab.Pushed, happens func(*registry, lab.Pushed) error) {
	before, messages := r.voted(p.Number)
	proxied, proxy := r.behind()
	dir := proxied.begin(p)
	proxied.create(p, dir, 0)
	proxy.Add(lab.Fault{Method: "GET", Path: "/a/changes/", Times: 1, Before: func() {
		if err := happens(r, p); err != nil {
			r.Error(err)
		}
	}})
	if got := proxied.apply(p, dir, 0); got.Outcome != change.Superseded || got.Reason == "" {
		r.Errorf("apply-changelog: %q, reason %q", got.Outcome, got.Reason)
	}
	r.tidy(p.Number, false)
	proxied.report(p, dir, nil)
	after, said := r.voted(p.Number)
	if strings.Contains(strings.TrimPrefix(said, messages), "patchbay revision=") || after < before {
		r.Errorf("Verified %+d, messages %s", after, said)
	}
}

// TestMeanwhilePublishedStays: what stands under the public name is not
// touched by a patch set that was overtaken.
func TestMeanwhilePublishedStays(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	one := r.clone.Push(t, "a table", newTable("one"))
	r.verified(r.run(one), +1)
	two := r.amend(one, "", newTable("two"))
	proxied, proxy := r.behind()
	// Another address would be another Gerrit: the first run goes there again.
	r.Run("same Gerrit", func(t *testing.T) {
		r := r.in(t)
		dir := r.begin(two)
		r.create(two, dir, 0)
		three := r.amend(two, "", newTable("three"))
		if got := r.apply(two, dir, 0); got.Outcome != change.Superseded {
			t.Errorf("apply-changelog: %+v", got)
		}
		if got := r.tables(one.Number); !slices.Equal(got, []string{"first", "one"}) {
			t.Errorf("tables %v", got)
		}
		r.tidy(one.Number, true)
		r.recovers(three)
	})
	r.Run("another Gerrit", func(t *testing.T) {
		r := proxied.in(t)
		three := two
		three.PatchSet = 3
		three.Revision = r.clone.Git(t, "rev-parse", "HEAD")
		dir := r.begin(three)
		got := r.create(three, dir, 2)
		r.failedAs(&got.Header, change.KindConfiguration)
		if proxy.Count("", "/a/changes/") == 0 {
			t.Error("the proxy was not asked")
		}
		r.tidy(one.Number, true)
	})
}

// TestMeanwhileBeforeTheVote: between report-verified's read and its post.
func TestMeanwhileBeforeTheVote(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	for name, happens := range meanwhile {
		p := r.onMaster(name, newTable("good"))
		r.named(name, func(r *registry) {
			r.Parallel()
			proxied, proxy := r.behind()
			dir := proxied.begin(p)
			proxied.create(p, dir, 0)
			proxied.apply(p, dir, 0)
			proxy.Add(lab.Fault{Method: "POST", Path: "/review", Times: 1, Before: func() {
				if err := happens(r, p); err != nil {
					r.Error(err)
				}
			}})
			r.overtakenBeforeTheVote(name, p, result[change.ReportVerified](proxied, p, dir, "report-verified", 0))
		})
	}
}

func (r *registry) overtakenBeforeTheVote(name string, p lab.Pushed, got *change.ReportVerified) {
	switch name {
	case "newer patch set":
		if got.Outcome != change.Superseded || got.Vote != nil {
			r.Errorf("report-verified: %+v", got)
		}
		r.wantVote(p.Number, 0)
	case "made private": // the post is refused with 404
		if got.Outcome != change.Skipped || got.Vote != nil {
			r.Errorf("report-verified: %+v", got)
		}
	default: // what Gerrit does with a vote on a closed change is Gerrit's
		if got.Outcome != change.Skipped && got.Outcome != change.Voted {
			r.Errorf("report-verified: %+v", got)
		}
	}
}

// answers are how a Gerrit that is out of order, or something that stands in
// front of it, answers.
var answers = map[string]lab.Fault{
	"500":            {Status: 500, Body: "Internal server error"},
	"429":            {Status: 429, Header: map[string]string{"Retry-After": "1"}},
	"HTML":           {Header: map[string]string{"Content-Type": "text/html"}, Body: "<html><title>Sign in</title></html>"},
	"empty":          {Empty: true},
	"half an answer": {CutBody: true},
	"no answer":      {Cut: true},
	"silence":        {Silence: true},
}

// TestGerritOutOfOrder: no step takes that for an answer, and nobody is voted
// down or up for it.
func TestGerritOutOfOrder(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	changes := r.stack(len(answers), func(i int) map[string]string { return newTable(fmt.Sprint("table_", i)) })
	next := 0
	for name, fault := range answers {
		p := changes[next]
		next++
		r.named(name, func(r *registry) {
			r.Parallel()
			r.outOfOrder(p, fault)
		})
	}
}

func (r *registry) outOfOrder(p lab.Pushed, fault lab.Fault) {
	fault.Path = "/a/changes/"
	proxied, proxy := r.behind()
	proxied = proxied.alone()
	dir := proxied.begin(p)
	proxied.create(p, dir, 0)
	proxy.Add(fault)
	hasty := proxied.with("PATCHBAY_GERRIT_TIMEOUT=300ms")
	applied := hasty.apply(p, dir, 1)
	r.failedAs(&applied.Header, change.KindInfrastructure)
	r.tidy(p.Number, false)
	r.silent(hasty, p, dir)
	got := result[change.GetChanges](hasty, p, r.TempDir(), "get-changes", 1)
	r.failedAs(&got.Header, change.KindInfrastructure)
	r.report(p, dir, vote(0))
	r.wantVote(p.Number, 0)
	r.recovers(p)
}

// silent: while Gerrit is out of order report-verified says so itself.
func (r *registry) silent(proxied *registry, p lab.Pushed, dir string) {
	r.Helper()
	got := result[change.ReportVerified](proxied, p, dir, "report-verified", 1)
	r.failedAs(&got.Header, change.KindInfrastructure)
	if got.Vote != nil {
		r.Errorf("report-verified says that it voted %+d", *got.Vote)
	}
	r.wantVote(p.Number, 0)
}

// TestCallsOfAPipeline: reads and writes of the REST API are few. A run that
// follows another takes its vote back, which is one more.
func TestCallsOfAPipeline(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	proxied, proxy := r.behind()
	for name, files := range map[string]map[string]string{
		"good": newTable("counted"), "bad": {second: migration("SELECT 1/0;")}, "unchanged": {"README.md": "no model\n"},
	} {
		p := r.onMaster(name, files)
		for again := range 2 {
			dir := t.TempDir()
			for _, step := range []struct {
				line []string
				most int
			}{
				{[]string{"report-verified", "--pending"}, 1 + again},
				{[]string{"get-changes"}, 2},
				{[]string{"create-temp-db"}, 0},
				{[]string{"apply-changelog"}, 1},
				{[]string{"report-verified"}, 2},
			} {
				before := proxy.Count("", "/changes/")
				proxied.step(p, dir, step.line[0], step.line[1:]...)
				if n := proxy.Count("", "/changes/") - before; n > step.most {
					t.Errorf("%s, %v: %d calls, want at most %d: %v", name, step.line, n, step.most, proxy.Requests())
				}
			}
		}
	}
	for _, request := range proxy.Requests() {
		if !strings.Contains(request, "/changes/") && !strings.Contains(request, "git-upload-pack") {
			t.Errorf("unexpected call %s", request)
		}
	}
}
