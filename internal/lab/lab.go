// Package lab starts the real servers that tests, the demo and the benchmarks
// run against: PostgreSQL, Gerrit, Liquibase, and a proxy that injects faults
// in front of them. Everything it downloads or starts lives in one cache
// directory outside the tree; a second run finds it there.
//
// A server is started by whoever needs it first and then shared: the test
// binaries of all packages find it by a state file under a file lock. `make
// test` and `make demo` stop what is left with `go run ./internal/lab/cmd/lab stop`.
// Nothing but tests, demo and benchmarks imports this package.
package lab

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Dir is the lab's directory: $PATCHBAY_LAB_DIR, else patchbay/lab below the
// user's cache directory. It may be deleted at any time while nothing runs.
func Dir() (string, error) {
	dir := os.Getenv("PATCHBAY_LAB_DIR")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache directory (set PATCHBAY_LAB_DIR): %w", err)
		}
		dir = filepath.Join(cache, "patchbay", "lab")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, nil
}

// Locked runs fn while holding the file lock of that name, so that two test
// binaries never install or start the same thing at once.
func Locked(name string, fn func() error) error {
	dir, err := Dir()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() // gives the lock back
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return fn()
}

type dependency struct {
	Group      string      `xml:"groupId"`
	Artifact   string      `xml:"artifactId"`
	Version    string      `xml:"version"`
	Classifier string      `xml:"classifier,omitempty"`
	Exclusions []exclusion `xml:"exclusions>exclusion"`
}

type exclusion struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
}

type project struct {
	XMLName      xml.Name     `xml:"project"`
	Model        string       `xml:"modelVersion"`
	Group        string       `xml:"groupId"`
	Artifact     string       `xml:"artifactId"`
	Version      string       `xml:"version"`
	Packaging    string       `xml:"packaging"`
	Dependencies []dependency `xml:"dependencies>dependency"`
}

// Maven copies artifacts ("group:artifact:version", exactly these, nothing
// transitive) into a folder named after the set, as artifact.jar, and gives
// that folder. What is there already is not fetched again.
func Maven(ctx context.Context, name string, coordinates ...string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, name)
	err = Locked(filepath.Base(name), func() error {
		if _, err := os.Stat(target); err == nil {
			return nil
		}
		return fetch(ctx, target, coordinates)
	})
	return target, err
}

func fetch(ctx context.Context, target string, coordinates []string) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return Missing("mvn", "maven")
	}
	work, err := os.MkdirTemp(filepath.Dir(target), "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	pom := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pom, pomOf(coordinates), 0o600); err != nil {
		return err
	}
	jars := filepath.Join(work, "jars")
	cmd := exec.CommandContext(ctx, "mvn", "-B", "-q", "-f", pom,
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
		"-Dmdep.stripVersion=true", "-DoutputDirectory="+jars)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch %s with mvn: %w: %s", strings.Join(coordinates, " "), err, firstError(string(out)))
	}
	return os.Rename(jars, target)
}

func pomOf(coordinates []string) []byte {
	p := project{Model: "4.0.0", Group: "local", Artifact: "lab", Version: "1", Packaging: "pom"}
	for _, c := range coordinates {
		part := strings.Split(c, ":")
		p.Dependencies = append(p.Dependencies, dependency{
			Group: part[0], Artifact: part[1], Version: part[2],
			Exclusions: []exclusion{{"*", "*"}},
		})
	}
	text, err := xml.Marshal(p)
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return text
}

func firstError(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "ERROR") {
			return strings.TrimSpace(line)
		}
	}
	return "no error line"
}

// Missing names a tool that is not there and the line that installs it.
func Missing(tool, debian string) error {
	return fmt.Errorf("%s not found; install it with: apt-get install -y %s (or run: make deps)", tool, debian)
}
