// Package liquibase runs the user's Liquibase installation as one tuned,
// sandboxed Java process and turns what it says into a typed failure.
//
// Nothing of Liquibase is bundled. What an installation can do is found out by
// what its core jar contains, not by its number: versions from 4.5 to 5.x work.
package liquibase

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Home is an installation together with the extension jars of the settings.
type Home struct {
	Dir        string
	Java       string   // the java program
	Jars       []string // class path in order: core, its libraries, extensions
	Version    string   // of the core jar, for people
	MainClass  string
	NeedsJava  int  // the oldest release of Java that its core is compiled for: 8, or 17 since 5.0
	SearchPath bool // has --search-path; older ones find changelogs by --classpath

	core    string // its path
	digest  string
	archive string // class data archive; "" for none
	steps   bool   // its commands are made of steps
}

const install = "set LIQUIBASE_HOME to an unpacked Liquibase (4.5 to 5.x) with its PostgreSQL driver"

// Find looks an installation over without starting it: the core jar, the jars
// that the PostgreSQL command line needs, the main class. What is missing is a
// configuration failure that names the remedy. What is in a jar is remembered
// in the cache directory; without one every jar is read.
func Find(dir, java string, extensions []string, cacheDir string) (*Home, error) {
	if dir == "" {
		return nil, change.Failf(change.KindConfiguration, "no Liquibase installation is given").WithHint(install)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "find Liquibase home %s: %w", dir, err)
	}
	h := &Home{Dir: dir, Java: java}
	if h.Jars, err = jarsOf(dir); err != nil {
		return nil, change.Failf(change.KindConfiguration, "read Liquibase home %s: %w", dir, err).WithHint(install)
	}
	if err := h.addExtensions(extensions); err != nil {
		return nil, err
	}
	if err := h.probe(remember(cacheDir)); err != nil {
		return nil, change.Failf(change.KindConfiguration, "Liquibase home %s: %w", dir, err).WithHint(install)
	}
	return h, nil
}

// jarsOf lists the jars of a distribution: liquibase.jar and lib of the older
// ones, internal/lib and lib of the newer. The drivers of other databases and
// the commercial parts cost more than a second of each start and are left out;
// the settings' class path brings back what a project needs.
func jarsOf(dir string) ([]string, error) {
	var jars []string
	for _, pattern := range []string{"liquibase*.jar", "internal/lib/*.jar", "internal/extensions/*.jar", "lib/*.jar"} {
		found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, jar := range found {
			if needed(filepath.Base(jar)) {
				jars = append(jars, jar)
			}
		}
	}
	if len(jars) == 0 {
		return nil, errors.New("no jars in it or in its internal/lib")
	}
	return jars, nil
}

// unneeded are jars of the official distributions that a PostgreSQL run does
// not use, by the beginning of their names.
var unneeded = []string{
	"liquibase-commercial", "liquibase-checks", "liquibase-cli", "liquibase-bigquery", "liquibase-cassandra", "liquibase-mongodb",
	"liquibase-aws", "liquibase-azure", "liquibase-hashicorp", "liquibase-databricks", "liquibase-dynamodb", "liquibase-s3",
	"aws-", "azure-", "bigquery", "db2", "derby", "firebird", "h2", "hsqldb", "jaybird", "jcc", "mariadb", "mssql", "mysql", "ojdbc",
	"redshift", "snowflake", "sqlite", "ucanaccess", "jaxb-core", "jaxb-runtime", "jaxb-impl", "vertica", "trino", "databricks",
}

func needed(jar string) bool {
	for _, prefix := range unneeded {
		if strings.HasPrefix(jar, prefix) {
			return false
		}
	}
	return true
}

func (h *Home) addExtensions(extensions []string) error {
	for _, jar := range extensions {
		absolute, err := filepath.Abs(jar)
		if err != nil {
			return change.Failf(change.KindConfiguration, "find class path entry %s: %w", jar, err)
		}
		info, err := os.Stat(absolute)
		if err != nil || !info.Mode().IsRegular() {
			return change.Failf(change.KindConfiguration, "class path entry %s is not a file", jar).
				WithHint("PATCHBAY_CLASSPATH lists jars, separated by commas")
		}
		h.Jars = append(h.Jars, absolute)
	}
	return nil
}

// probe looks the jars over for the core and what it can do, and for a driver,
// and digests them.
func (h *Home) probe(known *memory) error {
	driver, sum := false, sha256.New()
	for _, path := range h.Jars {
		jar, err := known.jar(path)
		if err != nil {
			return err
		}
		if jar.Core != nil && h.core == "" {
			h.core = path
			h.take(*jar.Core)
		}
		driver = driver || jar.Driver
		fmt.Fprintf(sum, "%s %s\n", filepath.Base(path), jar.Digest)
	}
	known.keep()
	h.digest = hex.EncodeToString(sum.Sum(nil))
	switch {
	case h.core == "":
		return errors.New("no jar of it is Liquibase's core")
	case h.MainClass == "":
		return errors.New("its core has no command line; want 4.5 or newer")
	case !driver:
		return errors.New("no jar of it is the PostgreSQL driver")
	}
	return nil
}

func (h *Home) take(c core) {
	h.Version, h.NeedsJava, h.SearchPath, h.steps = c.Version, c.NeedsJava, c.SearchPath, c.Steps
	if c.CommandLine {
		h.MainClass = "liquibase.integration.commandline.LiquibaseCommandLine"
	}
}

// Digest is a digest of the contents of all jars in the order of the class
// path.
func (h *Home) Digest() string { return h.digest }
