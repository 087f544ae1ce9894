package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SupersetSite is one running Superset on 127.0.0.1. Its users are admin,
// sync, editor (role Admin), alpha and gamma; each password is the name and "-secret".
type SupersetSite struct {
	Name    string `json:"name"` // "prod", "qa"
	Version string `json:"version"`
	URL     string `json:"url"`
	PID     int    `json:"pid"` // of the gunicorn master
	Home    string `json:"home"`
}

// SupersetPair is two Supersets that know nothing of each other.
type SupersetPair struct{ Prod, QA *SupersetSite }

// Supersets gives a test both sites, empty, and nobody else has them until
// the test ends: a site is put back under the running server.
func Supersets(t testing.TB) *SupersetPair {
	t.Helper()
	return SupersetsOf(t, NewSuperset, NewSuperset)
}

// SupersetsOf is Supersets with sites of those versions.
func SupersetsOf(t testing.TB, prod, qa string) *SupersetPair {
	t.Helper()
	pair, err := startSupersets(t.Context(), prod, qa)
	if err != nil {
		t.Fatal(err)
	}
	release, err := LockSupersets()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	if err := pair.Reset(""); err != nil {
		t.Fatal(err)
	}
	return pair
}

// SupersetWithoutTags is a Superset whose feature of tags is off; it ends with
// the test.
func SupersetWithoutTags(t testing.TB) *SupersetSite {
	t.Helper()
	return specialSuperset(t, "untagged", nil, "LAB_NO_TAGS=1")
}

// SupersetOfShortLogins is a Superset whose access tokens expire after so many
// seconds; it ends with the test.
func SupersetOfShortLogins(t testing.TB, seconds int) *SupersetSite {
	t.Helper()
	return specialSuperset(t, "forgetful", nil, fmt.Sprintf("LAB_JWT_SECONDS=%d", seconds))
}

// specialSuperset is one of today from the template of the others, set up
// otherwise, which ends with the test.
func specialSuperset(t testing.TB, name string, packages []string, special ...string) *SupersetSite {
	t.Helper()
	var site *SupersetSite
	err := Locked("superset", func() error {
		s, err := installSuperset(t.Context(), NewSuperset)
		if err == nil && len(packages) > 0 {
			err = s.pip(t.Context(), packages...)
		}
		if err == nil {
			err = s.template(t.Context())
		}
		if err != nil {
			return err
		}
		s.special = special
		site, err = s.started(t.Context(), name, filepath.Join(s.base, name))
		return err
	})
	if err != nil {
		t.Fatalf("start Superset %s: %v", name, err)
	}
	t.Cleanup(func() { _ = end(site.PID, syscall.SIGTERM) })
	if err := site.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return site
}

// LockSupersets keeps everybody else from the pair until it is released.
func LockSupersets() (release func(), err error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "superset-use.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return func() { file.Close() }, syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
}

// StartSupersets gives the pair and starts what does not run: about 10
// seconds, and half a minute more for the first time of an installation.
func StartSupersets(ctx context.Context) (*SupersetPair, error) {
	return startSupersets(ctx, NewSuperset, NewSuperset)
}

func startSupersets(ctx context.Context, prod, qa string) (*SupersetPair, error) {
	pair := &SupersetPair{}
	err := Locked("superset", func() (err error) {
		if pair.Prod, err = startSite(ctx, "prod", prod); err == nil {
			pair.QA, err = startSite(ctx, "qa", qa)
		}
		if err != nil {
			return err
		}
		return errors.Join(pair.Prod.wait(ctx), pair.QA.wait(ctx))
	})
	if err != nil {
		return nil, fmt.Errorf("start Superset: %w", err)
	}
	return pair, nil
}

// startSite gives a running site of a version; it may not answer yet.
func startSite(ctx context.Context, name, version string) (*SupersetSite, error) {
	s, err := installSuperset(ctx, version)
	if err != nil {
		return nil, err
	}
	if err := s.template(ctx); err != nil {
		return nil, err
	}
	return s.site(ctx, name)
}

// site gives a running site, started if need be; it may not answer yet.
func (s *supersetInstallation) site(ctx context.Context, name string) (*SupersetSite, error) {
	var site SupersetSite
	home, state := filepath.Join(s.base, name), "superset-"+s.version+"-"+name
	if found, err := readState(state, &site); err != nil || found && site.alive() && site.Home == home {
		return &site, err
	}
	if site.alive() { // from other files than today's
		if err := end(site.PID, syscall.SIGTERM); err != nil {
			return nil, err
		}
	}
	started, err := s.started(ctx, name, home)
	if err != nil {
		return nil, err
	}
	return started, writeState(state, started)
}

