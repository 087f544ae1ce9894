package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

const setup = "see docs/gerrit-setup.md"

func (e *examination) gerrit(ctx context.Context) {
	faults := append(e.cfg.Gerrit.GerritServer.Faults(), e.cfg.Gerrit.Faults()...)
	if e.cfg.Gerrit.Username == "" {
		faults = append(faults, errors.New("GERRIT_USERNAME and GERRIT_PASSWORD are missing: who votes must log in"))
	}
	if e.cfg.Project == "" {
		faults = append(faults, errors.New("GERRIT_PROJECT is missing: the project whose changes are verified"))
	}
	if !e.faults(faults...) {
		return
	}
	client, err := gerrit.New(ctx, gerrit.Config{
		URL: string(e.cfg.Gerrit.URL), Username: e.cfg.Gerrit.Username, Password: e.cfg.Gerrit.Password.Value(),
		UserAgent: "patchbay-doctor/" + e.Version, Timeout: e.cfg.Timeout,
	})
	if err != nil {
		e.fail("server", err)
		return
	}
	if !e.login(ctx, client) {
		return
	}
	version, err := client.ServerVersion(ctx)
	e.settle("server", err, versionOf(version))
	if !e.labelExists(ctx, client) {
		return
	}
	e.copyCondition(ctx, client)
	current := e.someChange(ctx, client)
	e.vote(current)
	e.requirement(ctx, client, current)
	e.fetch(ctx, client, current)
}

// versionOf: parents_data, by which stacked changes are named, came with 3.9;
// what else is used is there from 3.3 on.
func versionOf(version string) finding {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	switch {
	case err != nil:
		return warning("Gerrit calls its version "+change.OneLine(version), "")
	case major < 3 || major == 3 && minor < 3:
		return warning("Gerrit "+version, "use Gerrit 3.9 or newer; patchbay is tested with 3.10")
	case major == 3 && minor < 9:
		return warning("Gerrit "+version+" does not tell of which change a parent is a patch set", "use Gerrit 3.9 or newer")
	}
	return passed("Gerrit %s", version)
}

// login: an administrator's account hides missing rights.
func (e *examination) login(ctx context.Context, client *gerrit.Client) bool {
	if _, err := client.Self(ctx); err != nil {
		e.fail("login", err)
		return false
	}
	admin, err := client.Administers(ctx)
	if err == nil && admin {
		e.note("login", warning(e.cfg.Gerrit.Username+" is an administrator: it sees everything, and may do too much", "use a service user of its own, "+setup))
		return true
	}
	return e.settle("login", err, passed("as %s, no administrator", e.cfg.Gerrit.Username))
}

func (e *examination) labelExists(ctx context.Context, client *gerrit.Client) bool {
	labels, err := client.LabelValues(ctx, e.cfg.Project)
	if errors.Is(err, gerrit.ErrNotFound) {
		e.fail("project", change.Failf(change.KindConfiguration, "%s does not exist, or the account may not read it", e.cfg.Project).
			WithHint("check GERRIT_PROJECT, and give the account Read on refs/heads/*"))
		return false
	}
	if !e.settle("project", err, passed("%s can be read", e.cfg.Project)) {
		return false
	}
	values, exists := labels[e.cfg.Label]
	switch {
	case !exists:
		err = change.Failf(change.KindConfiguration, "%s has no label %q", e.cfg.Project, e.cfg.Label).
			WithHint("add it to project.config as docs/gerrit-setup.md shows, or set PATCHBAY_LABEL")
	case !slices.Equal(values, []int{-1, 0, 1}):
		err = change.Failf(change.KindConfiguration, "label %q has the values %v, not -1, 0, +1", e.cfg.Label, values).
			WithHint("give it these three values, %s", setup)
	}
	return e.settle("label", err, passed("%s with -1, 0, +1", e.cfg.Label))
}

// copyCondition: a rebase has another base, on which the candidate may not
// deploy, so no vote may survive it.
func (e *examination) copyCondition(ctx context.Context, client *gerrit.Client) {
	const name = "copy condition"
	definition, err := client.LabelDefinition(ctx, e.cfg.Project, e.cfg.Label)
	if gerrit.Forbidden(err) || errors.Is(err, gerrit.ErrNotFound) {
		e.note(name, unknown("the account may not look at the configuration that defines the label", "give it Read on refs/meta/config there, or look yourself: the condition must not let a vote survive a rebase, "+setup))
		return
	}
	if err != nil {
		e.fail(name, err)
		return
	}
	atoms, err := permissive(definition.Condition)
	if err != nil {
		e.note(name, unknown(fmt.Sprintf("%q of %s cannot be read", definition.Condition, definition.Project), "does a vote survive a rebase? It must not, "+setup))
		return
	}
	if atoms = append(atoms, definition.Copies...); len(atoms) > 0 {
		err = change.Failf(change.KindConfiguration, "%s: votes survive patch sets with other code or another base, by %s", definition.Project, strings.Join(atoms, ", ")).
			WithHint("set copyCondition = changekind:NO_CODE_CHANGE OR changekind:NO_CHANGE for label %s in project.config of %s", e.cfg.Label, definition.Project)
	}
	e.settle(name, err, passed("no vote survives other code or another base"))
}

