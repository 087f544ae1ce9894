package repo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Fetch gets refs ("refs/changes/07/7/2", "refs/heads/master") or commits (40
// hex digits) and keeps them reachable below refs/patchbay/; Fetched tells
// their commits. Errors are *change.Failure: refused logins and unknown
// projects are configuration, missing refs and all else infrastructure; the
// latter are retried for remote.Wait.
func (r *Repo) Fetch(ctx context.Context, remote Remote, refs ...string) error {
	return r.fetch(ctx, remote, refs)
}

// Deepen completes the history of refs in a shallow repository, after
// ErrShallow. It fetches all of it: with a part, a merge base could be found
// that is not the best one.
func (r *Repo) Deepen(ctx context.Context, remote Remote, refs ...string) error {
	return r.fetch(ctx, remote, refs, "--unshallow")
}

// Fetched is the commit that a fetched ref had.
func (r *Repo) Fetched(ctx context.Context, ref string) (string, error) {
	return r.Resolve(ctx, kept(ref))
}

// fetch holds the repository's lock: git refuses to update one ref twice at
// once, and all candidates of a branch fetch that branch.
func (r *Repo) fetch(ctx context.Context, remote Remote, refs []string, options ...string) error {
	if err := remote.Fault(); err != nil {
		return err
	}
	specs, err := refspecs(refs)
	if err != nil {
		return change.Failf(change.KindConfiguration, "fetch: %w", err)
	}
	args := append([]string{
		"fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules",
	}, options...)
	args = append(append(args, "--end-of-options", remote.URL), specs...)
	return untilThere(ctx, remote.Wait, func() error {
		return locked(ctx, r.gitDir+"/patchbay.lock", func() error { return r.fetchOnce(ctx, remote, args) })
	})
}

func (r *Repo) fetchOnce(ctx context.Context, remote Remote, args []string) error {
	cmd := command(ctx, args...)
	cmd.Env = append(remote.environment(r.housekeeping()), "GIT_DIR="+r.gitDir)
	_, err := output(cmd)
	if err == nil {
		return nil
	}
	return fetchFailure(remote, err)
}

// housekeeping: a checkout is its owner's to tidy up; the cache tidies itself
// up, before the lock is given back.
func (r *Repo) housekeeping() []setting {
	if r.bare {
		return []setting{{"gc.autoDetach", "false"}, {"maintenance.autoDetach", "false"}}
	}
	return []setting{{"gc.auto", "0"}, {"maintenance.auto", "false"}}
}

// untilThere tries again after 1, 2, 4, 8, 8, … seconds while the fault is the
// infrastructure's and the time is not over.
func untilThere(ctx context.Context, wait time.Duration, try func() error) error {
	deadline := time.Now().Add(wait)
	for pause := time.Second; ; pause = min(2*pause, 8*time.Second) {
		err := try()
		if err == nil || ctx.Err() != nil || change.AsFailure(err).Kind != change.KindInfrastructure || !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(pause, time.Until(deadline))):
		}
	}
}

// fetchFaults are recognised by git's words (LC_ALL=C), in this order.
var fetchFaults = []struct {
	words []string
	kind  change.Kind
	what  string
	hint  string
}{
	{
		[]string{"Authentication failed", "could not read Username", "could not read Password", "returned error: 401", "returned error: 403"},
		change.KindConfiguration, "the login was refused",
		"check GERRIT_USERNAME and GERRIT_PASSWORD: wrong, expired or revoked? May the account read the project?",
	},
	{
		[]string{"ouldn't find remote ref", "not our ref", "not valid", "no such remote ref"},
		change.KindInfrastructure, "the ref is not there",
		"does a mirror lag behind, is the change private or deleted?",
	},
	{
		[]string{"repository '", "returned error: 404", "does not appear to be a git repository"},
		change.KindConfiguration, "there is no such repository",
		"check the project's name and that the account may read it",
	},
	{
		[]string{"returned error: 30", "redirect"},
		change.KindConfiguration, "the address redirects elsewhere",
		"give the final address: redirects are not followed, the password would go with them",
	},
	{
		[]string{"SSL certificate", "SSL CA cert", "certificate verification failed"},
		change.KindConfiguration, "the server's certificate is not trusted",
		"set http.sslCAInfo in git's configuration or GIT_SSL_CAINFO",
	},
}

func fetchFailure(remote Remote, err error) error {
	if known := (*change.Failure)(nil); errors.As(err, &known) {
		return err
	}
	text := messageOf(err)
	for _, fault := range fetchFaults {
		for _, words := range fault.words {
			if strings.Contains(text, words) {
				return change.Failf(fault.kind, "fetch from %s: %s: %w", remote.URL, fault.what, err).WithHint("%s", fault.hint)
			}
		}
	}
	return change.Failf(change.KindInfrastructure, "fetch from %s: %w", remote.URL, err)
}
