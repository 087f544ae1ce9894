package changelog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/liquibase"
	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
)

// rules is the version of what Apply refuses and guards. It is part of the
// digest: databases made under other rules are not reused.
const rules = 1

type liquibaseEngine struct {
	settings Settings
	roots    []Root
	home     *liquibase.Home
	cacheDir string
	digest   string
}

func openLiquibase(s Settings, roots []Root, cacheDir string, environ Environ) (*liquibaseEngine, error) {
	if err := s.checkSandbox(); err != nil {
		return nil, err
	}
	java, err := liquibase.Java(s.JavaHome, environ("PATH"))
	if err != nil {
		return nil, err
	}
	home, err := liquibase.Find(s.LiquibaseHome, java, s.Classpath, cacheDir)
	if err != nil {
		return nil, err
	}
	e := &liquibaseEngine{settings: s, roots: roots, home: home, cacheDir: cacheDir}
	return e, e.makeDigest()
}

// checkSandbox: only who says so runs a stranger's changelog unconfined.
func (s Settings) checkSandbox() error {
	if s.Sandbox == "optional" || sandbox.Available() {
		return nil
	}
	return change.Failf(change.KindConfiguration, "%s", strings.Join(sandbox.Missing(), "; ")).
		WithHint("use Linux 5.13 or newer with Landlock enabled; PATCHBAY_SANDBOX=optional runs Liquibase without it")
}

// WarmCache makes what later runs start faster with, in the cache directory:
// an archive of Java classes and, where Java has a compiler, a launcher for the
// one command that is run. What is there already stays. It
// runs Liquibase once, on nothing of the candidate's.
func WarmCache(ctx context.Context, s Settings, cacheDir string, environ Environ) error {
	engine, err := Open(ctx, s, cacheDir, environ)
	if err != nil {
		return err
	}
	e, is := engine.(*liquibaseEngine)
	if !is {
		return nil // goose has nothing to warm
	}
	if err := os.MkdirAll(cacheDir, 0o700); err != nil {
		return change.Failf(change.KindConfiguration, "make the cache directory: %w", err)
	}
	return e.home.Train(ctx, cacheDir)
}

func (e *liquibaseEngine) Name() string   { return "liquibase " + e.home.Version }
func (e *liquibaseEngine) Digest() string { return e.digest }

func (e *liquibaseEngine) makeDigest() error {
	standIns, err := liquibase.DigestFolder(e.settings.XSDDir)
	if err != nil {
		return err
	}
	e.digest, err = digestOf(e.settings, e.roots, "liquibase", e.home.Digest(), standIns)
	return err
}

// digestOf covers the settings that reach an engine. Limits of time are not
// among them: they change whether a run succeeds, not what it makes.
func digestOf(s Settings, roots []Root, more ...string) (string, error) {
	text, err := json.Marshal([]any{rules, more, roots, s.SearchPath, s.Labels, s.Parameters, s.ChangelogTable, s.LiquibaseSchema})
	if err != nil {
		return "", change.Failf(change.KindConfiguration, "digest of the settings: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Apply runs Liquibase once for each root changelog. The first run's Java
// loads Liquibase while the database is made ready and the tree is looked at.
func (e *liquibaseEngine) Apply(ctx context.Context, job Job) (*Report, error) {
	first, err := e.start(ctx, job, e.roots[0], 0)
	if err != nil {
		return nil, err
	}
	defer first.Stop()
	if err := job.ready(ctx); err != nil {
		return nil, err
	}
	report, err := e.apply(ctx, job, first)
	if err != nil {
		return nil, endSessions(ctx, job, err)
	}
	return report, nil
}

func (e *liquibaseEngine) apply(ctx context.Context, job Job, first *liquibase.Running) (*Report, error) {
	tree, err := e.read(job)
	if err != nil {
		return nil, err
	}
	if len(tree.roots) == 0 {
		return &Report{}, nil // a base without a changelog
	}
	before, err := readTracking(ctx, job, e.settings, "")
	if err != nil {
		return nil, err
	}
	if err := tree.guardBefore(before); err != nil {
		return nil, err
	}
	report := &Report{Warnings: append(tree.warnings, sandbox.Missing()...)}
	if err := e.runRoots(ctx, job, tree, first); err != nil {
		return nil, tree.explain(change.AsFailure(err))
	}
	after, err := readTracking(ctx, job, e.settings, before.schema)
	if err != nil {
		return nil, err
	}
	if report.Changesets, err = before.compare(after); err != nil {
		return nil, tree.index.Locate(change.AsFailure(err))
	}
	return report, tree.guardAfter(before)
}

func (e *liquibaseEngine) runRoots(ctx context.Context, job Job, tree *scanned, first *liquibase.Running) error {
	if err := e.home.StandIns(tree.index.Schemas, e.settings.XSDDir, standIns(job)); err != nil {
		return err
	}
	for i, root := range tree.roots {
		running := first
		if i > 0 || root != e.roots[0] {
			var err error
			if running, err = e.start(ctx, job, root, i+1); err != nil {
				return err
			}
		}
		if err := running.Finish(); err != nil {
			return err
		}
	}
	return nil
}

// standIns is the folder for XSDs that are not to be had; it may stay empty.
func standIns(job Job) string { return filepath.Join(job.Scratch, "xsd") }

func (e *liquibaseEngine) start(ctx context.Context, job Job, root Root, number int) (*liquibase.Running, error) {
	endpoint := job.Server.Endpoint()
	if endpoint.Socket {
		return nil, change.Failf(change.KindConfiguration, "Liquibase cannot connect through a Unix socket").
			WithHint("give DATABASE_URL a host and port that the server listens on by TCP")
	}
	update := liquibase.Update{
		Dir:        filepath.Join(job.Dir, filepath.FromSlash(e.settings.SearchPath)),
		Changelog:  root.Path,
		Contexts:   root.Contexts,
		Labels:     e.settings.Labels,
		Parameters: job.Parameters,
		Table:      e.settings.ChangelogTable,
		Schema:     e.settings.LiquibaseSchema,
		StandIns:   []string{standIns(job)},
		Scratch:    filepath.Join(job.Scratch, fmt.Sprint("run-", number)),
		Timeout:    e.settings.Timeout,
		Progress:   job.Progress,
		Database: liquibase.Database{
			Host: endpoint.Host, Port: endpoint.Port, SSLMode: endpoint.SSLMode, SSLRootCert: endpoint.SSLRootCert,
			Name: job.Login.Database, User: job.Login.Role, Password: job.Login.Password,
		},
	}
	if e.settings.XSDDir != "" {
		update.StandIns = []string{e.settings.XSDDir, standIns(job)}
	}
	return e.home.Warmed(e.cacheDir).Start(ctx, update)
}
