package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// asProgram makes the test binary the program itself.
const asProgram = "ASSET_SYNC_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// scene is two Supersets, prod with what people made by hand there, and a
// directory with a configuration.
type scene struct {
	*testing.T
	pair   *lab.SupersetPair
	seeded *seed.Seeded
	dir    string
	env    []string
}

const configFile = `
environments:
  prod: {url: "${PROD_URL}", login: {username: sync, password: "${PROD_PASSWORD}"}}
  qa: {url: "${QA_URL}", login: {username: sync, password: "${QA_PASSWORD}"}}
databases:
  Реєстри: {qa: "Реєстри QA"}
`

// versions are those of prod and qa.
var versions = [2]string{lab.NewSuperset, lab.NewSuperset}

func newScene(t *testing.T) *scene {
	t.Helper()
	pair := lab.SupersetsOf(t, versions[0], versions[1])
	seeded, err := seed.Fixture(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s := sceneOf(t, pair)
	s.seeded = seeded
	return s
}

var synced = map[string]bool{} // what the first syncedScene of two versions kept

// syncedScene is a scene after a first sync, which only the first caller waits
// for.
func syncedScene(t *testing.T) *scene {
	t.Helper()
	s, name := newScene(t), "synced-"+versions[0]+"-"+versions[1]
	if synced[name] {
		if err := s.pair.Reset(name); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if err := s.pair.Keep(name); err != nil {
		t.Fatal(err)
	}
	synced[name] = true
	return s
}

func sceneOf(t *testing.T, pair *lab.SupersetPair) *scene {
	t.Helper()
	s := &scene{T: t, pair: pair, dir: t.TempDir()}
	s.env = []string{"PROD_URL=" + pair.Prod.URL, "QA_URL=" + pair.QA.URL, "PROD_PASSWORD=sync-secret", "QA_PASSWORD=sync-secret", "PATCHBAY_CACHE_DIR=" + filepath.Join(s.dir, "cache")}
	s.write("asset-sync.yaml", configFile)
	return s
}

func (s *scene) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// ran is what a run came to.
type ran struct {
	status         int
	stdout, stderr string
	result         change.AssetSync
}

// run runs the program in the scene's directory.
func (s *scene) run(args ...string) ran {
	s.Helper()
	return s.start(args...).wait()
}

// running is a run that has not ended.
type running struct {
	*scene
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

// start starts the program.
func (s *scene) start(args ...string) *running {
	s.Helper()
	r := s.prepare(args...)
	if err := r.Start(); err != nil {
		s.Fatal(err)
	}
	return r
}

func (s *scene) prepare(args ...string) *running {
	r := &running{scene: s, Cmd: exec.CommandContext(s.Context(), os.Args[0], args...)}
	r.Dir, r.Stdout, r.Stderr = s.dir, &r.stdout, &r.stderr
	r.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "GIT_CONFIG_GLOBAL=/dev/null"}, s.env...)
	_ = os.Remove(s.document())
	return r
}

func (s *scene) document() string { return filepath.Join(s.dir, ".patchbay", "asset-sync.json") }

// wait waits for its end.
func (p *running) wait() ran {
	s := p.scene
	s.Helper()
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	r := ran{status: p.ProcessState.ExitCode(), stdout: p.stdout.String(), stderr: p.stderr.String()}
	if text, err := os.ReadFile(s.document()); err == nil {
		if err := json.Unmarshal(text, &r.result); err != nil {
			s.Fatal(err)
		}
	}
	return r
}

// must runs and wants a status.
func (s *scene) must(status int, args ...string) ran {
	s.Helper()
	r := s.run(args...)
	if r.status != status {
		s.Fatalf("asset-sync %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), r.status, status, r.stdout, r.stderr)
	}
	return r
}

// tree reads the files of a directory below the scene's.
func (s *scene) tree(dir string) map[string]string {
	s.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(s.dir, dir), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(filepath.Join(s.dir, dir), path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return files
}

// clients are kept by address and user: a login costs a server much.
var clients sync.Map

func (s *scene) client(site *lab.SupersetSite, user string) *superset.Client {
	s.Helper()
	if kept, ok := clients.Load(site.URL + user); ok {
		return kept.(*superset.Client)
	}
	client, err := seed.Client(site, user)
	if err != nil {
		s.Fatal(err)
	}
	clients.Store(site.URL+user, client)
	return client
}

// rows lists assets of a site by title.
func (s *scene) rows(site *lab.SupersetSite, kind assets.Kind) map[string]superset.Row {
	s.Helper()
	rows, err := s.client(site, "admin").List(s.Context(), kind)
	if err != nil {
		s.Fatal(err)
	}
	uuids := s.uuids(site)[kind]
	all := map[string]superset.Row{}
	for _, row := range rows {
		row.UUID = uuids[row.ID]
		all[row.Title] = row
	}
	return all
}

// uuids are those of a site by id, from its own tables.
func (s *scene) uuids(site *lab.SupersetSite) map[assets.Kind]map[int]string {
	s.Helper()
	all, err := seed.UUIDs(s.Context(), site)
	if err != nil {
		s.Fatal(err)
	}
	return all
}

// same compares two trees.
func (s *scene) same(want, got map[string]string) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Error(diff)
	}
}

// withoutUnresolved leaves out what refers to nothing: it is noted in the tree
// of the source and is sent nowhere.
func withoutUnresolved(files map[string]string) map[string]string {
	kept := map[string]string{}
	for name, text := range files {
		before, _, _ := strings.Cut(text, "\nunresolved:\n")
		kept[name] = strings.TrimSuffix(before, "\n") + "\n"
	}
	return kept
}

func (s *scene) git(args ...string) {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("git %v: %v: %s", args, err, out)
	}
}

func (s *scene) now() time.Time { return time.Now() }
