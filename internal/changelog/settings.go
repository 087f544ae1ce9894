package changelog

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Settings are the inputs of every step that runs an engine.
type Settings struct {
	Changelog        []string          `name:"changelog" env:"PATCHBAY_CHANGELOG" default:"data-model/main-liquibase.xml" placeholder:"PATH" help:"Root changelogs in order; path@contexts gives one its own contexts; a folder of *.sql files means goose."`
	SearchPath       string            `name:"search-path" env:"PATCHBAY_SEARCH_PATH" default:"." placeholder:"DIR" help:"Folder below the root of the tree that changelog paths are relative to."`
	Engine           string            `name:"engine" env:"PATCHBAY_ENGINE" default:"auto" enum:"auto,liquibase,goose" help:"What applies the changelog: auto, liquibase or goose."`
	Contexts         string            `name:"contexts" env:"PATCHBAY_CONTEXTS" placeholder:"EXPR" help:"Liquibase contexts."`
	Labels           string            `name:"labels" env:"PATCHBAY_LABELS" placeholder:"EXPR" help:"Liquibase label filter."`
	Parameters       map[string]string `name:"parameters" env:"PATCHBAY_PARAMETERS" mapsep:"," placeholder:"NAME=VALUE" help:"Changelog parameters; NAME=@FILE#A.B.C reads a value from a YAML file of each tree."`
	ChangelogTable   string            `name:"changelog-table" env:"PATCHBAY_CHANGELOG_TABLE" placeholder:"NAME" help:"Tracking table, when it is not the engine's own; Liquibase's lock table is NAME_lock."`
	LiquibaseSchema  string            `name:"liquibase-schema" env:"PATCHBAY_LIQUIBASE_SCHEMA" placeholder:"NAME" help:"Schema of the tracking tables."`
	Classpath        []string          `name:"classpath" env:"PATCHBAY_CLASSPATH" placeholder:"JAR" help:"Liquibase extension jars."`
	XSDDir           string            `name:"xsd-dir" env:"PATCHBAY_XSD_DIR" placeholder:"DIR" help:"Stand-ins for remote XSDs, kept as HOST/PATH below this folder."`
	Timeout          time.Duration     `name:"timeout" env:"PATCHBAY_TIMEOUT" default:"10m" help:"Limit of one engine run."`
	StatementTimeout time.Duration     `name:"statement-timeout" env:"PATCHBAY_STATEMENT_TIMEOUT" default:"60s" help:"Limit of one statement."`
	Sandbox          string            `name:"sandbox" env:"PATCHBAY_SANDBOX" default:"required" enum:"required,optional" help:"What to do with Liquibase where the kernel has no Landlock: refuse, or run it unconfined with a warning."`
	LiquibaseHome    string            `name:"liquibase-home" env:"LIQUIBASE_HOME" placeholder:"DIR" help:"The Liquibase installation."`
	JavaHome         string            `name:"java-home" env:"JAVA_HOME" placeholder:"DIR" help:"The Java installation; default: java on the PATH."`
}

// Root is one root changelog, in the order of the settings.
type Root struct {
	Path     string // relative to the search path, with slashes
	Contexts string // Liquibase contexts of this root
}

// Roots gives the root changelogs. A comma separates roots and, after an @,
// contexts too: a part without dot, slash and @ still belongs to the contexts
// before it, as in "data-model/main.xml@all,pub,data-model/post.xml@all".
func (s Settings) Roots() []Root {
	var roots []Root
	own := false // the last root has contexts of its own
	for _, part := range s.Changelog {
		if own && !strings.ContainsAny(part, "./@") {
			roots[len(roots)-1].Contexts += "," + part
			continue
		}
		var root Root
		root.Path, root.Contexts, own = strings.Cut(part, "@")
		root.Path = path.Clean(root.Path)
		if !own {
			root.Contexts = s.Contexts
		}
		roots = append(roots, root)
	}
	return roots
}

var (
	tableName     = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,57}$`) // leaves room for _lock in 63 bytes
	parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

// Faults lists what is wrong with the settings by themselves; Open finds what
// is wrong with the installation.
func (s Settings) Faults() []error {
	return slices.Concat(s.pathFaults(), s.nameFaults(), s.limitFaults())
}

func (s Settings) pathFaults() []error {
	var faults []error
	if len(s.Changelog) == 0 {
		faults = append(faults, errors.New("changelog is missing"))
	}
	for _, root := range s.Roots() {
		if !inside(root.Path) || root.Path == "." {
			faults = append(faults, fmt.Errorf("changelog %q: want a relative path inside the tree", root.Path))
		}
	}
	if !inside(s.SearchPath) {
		faults = append(faults, fmt.Errorf("search path %q: want a relative path inside the tree", s.SearchPath))
	}
	return faults
}

func inside(name string) bool {
	clean := path.Clean(name)
	return !path.IsAbs(clean) && clean != ".." && !strings.HasPrefix(clean, "../") && !strings.ContainsAny(name, "\\\x00")
}

func (s Settings) nameFaults() []error {
	var faults []error
	for setting, name := range map[string]string{"changelog table": s.ChangelogTable, "liquibase schema": s.LiquibaseSchema} {
		if name != "" && !tableName.MatchString(name) {
			faults = append(faults, fmt.Errorf("%s %q: want at most 58 lower-case letters, digits and _", setting, name))
		}
	}
	for name, value := range s.Parameters {
		if !parameterName.MatchString(name) {
			faults = append(faults, fmt.Errorf("parameter %q: want a name of letters, digits, _ . -", name))
		}
		if strings.ContainsAny(value, "\n\r\x00") {
			faults = append(faults, fmt.Errorf("parameter %s: want a value of one line", name))
		}
	}
	return faults
}

func (s Settings) limitFaults() []error {
	var faults []error
	if s.Timeout < 0 || s.StatementTimeout < 0 {
		faults = append(faults, errors.New("timeout and statement timeout: want positive durations"))
	}
	if s.Timeout > 24*time.Hour {
		faults = append(faults, fmt.Errorf("timeout %s: want at most 24h", s.Timeout))
	}
	return faults
}