// started starts an empty site.
func (s *supersetInstallation) started(ctx context.Context, name, home string) (*SupersetSite, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	if err := replaceFile(filepath.Join(s.base, "template", "superset.db"), filepath.Join(home, "superset.db")); err != nil {
		return nil, err
	}
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	site := &SupersetSite{Name: name, Version: s.version, Home: home, URL: fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	return site, s.launch(site, ports[0])
}

func (s *supersetInstallation) launch(site *SupersetSite, port int) error {
	log, err := os.Create(filepath.Join(site.Home, "server.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.program("gunicorn"), //nolint:noctx // it outlives the test that started it
		"--bind", fmt.Sprintf("127.0.0.1:%d", port), "--pid", filepath.Join(site.Home, "gunicorn.pid"),
		"--workers", "1", "--worker-class", "gthread", "--threads", "4", "--timeout", "600", "--graceful-timeout", "5", "--keep-alive", "30",
		"--limit-request-line", "0", "--limit-request-field_size", "0", "superset.app:create_app()")
	cmd.Dir, cmd.Env = site.Home, s.environment(site.Home)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	site.PID = cmd.Process.Pid
	go func() { _ = cmd.Wait() }()
	return nil
}

func (s *supersetInstallation) environment(home string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "SUPERSET_HOME=" + home, "FLASK_APP=superset",
		"SUPERSET_CONFIG_PATH=" + filepath.Join(s.base, "config.py"), "PYTHONWARNINGS=ignore", "PYTHONUNBUFFERED=1",
	}, s.special...)
}

// template is the metadata of an empty site with its roles and users.
func (s *supersetInstallation) template(ctx context.Context) error {
	home := filepath.Join(s.base, "template")
	if _, err := os.Stat(filepath.Join(home, "superset.db")); err == nil {
		return nil
	}
	work, err := os.MkdirTemp(s.base, "template-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, argv := range [][]string{{s.program("superset"), "db", "upgrade"}, {s.program("python"), filepath.Join(s.base, "users.py")}} {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = work, s.environment(work)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("prepare a site: %s: %w: %s", filepath.Base(argv[0]), err, lastLine(out))
		}
	}
	return os.Rename(work, home)
}

func (s *SupersetSite) alive() bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID))
	return err == nil && strings.Contains(string(line), filepath.Join(s.Home, "gunicorn.pid"))
}

// wait asks for the login page too: the first page compiles and imports a lot.
func (s *SupersetSite) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for !answers(ctx, s.URL+"/health") {
		if !s.alive() || ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: see %s", s.Name, filepath.Join(s.Home, "server.log"))
		}
		time.Sleep(100 * time.Millisecond)
	}
	answers(ctx, s.URL+"/login/")
	return nil
}

// Reset puts both sites back: to empty, or to what Keep kept under the name.
func (p *SupersetPair) Reset(name string) error {
	return errors.Join(p.Prod.reset(name), p.QA.reset(name))
}

func (s *SupersetSite) reset(name string) error {
	from := filepath.Join(filepath.Dir(s.Home), "template")
	if name != "" {
		from = s.kept(name)
	}
	_ = os.Remove(filepath.Join(s.Home, "warehouse.db")) // made anew by those who need it
	if err := replaceFile(filepath.Join(from, "warehouse.db"), filepath.Join(s.Home, "warehouse.db")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return replaceFile(filepath.Join(from, "superset.db"), filepath.Join(s.Home, "superset.db"))
}

func (s *SupersetSite) kept(name string) string {
	return filepath.Join(filepath.Dir(s.Home), "kept-"+name, s.Name)
}

// Keep keeps the present content of both sites for Reset.
func (p *SupersetPair) Keep(name string) error {
	for _, s := range []*SupersetSite{p.Prod, p.QA} {
		if err := os.MkdirAll(s.kept(name), 0o700); err != nil {
			return err
		}
		for _, file := range []string{"superset.db", "warehouse.db"} {
			if err := replaceFile(filepath.Join(s.Home, file), filepath.Join(s.kept(name), file)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// replaceFile copies a file beside its place and renames it into it.
func replaceFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to+".new", text, 0o600); err != nil {
		return err
	}
	for _, left := range []string{"-journal", "-wal", "-shm"} {
		_ = os.Remove(to + left) // of the replaced file
	}
	return os.Rename(to+".new", to)
}
