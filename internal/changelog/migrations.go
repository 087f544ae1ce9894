package changelog

import (
	"bytes"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// migrations are the files of a folder that goose would run, by version.
type migrations struct {
	there   bool   // the folder exists
	folder  string // from the root of the checkout
	files   map[int64]migration
	ignored []string // *.sql files without a version
	twice   *change.Failure
}

type migration struct {
	name string // from the root of the checkout
	text []byte
}

func (e *gooseEngine) migrations(checkout string) (*migrations, error) {
	m := &migrations{folder: e.folder(), files: map[int64]migration{}}
	full := filepath.Join(checkout, filepath.FromSlash(m.folder))
	entries, err := os.ReadDir(full)
	if os.IsNotExist(err) {
		return m, nil
	}
	if err != nil {
		return nil, change.Failf(change.KindInfrastructure, "read the folder of migrations: %w", err)
	}
	m.there = true
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".sql" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(full, entry.Name()))
		if err != nil {
			return nil, change.Failf(change.KindInfrastructure, "read the migration: %w", err)
		}
		m.add(entry.Name(), text)
	}
	return m, nil
}

func (m *migrations) add(base string, text []byte) {
	name := path.Join(m.folder, base)
	version, err := goose.NumericComponent(base)
	if err != nil {
		m.ignored = append(m.ignored, name)
		return
	}
	if other, known := m.files[version]; known && m.twice == nil {
		m.twice = change.Failf(change.KindCandidate, "the version %d is also that of %s", version, other.name)
		m.twice.File = name
	}
	m.files[version] = migration{name: name, text: text}
}

func (m *migrations) versions() []int64 { return slices.Sorted(maps.Keys(m.files)) }

// fault finds what must not run.
func (m *migrations) fault() error {
	if m.twice != nil {
		return m.twice
	}
	if len(m.files) == 0 {
		return change.Failf(change.KindCandidate, "the folder %s holds no migration", m.folder).
			WithHint("a migration is named after its version: 00001_what_it_does.sql")
	}
	for _, version := range m.versions() {
		file := m.files[version]
		if line := EnvsubLine(file.text); line > 0 {
			f := change.Failf(change.KindCandidate, "ENVSUB ON is not allowed: it puts the build's environment into the database")
			f.File, f.Line = file.name, line
			return f
		}
	}
	return nil
}

// EnvsubLine gives the line of goose's annotation that would put our environment
// into the statements, 0 if there is none. It reads annotations as goose's
// parser does, which drops "--" and "+goose" wherever they stand in the line.
// https://pressly.github.io/goose/documentation/environment-variables/
func EnvsubLine(text []byte) int {
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if !strings.Contains(line, "+goose") {
			continue
		}
		word := strings.Replace(strings.ReplaceAll(line, "--", ""), "+goose", "", 1)
		if strings.EqualFold(strings.Join(strings.Fields(word), " "), "ENVSUB ON") {
			return number
		}
	}
	return 0
}

// guard refuses a changed past: goose keeps neither checksum nor name.
func (m *migrations) guard(previous *migrations) error {
	for _, version := range previous.versions() {
		was, is := previous.files[version], m.files[version]
		switch {
		case is.name == "":
			f := change.Failf(change.KindCandidate, "the migration %s ran before and is gone", was.name)
			return f.WithHint("add a migration that undoes it")
		case is.name != was.name:
			f := change.Failf(change.KindCandidate, "the migration ran before as %s", was.name).WithHint("keep its name")
			f.File = is.name
			return f
		case !bytes.Equal(plain(is.text), plain(was.text)):
			f := change.Failf(change.KindCandidate, "the migration ran before and was edited").
				WithHint("goose would not run it again: keep it as it was and add a new one")
			f.File, f.Line = is.name, firstDifference(was.text, is.text)
			return f
		}
	}
	return nil
}

// plain leaves out what Git may change by itself.
func plain(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

func firstDifference(was, is []byte) int {
	old, lines := bytes.Split(plain(was), []byte("\n")), bytes.Split(plain(is), []byte("\n"))
	for i := range lines {
		if i >= len(old) || !bytes.Equal(old[i], lines[i]) {
			return i + 1
		}
	}
	return len(lines)
}

func (m *migrations) warnings() []string {
	var lines []string
	for _, name := range m.ignored {
		lines = append(lines, change.OneLine(name+" has no version in front of its name and is not run"))
	}
	return lines
}
