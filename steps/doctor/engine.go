package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/changelog/liquibase"
	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
	"github.com/patchbay-ci/patchbay/internal/repo"
)

func (e *examination) engine(ctx context.Context) {
	git, err := repo.Version(ctx)
	e.settle("git", err, passed("git %s", git))
	cache, err := e.cache()
	e.settle("cache directory", err, passed("%s can be written", cache))
	settings := e.cfg.Build.Settings
	if !e.faults(append(settings.Faults(), settings.Changelog.Faults()...)...) {
		return
	}
	if unseen := outside(settings); len(unseen) > 0 {
		e.fail("changelog", change.Failf(change.KindConfiguration, "%s lies outside of PATCHBAY_MODEL_DIR (%s): the engine would never see it",
			some(unseen), strings.Join(settings.ModelDir, ",")).WithHint("PATCHBAY_MODEL_DIR names all that the engine sees; add it there"))
	}
	// Open would end at the first of these; each is told.
	if !settings.Changelog.Goose() && !e.liquibase(ctx, cache) {
		return
	}
	engine, err := changelog.Open(ctx, settings.Changelog, cache, e.Getenv)
	if err != nil {
		e.fail("engine", err)
		return
	}
	e.note("engine", passed("%s", engine.Name()))
	e.try(ctx, engine)
}

// outside are the root changelogs that no path of the model holds.
func outside(s candidate.Settings) (roots []string) {
	for _, root := range s.Changelog.Roots() {
		name := path.Join(s.Changelog.SearchPath, root.Path)
		if !slices.ContainsFunc(s.ModelDir, func(dir string) bool {
			dir = path.Clean(dir)
			return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
		}) {
			roots = append(roots, name)
		}
	}
	return roots
}

func (e *examination) cache() (string, error) {
	dir, err := e.cfg.Build.Cache.Dir()
	if err != nil {
		return "", err
	}
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		var file *os.File
		if file, err = os.CreateTemp(dir, "doctor-*"); err == nil {
			err = errors.Join(file.Close(), os.Remove(file.Name()))
		}
	}
	if err != nil {
		return dir, change.Failf(change.KindConfiguration, "the cache directory cannot be written: %w", err).WithHint("set PATCHBAY_CACHE_DIR")
	}
	return dir, nil
}

// liquibase looks at what only Liquibase needs; false when it cannot run.
func (e *examination) liquibase(ctx context.Context, cache string) bool {
	s := e.cfg.Build.Settings.Changelog
	safe := e.sandbox(s.Sandbox)
	java, err := liquibase.Java(s.JavaHome, e.Getenv("PATH"))
	if err != nil {
		e.fail("java", err)
		return false
	}
	version, major, err := liquibase.JavaVersion(ctx, java)
	if err != nil {
		e.fail("java", err)
		return false
	}
	home, err := liquibase.Find(s.LiquibaseHome, java, s.Classpath, cache)
	if err != nil {
		e.note("java", passed("Java %s, %s", version, java))
		e.fail("liquibase", err)
		return false
	}
	found, err := suits(major, home)
	found.detail = fmt.Sprintf("Java %s, %s%s", version, java, found.detail)
	ready := e.settle("java", err, found)
	e.note("liquibase", passed("Liquibase %s in %s", home.Version, home.Dir))
	if major == 0 || major >= archives {
		e.archive(home, cache)
	}
	return ready && safe
}

// archives is the oldest Java that class archives are made with.
const archives = 11

// suits compares a Java with what Liquibase is compiled for; 0 is an early
// access build, of which nothing is known.
func suits(major int, home *liquibase.Home) (finding, error) {
	switch {
	case major != 0 && major < home.NeedsJava:
		return finding{}, change.Failf(change.KindConfiguration, "Java %d is too old for Liquibase %s, which needs Java %d", major, home.Version, home.NeedsJava).
			WithHint("install Java %d or newer, or set JAVA_HOME", home.NeedsJava)
	case major != 0 && major < archives:
		return warning(fmt.Sprintf(": enough for Liquibase %s, but there is no class archive for it: every run is up to a second slower", home.Version),
			fmt.Sprintf("install Java %d or newer, or set JAVA_HOME", archives)), nil
	}
	return passed(""), nil
}

func (e *examination) archive(home *liquibase.Home, cache string) {
	if home.IsWarm(cache) {
		e.note("class archive", passed("is there"))
		return
	}
	e.note("class archive", warning("there is none for this Java and these jars: every run is up to a second slower", "run once on this machine: apply-changelog --warm-cache"))
}

