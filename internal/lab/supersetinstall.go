package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// NewSuperset is the version that tests, demo and benchmarks run against.
const NewSuperset = "6.1.0"

// OldSupersets are others that asset-sync speaks to: the lists of the first
// have no UUIDs, those of the second have, and neither is filtered by them; the
// third knows no display controls.
var OldSupersets = []string{"4.1.2", "5.0.0", "6.0.0"}

// supersetConstraints pin what is installed with a version.
//
//go:embed superset/constraints-*.txt
var supersetConstraints embed.FS

//go:embed superset/config.py
var supersetConfig []byte

//go:embed superset/users.py
var supersetUsers []byte

// supersetPackages are what "apache-superset" needs named beside it: without
// rich it does not start, without cachetools it shows no page, a newer
// Flask-Caching breaks its cache, a newer gunicorn shares one control socket.
var supersetPackages = []string{"flask-caching==2.3.1", "gunicorn==23.0.0", "rich", "cachetools", "requests", "psycopg2-binary"}

// supersetInstallation is a Python environment with Superset in it.
type supersetInstallation struct {
	version string
	dir     string // the environment
	base    string // config.py and users.py, the template, the sites

	constraints []byte
	special     []string // variables for config.py
}

// digest is part of a folder's name: what another version of the lab made
// from other files is not used.
func digest(files ...[]byte) string {
	return fmt.Sprintf("%.6x", sha256.Sum256(bytes.Join(files, nil)))
}

// installSuperset makes the environment once: about two minutes and 820 MB.
func installSuperset(ctx context.Context, version string) (*supersetInstallation, error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	constraints, err := supersetConstraints.ReadFile("superset/constraints-" + version + ".txt")
	if err != nil {
		return nil, fmt.Errorf("the lab knows no Superset %s", version)
	}
	s := &supersetInstallation{version: version, constraints: constraints}
	s.dir = filepath.Join(dir, "superset-"+version+"-"+digest(constraints))
	s.base = filepath.Join(dir, "superset-sites-"+digest(constraints, supersetConfig, supersetUsers))
	if err := s.files(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(s.dir, "installed")); err == nil {
		return s, nil
	}
	if err := s.install(ctx); err != nil {
		return nil, fmt.Errorf("install Superset %s: %w", version, err)
	}
	return s, os.WriteFile(filepath.Join(s.dir, "installed"), nil, 0o600)
}

// files writes what Superset reads.
func (s *supersetInstallation) files() error {
	if err := os.MkdirAll(s.base, 0o700); err != nil {
		return err
	}
	for name, text := range map[string][]byte{"config.py": supersetConfig, "users.py": supersetUsers, "constraints.txt": s.constraints} {
		if err := os.WriteFile(filepath.Join(s.base, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *supersetInstallation) install(ctx context.Context) error {
	python, err := findPython(ctx)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, python, "-m", "venv", s.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%s -m venv: %w: %s", python, err, lastLine(out))
	}
	return s.pip(ctx, append([]string{"apache-superset==" + s.version}, supersetPackages...)...)
}

// pip installs packages; what is there already costs two seconds.
func (s *supersetInstallation) pip(ctx context.Context, packages ...string) error {
	args := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", filepath.Join(s.base, "constraints.txt")}, packages...)
	if out, err := exec.CommandContext(ctx, s.program("python"), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("pip install: %w: %s", err, lastLine(out))
	}
	return nil
}

func (s *supersetInstallation) program(name string) string { return filepath.Join(s.dir, "bin", name) }

// SupersetPython is the Python of the installation: the PyYAML that Superset
// itself reads with is in it.
func SupersetPython(ctx context.Context) (string, error) {
	var s *supersetInstallation
	err := Locked("superset", func() (err error) {
		s, err = installSuperset(ctx, NewSuperset)
		return err
	})
	if err != nil {
		return "", err
	}
	return s.program("python"), nil
}

// findPython finds a Python that Superset runs on and that can make
// environments.
func findPython(ctx context.Context) (string, error) {
	const fits = "import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))"
	for _, name := range []string{"python3.11", "python3.10", "python3.12", "python3"} {
		if path, err := exec.LookPath(name); err == nil && exec.CommandContext(ctx, path, "-c", fits).Run() == nil {
			return path, nil
		}
	}
	return "", Missing("Python 3.10 to 3.12 with venv", "python3-venv")
}
