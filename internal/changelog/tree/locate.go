package tree

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Locate gives a failure the file and line that the engine does not tell: of
// its changeset, of the include whose file is missing, or of the file that the
// engine's message names.
func (i *Index) Locate(f *change.Failure) *change.Failure {
	switch {
	case f.Changeset != "":
		i.locateChangeset(f)
	case f.Kind == change.KindCandidate && f.File == "":
		i.locateText(f)
	}
	return f
}

// locateChangeset finds the changeset by its identity, else by id and author
// alone when only one file has them. Of duplicates the last one is meant.
func (i *Index) locateChangeset(f *change.Failure) {
	var near []Changeset
	changesets := slices.Values(i.Changesets)
	if strings.Contains(f.Message, "duplicate identifiers") {
		changesets = reversed(i.Changesets)
	}
	for c := range changesets {
		if c.ID != f.Changeset || c.Author != f.Author {
			continue
		}
		if c.Path == f.File {
			f.File, f.Line = c.File, c.Line
			return
		}
		near = append(near, c)
	}
	f.Line = 0
	if len(near) == 1 {
		f.File, f.Line = near[0].File, near[0].Line
	}
}

func reversed(all []Changeset) iter.Seq[Changeset] {
	return func(yield func(Changeset) bool) {
		for _, c := range slices.Backward(all) {
			if !yield(c) {
				return
			}
		}
	}
}

// The ways in which the versions of Liquibase name a line of a file.
var positions = []*regexp.Regexp{
	regexp.MustCompile(`[Ee]rror parsing line (?P<line>\d+) column \d+ of (?P<file>[^\s:]+)`),
	regexp.MustCompile(`(?P<file>[^\s'":]+\.\w+)['"]?:? (?:at|on) line (?P<line>\d+)`),
	regexp.MustCompile(`[Ss]yntax error in (?:file )?'?(?P<file>[^\s'":]+\.\w+).*line (?P<line>\d+)`),
	regexp.MustCompile(`\b[Ll]ine (?P<line>\d+) (?:of|in) (?P<file>[^\s'":]+\.\w+)`),
}

func (i *Index) locateText(f *change.Failure) {
	for _, position := range positions {
		match := position.FindStringSubmatch(f.Message)
		if match == nil {
			continue
		}
		if name := i.fileLike(match[position.SubexpIndex("file")]); name != "" {
			f.File, f.Line = name, atoi(match[position.SubexpIndex("line")])
			return
		}
	}
	for _, missing := range i.Missing {
		if missing.File != "" && strings.Contains(f.Message, missing.Text) {
			f.File, f.Line = missing.File, missing.Line
			return
		}
	}
}

// fileLike finds the file of the tree whose name ends so.
func (i *Index) fileLike(name string) string {
	for file := range i.files {
		if file == name || strings.HasSuffix(file, "/"+name) {
			return file
		}
	}
	return ""
}

func atoi(digits string) int {
	number, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return number
}
