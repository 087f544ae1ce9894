package tree

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

func (f *file) include(e element) {
	target, fault := f.resolve(e, e.attributes["file"])
	if fault == "" && target != "." {
		f.changelog(target, origin{f.name, e.line})
	}
}

// includeAll takes a folder with all below it, in the order of the names.
func (f *file) includeAll(e element) {
	folder, fault := f.resolve(e, e.attributes["path"])
	if fault != "" {
		return
	}
	var found []string
	root := filepath.Join(f.dir, filepath.FromSlash(folder))
	err := filepath.WalkDir(root, func(full string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(f.dir, full)
		found = append(found, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		f.index.Missing = append(f.index.Missing, Place{File: f.place(f.name), Line: e.line, Text: folder})
		return
	}
	slices.Sort(found)
	for _, name := range found {
		if suffix := e.attributes["endsWithFilter"]; strings.HasSuffix(name, suffix) {
			f.changelog(name, origin{f.name, e.line})
		}
	}
}

func (r *reader) stat(name string) (os.FileInfo, error) {
	return os.Lstat(filepath.Join(r.dir, filepath.FromSlash(name)))
}

// checkText refuses data and SQL files that are not UTF-8: Liquibase would
// store replacement characters without a word. An encoding attribute says that
// the author knows.
func (f *file) checkText(e element, target string) {
	if e.attributes["encoding"] != "" || strings.HasPrefix(e.name, "include") || strings.HasSuffix(target, ".properties") {
		return
	}
	if e.attributes["valueBlobFile"] != "" || e.attributes["valueClobFile"] != "" {
		return
	}
	text, err := f.read(target)
	if err != nil {
		return // the engine says what it thinks of it
	}
	f.index.files[f.place(target)] = true
	f.checkUTF8(target, text)
	if strings.HasSuffix(strings.ToLower(target), ".sql") {
		f.mention(target, string(text), 1)
	}
}

func (r *reader) checkUTF8(name string, text []byte) {
	if hasForeignMark(text) {
		return
	}
	for line := 1; len(text) > 0; line++ {
		end := slices.Index(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		if !utf8.Valid(text[:end]) {
			r.fault(name, line, "is not UTF-8; save it as UTF-8, else letters are lost")
			return
		}
		text = text[end:]
	}
}

// hasForeignMark tells UTF-16 and UTF-32 by their byte order mark, which
// Liquibase understands.
func hasForeignMark(text []byte) bool {
	return len(text) >= 2 && (text[0] == 0xfe && text[1] == 0xff || text[0] == 0xff && text[1] == 0xfe)
}