// someChange is an open change to look at; nil when there is none, which is
// told by those who need it.
func (e *examination) someChange(ctx context.Context, client *gerrit.Client) *gerrit.Change {
	number, err := e.cfg.Change, error(nil)
	if number == 0 {
		if number, err = client.Latest(ctx, e.cfg.Project, true); err != nil || number == 0 {
			return nil
		}
	}
	current, err := client.Change(ctx, e.cfg.Project, number)
	if err != nil || !current.Open() {
		return nil
	}
	return current
}

const (
	noChange  = "there is no open change to see it by"
	pushFirst = "push a change for review (git push origin HEAD:refs/for/<branch>) and run doctor again"
)

func (e *examination) vote(current *gerrit.Change) {
	const name = "vote"
	if current == nil {
		e.note(name, unknown(noChange, pushFirst))
		return
	}
	var err error
	for _, value := range []int{-1, 0, 1} {
		if !slices.Contains(current.Permitted[e.cfg.Label], value) {
			err = change.Failf(change.KindConfiguration, "%s may vote %v on %s of change %d, not -1, 0, +1", e.cfg.Gerrit.Username, current.Permitted[e.cfg.Label], e.cfg.Label, current.Number).
				WithHint("%s", gerrit.PermissionHint(e.cfg.Label, e.cfg.Gerrit.Username))
		}
	}
	e.settle(name, err, passed("%s may vote -1, 0, +1, as change %d shows", e.cfg.Gerrit.Username, current.Number))
}

// requirement: the label's function may be NoBlock; then it is a submit
// requirement that lets a -1 block.
func (e *examination) requirement(ctx context.Context, client *gerrit.Client, current *gerrit.Change) {
	const name = "submit requirement"
	if current == nil {
		e.note(name, unknown(noChange, pushFirst))
		return
	}
	all, err := client.Requirements(ctx, e.cfg.Project, current.Number)
	if err != nil {
		e.fail(name, err)
		return
	}
	e.note(name, judge(all, e.cfg.Label, &e.mendable))
}

func judge(all []gerrit.Requirement, label string, mendable *bool) finding {
	best, by, unread := blocksNothing, "", ""
	for _, r := range all {
		if r.Status == "NOT_APPLICABLE" {
			continue
		}
		how, err := blocks(r.Expression, label)
		if err != nil {
			unread = r.Name
			continue
		}
		if how > best {
			best, by = how, r.Name
		}
	}
	remedy := fmt.Sprintf("submittableIf = label:%[1]s=MAX AND -label:%[1]s=MIN in [submit-requirement %[1]q] of project.config", label)
	switch {
	case best == blocksAlways:
		return passed("a -1 blocks the submit, by %s", by)
	case best == blocksAlone:
		return warning("a -1 blocks the submit by "+by+", unless somebody else votes +1", remedy)
	case unread != "":
		return unknown("the requirement "+unread+" cannot be read: it may let a -1 block", "look yourself, "+setup)
	}
	*mendable = true
	return finding{state: change.CheckFailed, detail: "a -1 does not block the submit", remedy: remedy}
}

// fetch gets a patch set as get-changes does, into the same cache.
func (e *examination) fetch(ctx context.Context, client *gerrit.Client, current *gerrit.Change) {
	const name = "fetch"
	remote := repo.Remote{URL: cmp.Or(e.cfg.FetchURL, client.GitURL(e.cfg.Project)), Getenv: e.Getenv}
	if repo.SameHost(remote.URL, string(e.cfg.Gerrit.URL)) {
		remote.Username, remote.Password = e.cfg.Gerrit.Username, e.cfg.Gerrit.Password.Value()
	}
	if current == nil {
		e.note(name, unknown(noChange, pushFirst))
		return
	}
	began := time.Now()
	err := e.fetchRef(ctx, remote, gerrit.ChangeRef(current.Number, current.PatchSet), current.Revision)
	e.settle(name, err, passed("change %d, patch set %d in %.1f s", current.Number, current.PatchSet, time.Since(began).Seconds()))
}

func (e *examination) fetchRef(ctx context.Context, remote repo.Remote, ref, want string) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.FetchWithin)
	defer cancel()
	cache, err := e.cache()
	if err != nil {
		return err
	}
	r, err := repo.OpenCache(ctx, cache, remote.URL)
	if err != nil {
		return err
	}
	if err := r.Fetch(ctx, remote, ref); err != nil {
		return err
	}
	got, err := r.Fetched(ctx, ref)
	if err == nil && got != want {
		err = change.Failf(change.KindConfiguration, "%s is commit %s, not %s", ref, got, want).
			WithHint("is PATCHBAY_FETCH_URL a mirror of this Gerrit's project?")
	}
	return err
}
