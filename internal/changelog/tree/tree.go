// Package tree reads the changelogs of a checkout: which changesets they hold
// in which order and at which line, and what in them must not reach an engine.
//
// It is no second Liquibase. Contexts, preconditions and attributes that it
// does not know are not looked at: both trees of a patch set are read by the
// same rules, so that its weaknesses cancel out when they are compared. What
// it cannot read, though, is a fault: the engine may well read it.
package tree

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits that no changelog written by people comes near.
const (
	maxFile     = 16 << 20  // bytes of one changelog
	maxTotal    = 256 << 20 // bytes of all, a file counting as often as it is included
	maxDepth    = 64        // files that include each other
	maxVisits   = 20_000    // files, counted likewise
	maxAliases  = 200_000   // nodes of a YAML file with all aliases expanded
	maxValue    = 4 << 10   // bytes of a parameter's value
	maxExpanded = 64 << 10  // bytes of a text in which parameters are replaced
	maxReports  = 20        // faults or warnings
)

// Options say what the engine will be given besides the tree.
type Options struct {
	Prefix     string            // search path: folder of the checkout that changelogs are relative to
	Parameters map[string]string // of the settings
	Classes    bool              // Java classes named by a changelog are allowed: the settings have a class path
}

// Changeset is one changeset of the tree.
type Changeset struct {
	Path, ID, Author string // its identity, as the tracking table has it
	File             string // where it stands, from the root of the checkout
	Line             int
	Reruns           bool // runOnChange or runAlways
}

// Key is the identity as Liquibase prints it.
func (c Changeset) Key() string { return c.Path + "::" + c.ID + "::" + c.Author }

// Place is a line of the tree and what is to be said about it.
type Place struct {
	File string // from the root of the checkout
	Line int
	Text string
}

func (p Place) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// Index is what was read.
type Index struct {
	Changesets []Changeset
	Faults     []Place  // what must not run
	Warnings   []Place  // parameters that nothing defines
	Missing    []Place  // includes of files that are not in the tree; Text is the path
	Schemas    []string // URLs of XML schemas that the files name

	files   map[string]bool
	classes map[string]bool
}

// Names says that a reachable changelog names the Java class.
func (i *Index) Names(class string) bool { return i.classes[class] }

// Has says that a file of the tree is, or is named by, a reachable changelog.
func (i *Index) Has(file string) bool { return i.files[file] }

// Read follows the root changelogs of the checkout in dir.
func Read(dir string, roots []string, o Options) *Index {
	r := &reader{
		index:    &Index{files: map[string]bool{}, classes: map[string]bool{}},
		dir:      filepath.Join(dir, filepath.FromSlash(o.Prefix)),
		options:  o,
		defined:  map[string]string{},
		schemas:  map[string]bool{},
		mentions: map[string]Place{},
	}
	for name, value := range o.Parameters {
		r.defined[name] = value
	}
	for _, root := range roots {
		r.changelog(root, origin{})
	}
	r.warnUndefined()
	return r.index
}

// reader walks the files in the order of the engine.
type reader struct {
	index    *Index
	dir      string // of the search path
	options  Options
	stack    []string // the files that include the current one, and itself
	visits   int
	total    int               // bytes read
	defined  map[string]string // parameters, by name
	schemas  map[string]bool
	mentions map[string]Place // first place of every ${parameter}
	order    []string         // of the keys of mentions
}

// origin is the element that includes a file; the zero value means a root.
type origin struct {
	file string
	line int
}

// changelog reads one changelog file, named from the search path.
func (r *reader) changelog(name string, from origin) {
	if r.visits++; r.visits > maxVisits {
		r.fault(from.file, from.line, "more than %d files are included", maxVisits)
		return
	}
	for i, open := range r.stack {
		if open == name {
			r.fault(from.file, from.line, "the file includes itself: %s", strings.Join(append(r.stack[i:], name), " → "))
			return
		}
	}
	if len(r.stack) == maxDepth {
		r.fault(from.file, from.line, "more than %d files include one another", maxDepth)
		return
	}
	text, err := r.read(name)
	if err != nil {
		r.unread(name, from, err)
		return
	}
	if r.total += len(text); r.total > maxTotal {
		r.fault(from.file, from.line, "the included files have more than %d MiB together", maxTotal>>20)
		return
	}
	r.index.files[r.place(name)] = true
	r.stack = append(r.stack, name)
	r.parse(name, text)
	r.stack = r.stack[:len(r.stack)-1]
}

func (r *reader) unread(name string, from origin, err error) {
	switch {
	case os.IsNotExist(err):
		r.index.Missing = append(r.index.Missing, Place{File: r.place(from.file), Line: from.line, Text: name})
	default:
		r.fault(from.file, from.line, "%s", err)
	}
}

func (r *reader) parse(name string, text []byte) {
	file := &file{reader: r, name: name, logical: name}
	var err error
	switch lower := strings.ToLower(name); { // without the dot: so Liquibase tells XML
	case strings.HasSuffix(lower, "xml"):
		err = file.parseXML(text)
	case strings.HasSuffix(lower, "yaml"), strings.HasSuffix(lower, "yml"), strings.HasSuffix(lower, "json"):
		err = file.parseYAML(text)
	case strings.HasSuffix(lower, "sql"):
		file.parseSQL(text)
	}
	if err != nil {
		r.fault(name, lineOf(err), "the file cannot be read, so it cannot be checked: %s", err)
	}
}

// read gives the text of a file of the search path. Links are not followed:
// the checkout has none.
func (r *reader) read(name string) ([]byte, error) {
	full := filepath.Join(r.dir, filepath.FromSlash(name))
	info, err := os.Lstat(full)
	if err != nil {
		return nil, os.ErrNotExist
	}
	switch {
	case info.IsDir():
		return nil, os.ErrNotExist
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", name)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	return os.ReadFile(full)
}

// place is a file's name from the root of the checkout.
func (r *reader) place(name string) string {
	if name == "" {
		return ""
	}
	return path.Join(filepath.ToSlash(r.options.Prefix), name)
}

func (r *reader) fault(name string, line int, format string, args ...any) {
	if len(r.index.Faults) < maxReports {
		r.index.Faults = append(r.index.Faults, Place{File: r.place(name), Line: line, Text: fmt.Sprintf(format, args...)})
	}
}
