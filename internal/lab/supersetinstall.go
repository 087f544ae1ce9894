package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// supersetVersion is what tests, demo and benchmarks run against.
const supersetVersion = "6.1.0"

//go:embed superset/constraints-6.1.0.txt
var supersetConstraints []byte

//go:embed superset/config.py
var supersetConfig []byte

//go:embed superset/users.py
var supersetUsers []byte

// supersetPackages are what "apache-superset" needs named beside it: without
// rich it does not start, without cachetools it shows no page, a newer
// Flask-Caching breaks its cache, a newer gunicorn shares one control socket.
var supersetPackages = []string{
	"apache-superset==" + supersetVersion, "flask-caching==2.3.1", "gunicorn==23.0.0", "rich", "cachetools", "requests",
}

// supersetInstallation is a Python environment with Superset in it.
type supersetInstallation struct {
	dir  string // the environment
	base string // config.py and users.py, the template, the sites
}

// digest is part of a folder's name: what another version of the lab made
// from other files is not used.
func digest(files ...[]byte) string {
	return fmt.Sprintf("%.6x", sha256.Sum256(bytes.Join(files, nil)))
}

// installSuperset makes the environment once: about two minutes and 820 MB.
func installSuperset(ctx context.Context) (*supersetInstallation, error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	s := &supersetInstallation{dir: filepath.Join(dir, "superset-"+supersetVersion+"-"+digest(supersetConstraints))}
	s.base = filepath.Join(dir, "superset-sites-"+digest(supersetConstraints, supersetConfig, supersetUsers))
	if err := s.files(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(s.dir, "installed")); err == nil {
		return s, nil
	}
	if err := s.install(ctx); err != nil {
		return nil, fmt.Errorf("install Superset %s: %w", supersetVersion, err)
	}
	return s, os.WriteFile(filepath.Join(s.dir, "installed"), nil, 0o600)
}

// files writes what Superset reads.
func (s *supersetInstallation) files() error {
	if err := os.MkdirAll(s.base, 0o700); err != nil {
		return err
	}
	for name, text := range map[string][]byte{"config.py": supersetConfig, "users.py": supersetUsers, "constraints.txt": supersetConstraints} {
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
	pip := append([]string{
		s.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--constraint", filepath.Join(s.base, "constraints.txt"),
	}, supersetPackages...)
	for _, argv := range [][]string{{python, "-m", "venv", s.dir}, pip} {
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(argv[:3], " "), err, lastLine(out))
		}
	}
	return nil
}

func (s *supersetInstallation) program(name string) string { return filepath.Join(s.dir, "bin", name) }

// SupersetPython is the Python of the installation: the PyYAML that Superset
// itself reads with is in it.
func SupersetPython(ctx context.Context) (string, error) {
	var s *supersetInstallation
	err := Locked("superset", func() (err error) {
		s, err = installSuperset(ctx)
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
