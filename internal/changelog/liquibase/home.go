// Package liquibase runs the user's Liquibase installation as one tuned,
// sandboxed Java process and turns what it says into a typed failure.
//
// Nothing of Liquibase is bundled. What an installation can do is found out by
// what its core jar contains, not by its number: versions from 4.5 to 5.x work.
package liquibase

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

	core    string
	archive string // class data archive; "" for none
	steps   bool   // its commands are made of steps
}

const install = "set LIQUIBASE_HOME to an unpacked Liquibase (4.5 to 5.x) with its PostgreSQL driver"

// Find looks an installation over without starting it: the core jar, the jars
// that the PostgreSQL command line needs, the main class. What is missing is a
// configuration failure that names the remedy.
func Find(dir, java string, extensions []string) (*Home, error) {
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
	if err := h.probe(); err != nil {
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

// coreClass is in the core jar of all versions.
const coreClass = "liquibase/Liquibase.class"

// probe finds the core jar and what it can do, and whether a driver is there.
func (h *Home) probe() error {
	driver := false
	for _, jar := range h.Jars {
		names, err := contents(jar)
		if err != nil {
			return err
		}
		if names[coreClass] && h.core == "" {
			h.core = jar
			h.SearchPath = names["liquibase/resource/SearchPathResourceAccessor.class"]
			h.MainClass, h.steps = mainClass(names), names[sharedSteps]
		}
		driver = driver || names["org/postgresql/Driver.class"]
	}
	switch {
	case h.core == "":
		return errors.New("no jar of it is Liquibase's core")
	case h.MainClass == "":
		return errors.New("its core has no command line; want 4.5 or newer")
	case !driver:
		return errors.New("no jar of it is the PostgreSQL driver")
	}
	var err error
	if h.Version, err = versionOf(h.core); err == nil {
		h.NeedsJava, err = javaOf(h.core)
	}
	return err
}

func mainClass(names map[string]bool) string {
	const class = "liquibase.integration.commandline.LiquibaseCommandLine"
	if names[strings.ReplaceAll(class, ".", "/")+".class"] {
		return class
	}
	return ""
}

func contents(jar string) (map[string]bool, error) {
	archive, err := zip.OpenReader(jar)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(jar), err)
	}
	defer archive.Close()
	names := make(map[string]bool, len(archive.File))
	for _, file := range archive.File {
		names[file.Name] = true
	}
	return names, nil
}

// versionOf reads build.version of liquibase.build.properties in the core jar.
func versionOf(core string) (string, error) {
	archive, err := zip.OpenReader(core)
	if err != nil {
		return "", err
	}
	defer archive.Close()
	file, err := archive.Open("liquibase.build.properties")
	if err != nil {
		return "", fmt.Errorf("version of %s: %w", filepath.Base(core), err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if version, is := strings.CutPrefix(lines.Text(), "build.version="); is {
			return change.OneLine(version), nil
		}
	}
	return "", fmt.Errorf("version of %s: no build.version", filepath.Base(core))
}

// javaOf reads for which release of Java the core is compiled: a class file
// has its format in bytes 6 and 7, which is 44 more (JVMS 4.1).
func javaOf(core string) (release int, err error) {
	archive, err := zip.OpenReader(core)
	if err != nil {
		return 0, err
	}
	defer archive.Close()
	file, err := archive.Open(coreClass)
	if err != nil {
		return 0, fmt.Errorf("Java of %s: %w", filepath.Base(core), err)
	}
	defer file.Close()
	var head [8]byte
	if _, err := io.ReadFull(file, head[:]); err != nil {
		return 0, fmt.Errorf("Java of %s: %w", filepath.Base(core), err)
	}
	return int(binary.BigEndian.Uint16(head[6:])) - 44, nil
}
