package gerrit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestVersion walks a change through what a page shows of it.
func TestVersion(t *testing.T) {
	t.Parallel()
	server := lab.Gerrit(t)
	project := server.NewProject(t)
	c := client(t, server.URL, server.CI())
	clone := server.Clone(t, project)
	clone.Commit(t, "Couriers\n\nThey bring samples.\n\nMore: than one paragraph here", map[string]string{"a.txt": "1"})
	pushed, err := clone.PushHead(t.Context(), "topic=samples")
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Version(t.Context(), project, pushed.Number)
	if err != nil {
		t.Fatal(err)
	}
	if first.Subject != "Couriers" || first.Topic != "samples" || first.Owner != "dev" || !first.Open() || !first.Rebased.IsZero() ||
		first.Description != "They bring samples.\n\nMore: than one paragraph here" || first.Created.IsZero() || first.Updated.IsZero() {
		t.Errorf("got %+v", first)
	}
	if ok, err := c.Mergeable(t.Context(), project, pushed.Number); err != nil || !ok {
		t.Errorf("mergeable: %v, %v", ok, err)
	}
	server.MustREST(t, server.CI(), "POST", lab.ChangePath(project, pushed.Number, "revisions", "current", "review"), `{"labels":{"Verified":-1},"message":"no"}`)
	second := clone.Amend(t, "Couriers of samples", map[string]string{"a.txt": "2"})
	clone.Git(t, "checkout", "-q", "--detach", "origin/master")
	clone.Land(t, "meanwhile", map[string]string{"b.txt": "1"})
	clone.Git(t, "fetch", "-q", "origin")
	clone.Git(t, "checkout", "-q", "--detach", second.Revision)
	clone.Git(t, "rebase", "-q", "origin/master")
	third, err := clone.PushHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.MustREST(t, server.CI(), "POST", lab.ChangePath(project, pushed.Number, "revisions", "current", "review"), `{"labels":{"Verified":1}}`)
	now, err := c.Version(t.Context(), project, pushed.Number)
	if err != nil {
		t.Fatal(err)
	}
	if now.Rebased.IsZero() || now.Rebased.Before(first.Created) {
		t.Errorf("rebased: %v", now.Rebased)
	}
	if diff := cmp.Diff(map[string][]int{"Verified": {1}}, now.Votes); diff != "" || now.PatchSet != third.PatchSet || now.Revision != third.Revision {
		t.Errorf("votes %s, patch set %d", diff, now.PatchSet)
	}
	if now.Messages[len(now.Messages)-1].Author != "ci" || !now.Messages[len(now.Messages)-1].Own {
		t.Errorf("the last message: %+v", now.Messages[len(now.Messages)-1])
	}
	if _, err := c.Version(t.Context(), project, 9999999); !errors.Is(err, gerrit.ErrNotFound) {
		t.Errorf("an unknown change: %v", err)
	}
}

func TestOpenChangesAndLastMerged(t *testing.T) {
	t.Parallel()
	server := lab.Gerrit(t)
	project := server.NewProject(t)
	c := client(t, server.URL, server.CI())
	if all, err := c.OpenChanges(t.Context(), project); err != nil || len(all) != 0 {
		t.Errorf("an empty project: %v, %v", all, err)
	}
	if last, err := c.LastMerged(t.Context(), project, "master"); err != nil || last != nil {
		t.Errorf("an empty branch: %v, %v", last, err)
	}
	clone := server.Clone(t, project)
	var numbers []int
	for _, subject := range []string{"one", "two", "three"} {
		clone.Git(t, "checkout", "-q", "--detach", "origin/master")
		numbers = append(numbers, clone.Push(t, subject, map[string]string{subject: subject}).Number)
	}
	all, err := c.OpenChanges(t.Context(), project)
	if err != nil || len(all) != 3 || all[0].Subject != "three" || all[0].Number != numbers[2] || all[0].Revision == "" {
		t.Errorf("got %+v, %v", all, err)
	}
	approve := func(number int) {
		path := lab.ChangePath(project, number)
		server.MustREST(t, server.Admin(), "POST", path+"/revisions/current/review", `{"labels":{"Code-Review":2}}`)
		server.MustREST(t, server.CI(), "POST", path+"/revisions/current/review", `{"labels":{"Verified":1}}`)
		server.MustREST(t, server.Admin(), "POST", path+"/submit", `{}`)
	}
	approve(numbers[1])
	time.Sleep(1100 * time.Millisecond) // Gerrit's clock gives seconds
	approve(numbers[0])
	server.MustREST(t, server.Dev(), "POST", lab.ChangePath(project, numbers[1], "revisions", "current", "review"), `{"message":"thanks"}`)
	last, err := c.LastMerged(t.Context(), project, "master")
	if err != nil || last == nil || last.Number != numbers[0] || last.Submitted.IsZero() || last.Open() {
		t.Errorf("got %+v, %v, want change %d", last, err, numbers[0])
	}
	if all, err := c.OpenChanges(t.Context(), project); err != nil || len(all) != 1 {
		t.Errorf("got %+v, %v", all, err)
	}
}
