package changelog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

func TestRoots(t *testing.T) {
	t.Parallel()
	s := changelog.Settings{Contexts: "main", Changelog: strings.Split("m/pre.xml@all,pub,m/./main.xml,m/post.xml@", ",")}
	want := []changelog.Root{{Path: "m/pre.xml", Contexts: "all,pub"}, {Path: "m/main.xml", Contexts: "main"}, {Path: "m/post.xml"}}
	if diff := cmp.Diff(want, s.Roots()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	good := changelog.Settings{Changelog: []string{"m/a.xml"}, SearchPath: "."}
	if faults := good.Faults(); len(faults) > 0 {
		t.Errorf("good settings: %v", faults)
	}
	bad := changelog.Settings{
		Changelog: []string{"../a.xml", "/b.xml", "."}, SearchPath: "..", ChangelogTable: `x"y`, LiquibaseSchema: "Upper",
		Parameters: map[string]string{"a b": "x", "c": "two\nlines"}, Timeout: -time.Second,
	}
	if faults := bad.Faults(); len(faults) != 9 {
		t.Errorf("got %d faults, want 9: %v", len(faults), faults)
	}
}

func TestTrackingTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings changelog.Settings
		want     []string
	}{
		{changelog.Settings{Engine: "liquibase"}, []string{"databasechangelog", "databasechangeloglock"}},
		{changelog.Settings{Engine: "liquibase", ChangelogTable: "databasechangelog"}, []string{"databasechangelog", "databasechangeloglock"}},
		{changelog.Settings{Engine: "liquibase", ChangelogTable: "model", LiquibaseSchema: "ops"}, []string{"ops.model", "ops.model_lock"}},
		{changelog.Settings{Engine: "goose"}, []string{"goose_db_version"}},
		{changelog.Settings{Engine: "auto", Changelog: []string{"db"}, ChangelogTable: "model"}, []string{"model"}},
	} {
		if diff := cmp.Diff(c.want, c.settings.TrackingTables()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.settings, diff)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	read := func(path string) ([]byte, error) {
		if path != "settings.yaml" {
			return nil, errors.New("no such file")
		}
		return []byte("settings:\n  general: {version: 1.10, list: [1]}\n"), nil
	}
	got, err := changelog.Resolve(map[string]string{"v": "@settings.yaml#settings.general.version", "mail": "@home"}, read)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"v": "1.10", "mail": "@home"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, value := range []string{"@settings.yaml#settings.nope", "@settings.yaml#settings.general", "@settings.yaml#settings.general.list", "@other.yaml#a"} {
		_, err := changelog.Resolve(map[string]string{"v": value}, read)
		if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || f.Hint == "" {
			t.Errorf("%s: got %v", value, err)
		}
	}
}

func TestOpenFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	home, err := lab.LiquibaseHome(t.Context(), "4.33.0")
	if err != nil {
		t.Fatal(err)
	}
	noDriver := t.TempDir()
	if err := os.MkdirAll(filepath.Join(noDriver, "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(home, "internal/lib/liquibase-core.jar"), filepath.Join(noDriver, "lib/liquibase-core.jar")); err != nil {
		t.Fatal(err)
	}
	good := changelog.Settings{Changelog: []string{"m/a.xml"}, SearchPath: ".", Engine: "auto", LiquibaseHome: home}
	for name, c := range map[string]struct {
		edit func(*changelog.Settings)
		want string
	}{
		"no home":      {func(s *changelog.Settings) { s.LiquibaseHome = "" }, "no Liquibase installation"},
		"empty home":   {func(s *changelog.Settings) { s.LiquibaseHome = t.TempDir() }, "no jars"},
		"no driver":    {func(s *changelog.Settings) { s.LiquibaseHome = noDriver }, "PostgreSQL driver"},
		"no java":      {func(s *changelog.Settings) { s.JavaHome = t.TempDir() }, "no java program"},
		"no extension": {func(s *changelog.Settings) { s.Classpath = []string{"nope.jar"} }, "class path entry"},
		"no schemas":   {func(s *changelog.Settings) { s.XSDDir = "nope" }, "XSDs"},
		"two folders":  {func(s *changelog.Settings) { s.Changelog = []string{"a", "b"} }, "one folder"},
	} {
		s := good
		c.edit(&s)
		_, err := changelog.Open(t.Context(), s, t.TempDir(), os.Getenv)
		if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || f.Hint == "" || !strings.Contains(f.Message, c.want) {
			t.Errorf("%s: got %v, want a configuration failure with a hint: %s", name, err, c.want)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	home, err := lab.LiquibaseHome(t.Context(), "4.33.0")
	if err != nil {
		t.Fatal(err)
	}
	good := changelog.Settings{Changelog: []string{"m/a.xml"}, SearchPath: ".", Engine: "auto", LiquibaseHome: home}
	cache := t.TempDir()
	digest := func(edit func(*changelog.Settings)) string {
		s := good
		edit(&s)
		engine, err := changelog.Open(t.Context(), s, cache, os.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		return engine.Digest()
	}
	same := digest(func(*changelog.Settings) {})
	if got := digest(func(s *changelog.Settings) { s.Timeout, s.StatementTimeout = time.Hour, time.Hour }); got != same {
		t.Error("a limit of time changes the digest")
	}
	for name, edit := range map[string]func(*changelog.Settings){
		"contexts": func(s *changelog.Settings) { s.Contexts = "x" }, "labels": func(s *changelog.Settings) { s.Labels = "x" },
		"table":     func(s *changelog.Settings) { s.ChangelogTable = "x" },
		"parameter": func(s *changelog.Settings) { s.Parameters = map[string]string{"x": "y"} },
		"jar":       func(s *changelog.Settings) { s.Classpath = []string{filepath.Join(home, "internal/lib/picocli.jar")} },
	} {
		if digest(edit) == same {
			t.Errorf("%s does not change the digest", name)
		}
	}
}