// sandbox says whether an engine would be run.
func (e *examination) sandbox(setting string) bool {
	missing := strings.Join(sandbox.Missing(), "; ")
	switch {
	case missing == "":
		e.note("sandbox", passed("Landlock with files and TCP, seccomp"))
	case sandbox.Available():
		e.note("sandbox", warning(missing, "use Linux 6.7 or newer"))
	case setting == "optional":
		e.note("sandbox", warning(missing, "use Linux 5.13 or newer with Landlock enabled, then take PATCHBAY_SANDBOX=optional back"))
	default:
		e.fail("sandbox", change.Failf(change.KindConfiguration, "%s", missing).
			WithHint("use Linux 5.13 or newer with Landlock enabled; PATCHBAY_SANDBOX=optional runs Liquibase without it"))
		return false
	}
	return true
}

// try lets the engine deploy one changeset on a scratch database: Java, its
// driver, TLS, pg_hba.conf and the sandbox have to play together.
func (e *examination) try(ctx context.Context, engine changelog.Engine) {
	const name = "deploys"
	server, err := e.connect(ctx)
	if err != nil {
		e.note(name, unknown("not tried: PostgreSQL is not reached", ""))
		return
	}
	defer server.Close(context.WithoutCancel(ctx))
	template, owner := e.cfg.Build.Database.Template, e.cfg.Build.Database.OwnerRole
	if there, err := server.Database(ctx, template); err != nil || there == nil || server.CheckOwnerRole(ctx, owner) != nil {
		e.note(name, unknown("not tried: it needs a template and an owner role", "run prepare-template"))
		return
	}
	s, err := begin(ctx, server, e.names())
	if err != nil {
		e.fail(name, err)
		return
	}
	err = s.deploy(ctx, engine, e.cfg.Build.Settings.Changelog, template, owner)
	e.settle(name, errors.Join(err, s.end(ctx)), passed("a changelog of one changeset, on a clone of %s", template))
}

func (s *scratch) deploy(ctx context.Context, engine changelog.Engine, settings changelog.Settings, template, owner string) error {
	if err := s.clone(ctx, template, owner); err != nil {
		return err
	}
	if err := s.createLogin(ctx, owner); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "doctor-")
	if err != nil {
		return change.Failf(change.KindInfrastructure, "make a directory for the engine: %w", err)
	}
	defer os.RemoveAll(work)
	job := changelog.Job{Dir: filepath.Join(work, "tree"), Scratch: filepath.Join(work, "scratch"), Server: s.server, Login: s.login}
	if err := errors.Join(os.Mkdir(job.Scratch, 0o700), layOut(job.Dir, settings)); err != nil {
		return change.Failf(change.KindInfrastructure, "write a changelog: %w", err)
	}
	report, err := engine.Apply(ctx, job)
	if err != nil {
		return asOurs(err)
	}
	if len(report.Changesets) == 0 {
		return change.Failf(change.KindConfiguration, "the engine ended well but applied nothing").
			WithHint("see PATCHBAY_CONTEXTS, PATCHBAY_LABELS and PATCHBAY_CHANGELOG_TABLE")
	}
	return nil
}

// asOurs: there is no candidate to blame.
func asOurs(err error) error {
	f := change.AsFailure(err)
	if f.Kind == change.KindCandidate {
		f.Kind = change.KindConfiguration
	}
	return f
}

// layOut writes a changelog under each name that the settings give.
func layOut(dir string, s changelog.Settings) error {
	for i, root := range s.Roots() {
		name := path.Join(s.SearchPath, root.Path)
		text := trials[strings.ToLower(path.Ext(name))]
		if s.Goose() {
			name, text = path.Join(name, "99999_doctor.sql"), "-- +goose Up\nCREATE SCHEMA patchbay_doctor;\n"
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "NUMBER", string(rune('a'+i%26)))), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// trials are changelogs of one changeset without contexts and labels, which
// runs whatever the settings choose.
var trials = map[string]string{
	".xml": `<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd">
<changeSet id="doctor" author="patchbay"><sql>CREATE SCHEMA patchbay_doctor_NUMBER</sql></changeSet>
</databaseChangeLog>
`,
	".yaml": "databaseChangeLog:\n- changeSet: {id: doctor, author: patchbay, changes: [{sql: {sql: CREATE SCHEMA patchbay_doctor_NUMBER}}]}\n",
	".yml":  "databaseChangeLog:\n- changeSet: {id: doctor, author: patchbay, changes: [{sql: {sql: CREATE SCHEMA patchbay_doctor_NUMBER}}]}\n",
	".json": `{"databaseChangeLog":[{"changeSet":{"id":"doctor","author":"patchbay","changes":[{"sql":{"sql":"CREATE SCHEMA patchbay_doctor_NUMBER"}}]}}]}`,
	".sql":  "--liquibase formatted sql\n--changeset patchbay:doctor\nCREATE SCHEMA patchbay_doctor_NUMBER;\n",
}
