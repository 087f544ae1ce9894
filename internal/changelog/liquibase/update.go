package liquibase

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
)

// Update is one run of Liquibase's command update.
type Update struct {
	Dir        string            // the one search path
	Changelog  string            // root changelog, relative to Dir
	Contexts   string            // "" for all
	Labels     string            // "" for all
	Parameters map[string]string // of the changelog
	Table      string            // tracking table; "" for Liquibase's own pair
	Schema     string            // of the tracking tables; "" for the default one
	Database   Database
	StandIns   []string // folders with XSDs as host/path; what is in them counts from Finish on
	Scratch    string   // a directory of this run's own
	Timeout    time.Duration
	Progress   func(message string) // may be nil
}

// prepare makes the run's directories and files and gives its process.
func (h *Home) prepare(u Update) (process, error) {
	if strings.Contains(u.Dir, h.listSeparator()) { // Liquibase would look in two folders that are not there
		return process{}, change.Failf(change.KindConfiguration, "the folder %s has a %q in its name", u.Dir, h.listSeparator()).
			WithHint("set TMPDIR to another folder")
	}
	work := u.file("work")
	for _, dir := range append([]string{work, u.file("tmp")}, u.StandIns...) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return process{}, change.Failf(change.KindInfrastructure, "make a directory for Liquibase: %w", err)
		}
	}
	if err := h.writeFiles(u); err != nil {
		return process{}, change.Failf(change.KindInfrastructure, "write Liquibase's settings: %w", err)
	}
	argv := slices.Concat([]string{h.Java}, h.javaOptions(u), h.arguments(u))
	return process{argv: argv, dir: work, rules: h.rules(u), timeout: u.Timeout, progress: u.Progress}, nil
}

// writeFiles puts what must not be seen in a process list, or is long, into
// files that only this user may read.
func (h *Home) writeFiles(u Update) error {
	settings := map[string]string{
		"liquibase.command.url":      u.Database.jdbcURL(),
		"liquibase.command.username": u.Database.User,
		"liquibase.command.password": u.Database.Password,
	}
	for name, value := range u.Parameters {
		settings["parameter."+name] = value
	}
	if err := os.WriteFile(u.file("defaults.properties"), properties(settings), 0o600); err != nil {
		return err
	}
	return os.WriteFile(u.file("logging.properties"), []byte(logging), 0o600)
}

func (u Update) file(name string) string { return filepath.Join(u.Scratch, name) }

// logging makes the driver add "Server SQLState: …" to the messages of its
// exceptions, which it does only when its own logger is at FINEST; nothing
// else it says is let through.
const logging = `handlers=java.util.logging.ConsoleHandler
.level=WARNING
org.postgresql.level=FINEST
java.util.logging.ConsoleHandler.level=SEVERE
`

// javaOptions tune for one short run: no second compiler tier, no collector
// threads, room for a short run without collections, the main class called
// directly. Measured: docs/engines.md.
func (h *Home) javaOptions(u Update) []string {
	options := []string{
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms96m", "-Xmn64m", "-Xmx512m", "-Xshare:auto", "-XX:-UsePerfData",
		"-Duser.home=" + u.file("work"), "-Djava.io.tmpdir=" + u.file("tmp"), "-Duser.language=en", "-Dfile.encoding=UTF-8",
		"-Djava.util.logging.config.file=" + u.file("logging.properties"),
		"-Dliquibase.showBanner=false",
	}
	if h.archive != "" {
		options = append(options, "-XX:SharedArchiveFile="+h.archive)
	}
	return append(options, "-cp", h.classPath(), h.MainClass)
}

func (h *Home) classPath() string {
	return strings.Join(h.Jars, string(os.PathListSeparator))
}

// arguments are global ones, the command, its own ones: Liquibase refuses any
// other order.
func (h *Home) arguments(u Update) []string {
	path := "--search-path="
	if !h.SearchPath {
		path = "--classpath="
	}
	arguments := []string{
		"--headless=true", "--defaults-file=" + u.file("defaults.properties"),
		path + strings.Join(append([]string{u.Dir}, u.StandIns...), h.listSeparator()),
	}
	if !h.SearchPath {
		arguments = append(arguments, "--log-level=severe") // only then 4.5 names the changeset that failed
	}
	if u.Schema != "" {
		arguments = append(arguments, "--liquibase-schema-name="+u.Schema)
	}
	if u.Table != "" {
		arguments = append(arguments, "--database-changelog-table-name="+u.Table,
			"--database-changelog-lock-table-name="+LockTable(u.Table))
	}
	arguments = append(arguments, "update", "--changelog-file="+u.Changelog)
	if u.Contexts != "" {
		arguments = append(arguments, "--contexts="+u.Contexts)
	}
	if u.Labels != "" {
		arguments = append(arguments, h.labelOption()+u.Labels)
	}
	return arguments
}

func (h *Home) listSeparator() string {
	if h.SearchPath {
		return ","
	}
	return string(os.PathListSeparator)
}

func (h *Home) labelOption() string {
	if h.SearchPath {
		return "--label-filter="
	}
	return "--labels="
}

// properties writes Java's properties format in ASCII.
// https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html#load-java.io.Reader-
func properties(values map[string]string) []byte {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		escape(&b, key)
		b.WriteByte('=')
		escape(&b, values[key])
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// rules is what a run may touch: it reads the installation and the checkout,
// writes into its scratch directory, and connects to the database's port.
func (h *Home) rules(u Update) sandbox.Rules {
	read := slices.Concat(h.Jars, []string{u.Dir}, u.StandIns, u.Database.files())
	if h.archive != "" {
		read = append(read, h.archive)
	}
	return sandbox.Rules{
		Programs: append(javaFiles(h.Java), sandbox.SystemLibraries()...),
		Read:     append(read, "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/host.conf", "/etc/ssl/certs", "/proc", "/sys/fs/cgroup"),
		Write:    []string{u.Scratch},
		Port:     u.Database.Port,
	}
}
