package changelog_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

func TestMain(m *testing.M) {
	sandbox.Exec()
	if len(os.Args) == 4 && os.Args[1] == withoutLandlock {
		openWithoutLandlock(os.Args[2], os.Args[3])
		return
	}
	os.Exit(m.Run())
}

// bench is one registry on a real server, with a base database to clone.
type bench struct {
	t        *testing.T
	site     *lab.Site
	server   *pg.Server
	settings changelog.Settings
	cache    string
	clones   int
	progress []string
}

func liquibaseBench(t *testing.T, version string) *bench {
	t.Helper()
	home, err := lab.LiquibaseHome(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, 15)
	b.settings.Changelog = []string{"model/main.xml"}
	b.settings.LiquibaseHome = home
	return b
}

func newBench(t *testing.T, postgres int) *bench {
	t.Helper()
	site := lab.Postgres(t, postgres)
	site.Template(t, "")
	server, err := pg.Connect(t.Context(), pg.Config{URL: site.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(t.Context()) })
	return &bench{t: t, site: site, server: server, cache: t.TempDir(), settings: changelog.Settings{
		SearchPath: ".", Engine: "auto", Timeout: time.Minute, StatementTimeout: 10 * time.Second,
	}}
}

// files are a tree: path → text.
type files map[string]string

func (b *bench) checkout(tree files) string {
	b.t.Helper()
	dir := b.t.TempDir()
	for name, text := range tree {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	return dir
}

func (b *bench) engine() changelog.Engine {
	b.t.Helper()
	engine, err := changelog.Open(b.t.Context(), b.settings, b.cache, os.Getenv)
	if err != nil {
		b.t.Fatal(err)
	}
	return engine
}

// warm lets the runs that follow use what WarmCache makes.
func (b *bench) warm() {
	b.t.Helper()
	if err := changelog.WarmCache(b.t.Context(), b.settings, b.cache, os.Getenv); err != nil {
		b.t.Fatal(err)
	}
}

// database clones the template, or another database, and makes its login.
func (b *bench) database(source string) pg.Login {
	b.t.Helper()
	if source == "" {
		source = b.site.Names.Template
	}
	b.clones++
	name := b.site.Names.Attempt(1, 1, uint32(b.clones))
	access := pg.Access{Owner: b.site.OwnerRole}
	if err := b.server.Clone(b.t.Context(), source, name, access, nil); err != nil {
		b.t.Fatal(err)
	}
	login := pg.NewLogin(b.site.Names.Login(name), name, b.site.OwnerRole)
	if err := b.server.CreateLogin(b.t.Context(), login, pg.LoginLimits{
		ValidFor: time.Hour, Connections: 3, StatementTimeout: b.settings.StatementTimeout, LockTimeout: 5 * time.Second,
	}); err != nil {
		b.t.Fatal(err)
	}
	return login
}

func (b *bench) job(tree files, login pg.Login) changelog.Job {
	return changelog.Job{
		Dir: b.checkout(tree), Server: b.server, Login: login, Scratch: b.t.TempDir(),
		Progress: func(message string) { b.progress = append(b.progress, message) },
	}
}

// base applies a tree to a clone of the template and gives its database.
func (b *bench) base(tree files) string {
	b.t.Helper()
	login := b.database("")
	if _, err := b.engine().Apply(b.t.Context(), b.job(tree, login)); err != nil {
		b.t.Fatalf("base: %v", err)
	}
	return login.Database
}

// candidate applies a tree to a clone of the base's database.
func (b *bench) candidate(base string, before, tree files) (pg.Login, *changelog.Report, *change.Failure) {
	b.t.Helper()
	return b.candidateOf(base, before, tree, nil)
}

func (b *bench) candidateOf(base string, before, tree files, parameters map[string]string) (pg.Login, *changelog.Report, *change.Failure) {
	b.t.Helper()
	login := b.database(base)
	job := b.job(tree, login)
	job.Parameters = parameters
	job.Previous = b.checkout(before)
	report, err := b.engine().Apply(b.t.Context(), job)
	return login, report, change.AsFailure(err)
}

// with is a tree with some files added or replaced; "" removes one.
func (f files) with(more files) files {
	all := maps.Clone(f)
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_, text string) bool { return text == "" })
	return all
}

func (b *bench) query(database, sql string) string {
	b.t.Helper()
	conn := lab.Connect(b.t, b.site.SuperURL(database))
	defer conn.Close(b.t.Context()) // a session would keep the database from being cloned
	var text string
	if err := conn.QueryRow(b.t.Context(), sql).Scan(&text); err != nil {
		b.t.Fatal(err)
	}
	return text
}

const header = `<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd">
`

func xmlLog(body string) string { return header + body + "\n</databaseChangeLog>\n" }

const tableA = `<changeSet id="1" author="o'brien"><createTable tableName="a"><column name="id" type="int"><constraints primaryKey="true"/></column></createTable></changeSet>`

var simple = files{"model/main.xml": xmlLog(tableA)}
