package repo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func TestFetchKeepsRefsAndCommits(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	first := p.commit("first", nil)
	second := p.commit("second", nil)
	p.git("update-ref", "refs/changes/07/7/2", second)
	p.git("branch", "feature/a")
	remote := p.serve(nil)
	for name, r := range map[string]*Repo{
		"cache":     must[*Repo](t)(OpenCache(t.Context(), t.TempDir(), remote.URL)),
		"unrelated": newProject(t).open(),
	} {
		if err := r.Fetch(t.Context(), remote, "refs/changes/07/7/2", "refs/heads/feature/a", first); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for ref, want := range map[string]string{"refs/changes/07/7/2": second, "refs/heads/feature/a": second, first: first} {
			if got, err := r.Fetched(t.Context(), ref); got != want || err != nil {
				t.Errorf("%s: %s is %s, %v; want %s", name, ref, got, err, want)
			}
		}
		for line := range strings.Lines(run(t, r.Path(), "for-each-ref", "--format=%(refname)")) {
			if !strings.HasPrefix(line, "refs/patchbay/") {
				t.Errorf("%s: fetch made the ref %s", name, line)
			}
		}
	}
}

func TestBranchReplacedByFolderOfBranches(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", nil)
	p.git("branch", "a")
	r := newProject(t).open()
	remote := Remote{URL: p.dir}
	if err := r.Fetch(t.Context(), remote, "refs/heads/a"); err != nil {
		t.Fatal(err)
	}
	p.git("branch", "-m", "a", "a/b")
	if err := r.Fetch(t.Context(), remote, "refs/heads/a/b"); err != nil {
		t.Error(err)
	}
}

