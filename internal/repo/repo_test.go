package repo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", map[string]string{"data-model/a.xml": ""})
	linked := filepath.Join(t.TempDir(), "linked")
	p.git("worktree", "add", "-q", linked)
	for dir, want := range map[string]string{p.dir: p.dir, filepath.Join(p.dir, "data-model"): p.dir, linked: linked} {
		if got := open(t, dir).Path(); got != want {
			t.Errorf("%s: got %s, want %s", dir, got, want)
		}
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, ErrNoRepository) {
		t.Errorf("no repository: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(p.dir, "nowhere")); change.AsFailure(err) == nil || change.AsFailure(err).Kind != change.KindConfiguration {
		t.Errorf("no folder: %v", err)
	}
}

func TestOpenRefusesPartialClone(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", nil)
	p.git("config", "uploadpack.allowFilter", "true")
	partial := filepath.Join(t.TempDir(), "partial")
	run(t, p.dir, "clone", "-q", "--filter=blob:none", "file://"+p.dir, partial)
	if _, err := Open(t.Context(), partial); !errors.Is(err, ErrPartial) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRecorded(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	revision := p.commit("first", nil)
	remote := Remote{URL: p.dir}
	cache := must[*Repo](t)(OpenCache(t.Context(), t.TempDir(), remote.URL))
	if err := cache.Fetch(t.Context(), remote, revision); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Repo{p.open(), cache} {
		again := must[*Repo](t)(OpenRecorded(t.Context(), r.Path()))
		if again.Path() != r.Path() || !again.Has(t.Context(), revision) {
			t.Errorf("%s opens as %s", r.Path(), again.Path())
		}
	}
	for _, path := range []string{"", t.TempDir(), filepath.Join(p.dir, "nowhere")} {
		_, err := OpenRecorded(t.Context(), path)
		if failure := change.AsFailure(err); failure == nil || failure.Kind != change.KindConfiguration || failure.Hint == "" {
			t.Errorf("%q: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenRecorded(ctx, p.dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A CI container's user does not own the checkout that was mounted into it.
// Only root can give a checkout away; everybody else looks at the own one.
func TestOpenForeignCheckout(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", map[string]string{"below/a.xml": ""})
	for _, name := range []string{"", ".git", "below"} {
		if err := os.Chown(filepath.Join(p.dir, name), foreigner(), -1); err != nil {
			t.Fatal(err)
		}
	}
	p.open()
	_, err := Open(t.Context(), filepath.Join(p.dir, "below"))
	if foreigner() != os.Getuid() && (err == nil || change.AsFailure(err).Kind != change.KindConfiguration) {
		t.Errorf("another user's repository above the folder: %v", err)
	}
}

func foreigner() int {
	if os.Getuid() == 0 {
		return 12345
	}
	return os.Getuid()
}

func TestCommit(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	root := p.commit("корінь: «перша»", nil)
	p.git("checkout", "-q", "-b", "side")
	side := p.commit("side", nil)
	p.git("checkout", "-q", "master")
	main := p.commit("main\nsecond line\n\nparent 1234", nil)
	p.git("merge", "-q", "-m", "merge", "side")
	merge := p.git("rev-parse", "HEAD")
	r := p.open()
	for revision, want := range map[string][]string{root: nil, side: {root}, main: {root}, merge: {main, side}} {
		if diff := cmp.Diff(want, must[[]string](t)(r.Parents(t.Context(), revision))); diff != "" {
			t.Errorf("parents of %s: %s", revision, diff)
		}
	}
	for revision, want := range map[string]string{root: "корінь: «перша»", main: "main second line"} {
		if got := must[string](t)(r.Subject(t.Context(), revision)); got != want {
			t.Errorf("subject %q, want %q", got, want)
		}
	}
	if got := must[string](t)(r.Resolve(t.Context(), "side")); got != side {
		t.Errorf("side is %s, want %s", got, side)
	}
	for _, ref := range []string{"nowhere", "-x", strings.Repeat("0", 40), "side^{tree}"} {
		if got, err := r.Resolve(t.Context(), ref); err == nil {
			t.Errorf("%s resolves to %s", ref, got)
		}
	}
}

// A replaced object must not stand for the commit that was asked for.
func TestReplacedObjectsAreNotBelieved(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	first := p.commit("first", nil)
	second := p.commit("second", nil)
	p.git("replace", second, first)
	if got := must[string](t)(p.open().Subject(t.Context(), second)); got != "second" {
		t.Errorf("got %q", got)
	}
}

func TestMergeBase(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	root := p.commit("root", nil)
	base := p.commit("base", nil)
	p.git("checkout", "-q", "-b", "candidate")
	lower := p.commit("lower", nil)
	upper := p.commit("upper", nil)
	p.git("checkout", "-q", "master")
	tip := p.commit("master moved on", nil)
	p.git("checkout", "-q", "-b", "merge", base)
	mine := p.commit("mine", nil)
	p.git("merge", "-q", "-m", "merge", "candidate")
	merge := p.git("rev-parse", "HEAD")
	p.git("checkout", "-q", "--orphan", "alone")
	alone := p.commit("alone", nil)
	next := p.commit("on alone", nil)
	r := p.open()
	for _, c := range []struct{ name, revision, tip, want string }{
		{"on the tip", lower, base, base},
		{"stacked", upper, base, base},
		{"branch moved on", upper, tip, base},
		{"merge commit: that of the first parent", merge, tip, base},
		{"merge commit of a branch with the first parent", merge, mine, mine},
		{"merged already", base, tip, root},
		{"merge commit merged already", merge, merge, mine},
		{"root commit", alone, tip, ""},
		{"unrelated history", next, tip, ""},
		{"root commit that is the branch", root, tip, ""},
	} {
		if got, err := r.MergeBase(t.Context(), c.revision, c.tip); got != c.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func TestShallowCloneIsDeepened(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("root", nil)
	base := p.commit("base", nil)
	p.git("checkout", "-q", "-b", "candidate")
	p.commit("lower", nil)
	revision := p.commit("upper", nil)
	p.git("checkout", "-q", "-b", "side", base)
	p.commit("side", nil)
	p.git("merge", "-q", "-m", "merge", "candidate")
	merge := p.git("rev-parse", "HEAD")
	p.git("checkout", "-q", "master")
	p.commit("later", nil)
	remote := p.serve(nil)
	for _, branch := range []string{"master", "candidate", "side"} {
		dir := filepath.Join(t.TempDir(), "shallow")
		run(t, p.dir, "clone", "-q", "--depth=1", "--branch", branch, remote.URL, dir)
		r := open(t, dir)
		refs := []string{"refs/heads/candidate", "refs/heads/side", "refs/heads/master"}
		if err := r.Fetch(t.Context(), remote, refs...); err != nil {
			t.Fatal(err)
		}
		tip := must[string](t)(r.Fetched(t.Context(), "refs/heads/master"))
		_, first := r.MergeBase(t.Context(), revision, tip)
		_, second := r.MergeBase(t.Context(), merge, tip)
		if !errors.Is(errors.Join(first, second), ErrShallow) {
			t.Errorf("%s: %v, %v", branch, first, second)
		}
		if err := r.Deepen(t.Context(), remote, refs...); err != nil {
			t.Fatal(err)
		}
		for _, commit := range []string{revision, merge} {
			if got, err := r.MergeBase(t.Context(), commit, tip); got != base || err != nil {
				t.Errorf("%s: got %q, %v; want %s", branch, got, err, base)
			}
		}
	}
}

// The end of somebody else's shallow history is no obstacle.
func TestShallowCloneOfAnotherRepository(t *testing.T) {
	t.Parallel()
	other := newProject(t)
	other.commit("one", nil)
	other.commit("two", nil)
	dir := filepath.Join(t.TempDir(), "shallow")
	run(t, other.dir, "clone", "-q", "--depth=1", "file://"+other.dir, dir)
	p := newProject(t)
	base := p.commit("base", nil)
	revision := p.commit("candidate", nil)
	r, remote := open(t, dir), p.serve(nil)
	if err := r.Fetch(t.Context(), remote, "refs/heads/master", base); err != nil {
		t.Fatal(err)
	}
	if got, err := r.MergeBase(t.Context(), revision, base); got != base || err != nil {
		t.Errorf("got %q, %v; want %s", got, err, base)
	}
}

func TestWorktreeTree(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	head := p.commit("first", map[string]string{"data-model/a.xml": "a", "data-model/gone.xml": "", ".gitignore": "*.log\n"})
	p.write("data-model/a.xml", "changed")
	p.write("data-model/нова назва.xml", "new")
	p.write("data-model/x.log", "ignored")
	p.write("staged.xml", "staged")
	p.git("add", "staged.xml")
	if err := os.Remove(filepath.Join(p.dir, "data-model/gone.xml")); err != nil {
		t.Fatal(err)
	}
	before := p.git("status", "--porcelain")
	r := p.open()
	commit := must[string](t)(r.WorktreeTree(t.Context()))
	want := []change.File{
		{Path: "data-model/a.xml", Status: "M"},
		{Path: "data-model/gone.xml", Status: "D"},
		{Path: "data-model/нова назва.xml", Status: "A"},
		{Path: "staged.xml", Status: "A"},
	}
	if diff := cmp.Diff(want, must[[]change.File](t)(r.Files(t.Context(), head, commit, []string{"."}))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{head}, must[[]string](t)(r.Parents(t.Context(), commit))); diff != "" {
		t.Error(diff)
	}
	if after := p.git("status", "--porcelain"); after != before || p.git("rev-parse", "HEAD") != head {
		t.Errorf("the user's checkout changed:\n%s\n%s", before, after)
	}
	fresh := newProject(t)
	fresh.write("a.xml", "a")
	if commit := must[string](t)(fresh.open().WorktreeTree(t.Context())); fresh.git("show", commit+":a.xml") != "a" {
		t.Error("a repository without a commit")
	}
}

func TestGitIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Open(t.Context(), t.TempDir())
	if failure := change.AsFailure(err); failure == nil || failure.Kind != change.KindConfiguration {
		t.Errorf("got %v", err)
	}
}