func TestForcedBranchIsFollowed(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	first := p.commit("first", nil)
	p.commit("second", nil)
	r, remote := newProject(t).open(), Remote{URL: p.dir}
	for _, want := range []string{p.git("rev-parse", "HEAD"), first} {
		p.git("reset", "-q", "--hard", want)
		if err := r.Fetch(t.Context(), remote, "refs/heads/master"); err != nil {
			t.Fatal(err)
		}
		if got, _ := r.Fetched(t.Context(), "refs/heads/master"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

const password = "pass%word:with/all 22"

// encoded is how the header has it.
var encoded = base64.StdEncoding.EncodeToString([]byte("ci:" + password))

// leaks looks for the password in the argv of all processes.
func leaks() (found []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		text, _ := os.ReadFile(line)
		if strings.Contains(string(text), "word:with") || strings.Contains(string(text), encoded) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

// The look at the processes happens while git waits for the server's answer,
// so that git and its helper are both there.
func TestLoginStaysHidden(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", nil)
	var mu sync.Mutex
	var seen, leaked []string
	remote := p.serve(func(w http.ResponseWriter, r *http.Request) bool {
		user, given, ok := r.BasicAuth()
		mu.Lock()
		defer mu.Unlock()
		seen, leaked = append(seen, user), append(leaked, leaks()...)
		if ok && user == "ci" && given == password {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	remote.Username, remote.Password = "ci", password
	workspace := newProject(t)
	workspace.git("config", "http."+remote.URL+".extraHeader", "Authorization: Basic b3RoZXI6b3RoZXI=")
	r := workspace.open()
	if err := r.Fetch(t.Context(), remote, "refs/heads/master"); err != nil {
		t.Fatal(err)
	}
	if len(seen) == 0 || len(leaked) > 0 {
		t.Errorf("%d requests, seen in argv: %q", len(seen), leaked)
	}
	refuseText(t, r.Path(), "word:with", encoded)
}

func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", nil)
	remote := p.serve(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	remote.Wait = time.Minute // must not be waited for
	for _, user := range []string{"ci", ""} {
		remote.Username, remote.Password = user, password
		err := newProject(t).open().Fetch(t.Context(), remote, "refs/heads/master")
		failure := change.AsFailure(err)
		if failure == nil || failure.Kind != change.KindConfiguration || !strings.Contains(failure.Hint, "GERRIT_PASSWORD") {
			t.Errorf("user %q: %v", user, err)
		}
		if text := fmt.Sprintf("%+v %s", err, messageOf(err)); strings.Contains(text, "word:with") || strings.Contains(text, encoded) {
			t.Errorf("the error tells the password: %s", text)
		}
	}
}

// refuseText looks through all files of a repository.
func refuseText(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", nil)
	elsewhere := p.serve(func(http.ResponseWriter, *http.Request) bool {
		t.Error("the redirect was followed")
		return false
	})
	remote := p.serve(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, strings.TrimSuffix(elsewhere.URL, "/project")+r.URL.RequestURI(), http.StatusFound)
		return true
	})
	remote.Username, remote.Password = "ci", password
	err := newProject(t).open().Fetch(t.Context(), remote, "refs/heads/master")
	if failure := change.AsFailure(err); failure == nil || failure.Kind != change.KindConfiguration || !strings.Contains(failure.Message, "redirects") {
		t.Errorf("got %v", err)
	}
}

func TestFetchFailures(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", nil)
	good := p.serve(nil)
	broken := p.serve(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	unknown := strings.Repeat("ab", 20)
	for _, c := range []struct {
		name, url, ref string
		kind           change.Kind
		says           string
	}{
		{"unknown ref", good.URL, "refs/changes/07/7/9", change.KindInfrastructure, "not there"},
		{"unknown commit", good.URL, unknown, change.KindInfrastructure, "not there"},
		{"unknown project", good.URL + "-no", "refs/heads/master", change.KindConfiguration, "no such repository"},
		{"unknown folder", p.dir + "-no", "refs/heads/master", change.KindConfiguration, "no such repository"},
		{"broken server", broken.URL, "refs/heads/master", change.KindInfrastructure, "500"},
		{"nobody listens", "http://127.0.0.1:1/x", "refs/heads/master", change.KindInfrastructure, "onnect"},
		{"login in the address", "https://ci:hunter22@example.org/x", "refs/heads/master", change.KindConfiguration, "holds a login"},
		{"helper program", "ext::sh -c id", "refs/heads/master", change.KindConfiguration, "want an http"},
		{"option", "--upload-pack=id", "refs/heads/master", change.KindConfiguration, "want an http"},
		{"pattern", good.URL, "refs/heads/*", change.KindConfiguration, "neither a ref"},
		{"two names", good.URL, "refs/heads/a:refs/heads/b", change.KindConfiguration, "neither a ref"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := newProject(t).open().Fetch(t.Context(), Remote{URL: c.url}, c.ref)
			failure := change.AsFailure(err)
			if failure == nil || failure.Kind != c.kind || !strings.Contains(failure.Message, c.says) {
				t.Errorf("got %+v, want %s with %q", failure, c.kind, c.says)
			}
			if failure != nil && (strings.Contains(failure.Message, "\n") || strings.Contains(failure.Message, "hunter22")) {
				t.Errorf("message %q", failure.Message)
			}
		})
	}
}

func TestMirrorThatLags(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	revision := p.commit("first", nil)
	asked := 0
	remote := p.serve(func(http.ResponseWriter, *http.Request) bool {
		if asked++; asked == 3 { // each try asks twice: what can you, what have you
			p.git("update-ref", "refs/changes/07/7/2", revision)
		}
		return false
	})
	remote.Wait = 20 * time.Second
	r := must[*Repo](t)(OpenCache(t.Context(), t.TempDir(), remote.URL))
	if err := r.Fetch(t.Context(), remote, "refs/changes/07/7/2"); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Fetched(t.Context(), "refs/changes/07/7/2"); got != revision {
		t.Errorf("got %q, want %s", got, revision)
	}
}

func TestSilentServerIsLeftWhenCancelled(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	remote := p.serve(func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	})
	remote.Wait = time.Minute
	begin := time.Now()
	err := p.open().Fetch(ctx, remote, "refs/heads/master")
	if !errors.Is(err, context.Canceled) || time.Since(begin) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

// Eight steps at once make one cache and fetch into it.
func TestCacheSharedByMany(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.commit("first", map[string]string{"data-model/a.xml": "a"})
	for n := range 8 {
		p.git("update-ref", fmt.Sprintf("refs/changes/%02d/%d/1", n, n), p.commit(fmt.Sprint("change ", n), map[string]string{"data-model/a.xml": fmt.Sprint(n)}))
	}
	remote, dir := p.serve(nil), t.TempDir()
	errs := make(chan error, 8)
	for n := range 8 {
		go func() { errs <- useCache(t.Context(), dir, remote, n) }()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if made := must[[]string](t)(filepath.Glob(filepath.Join(dir, "git", "*"))); len(made) != 2 {
		t.Errorf("the cache holds %q, want one repository and its lock", made)
	}
}

func useCache(ctx context.Context, dir string, remote Remote, n int) error {
	r, err := OpenCache(ctx, dir, remote.URL)
	if err != nil {
		return err
	}
	ref := fmt.Sprintf("refs/changes/%02d/%d/1", n, n)
	if err := r.Fetch(ctx, remote, ref, "refs/heads/master"); err != nil {
		return err
	}
	revision, err := r.Fetched(ctx, ref)
	if err != nil {
		return err
	}
	text, err := r.ReadFile(ctx, revision, "data-model/a.xml", 100)
	if err == nil && string(text) != fmt.Sprint(n) {
		err = fmt.Errorf("change %d holds %q", n, text)
	}
	return err
}

func TestWaitForLockIsCancelled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "lock")
	err := locked(t.Context(), file, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		return locked(ctx, file, func() error { return errors.New("two hold the lock") })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// The words that git says never carry a login to us.
func FuzzFirstFault(f *testing.F) {
	f.Add("fatal: unable to access 'https://ci:hunter22@h/x/': refused\nremote: x\n")
	f.Add("remote: hello\nerror: \x1b[31mred\n")
	f.Fuzz(func(t *testing.T, stderr string) {
		got := firstFault("warning: https://ci:hunter22@h/\n" + stderr)
		if strings.ContainsAny(got, "\n\r\x1b") || strings.Contains(got, "hunter22") && !strings.Contains(stderr, "hunter22") {
			t.Errorf("got %q", got)
		}
	})
}
