package changelog

import (
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/liquibase"
	"github.com/patchbay-ci/patchbay/internal/changelog/tree"
)

// scanned is the tree of a job, found fit to run.
type scanned struct {
	index    *tree.Index
	previous *tree.Index // nil for the first run
	roots    []Root      // those that are there
	warnings []string
}

// read looks the tree over before anything of it runs.
func (e *liquibaseEngine) read(job Job) (*scanned, error) {
	s := &scanned{}
	if err := s.findRoots(job, e.settings.SearchPath, e.roots); err != nil {
		return nil, err
	}
	s.index = tree.Read(job.Dir, pathsOf(s.roots), e.options(job))
	if len(s.index.Faults) > 0 {
		return nil, faultFailure(s.index.Faults)
	}
	if job.Previous != "" {
		s.previous = tree.Read(job.Previous, pathsOf(e.roots), e.options(job))
	}
	for _, warning := range s.index.Warnings {
		s.warnings = append(s.warnings, change.OneLine(warning.String()))
	}
	return s, nil
}

// explain adds what the tree knows to a failure of the engine: the place, and
// whether it names the class that Java misses.
func (s *scanned) explain(f *change.Failure) *change.Failure {
	if class := liquibase.MissingClass(f); class != "" && !s.index.Names(class) {
		f.Kind = change.KindConfiguration
		f.Hint = "no changelog names this Java class: check LIQUIBASE_HOME and PATCHBAY_CLASSPATH"
	}
	return s.index.Locate(f)
}

func (e *liquibaseEngine) options(job Job) tree.Options {
	return tree.Options{Prefix: e.settings.SearchPath, Parameters: job.Parameters, Classes: len(e.settings.Classpath) > 0}
}

func pathsOf(roots []Root) []string {
	var paths []string
	for _, root := range roots {
		paths = append(paths, root.Path)
	}
	return paths
}

// findRoots leaves out what a base does not have yet. A candidate must have
// every root: without it nothing would be applied, which must not look good.
func (s *scanned) findRoots(job Job, searchPath string, roots []Root) error {
	for _, root := range roots {
		name := path.Join(searchPath, root.Path)
		_, err := os.Lstat(filepath.Join(job.Dir, filepath.FromSlash(name)))
		switch {
		case err == nil:
			s.roots = append(s.roots, root)
		case !os.IsNotExist(err):
			return change.Failf(change.KindInfrastructure, "look for the changelog %s: %w", name, err)
		case job.Previous != "":
			f := change.Failf(change.KindCandidate, "the changelog %s does not exist", name)
			return f.WithHint("PATCHBAY_CHANGELOG names the root changelogs")
		}
	}
	return nil
}

// faultFailure is about the first fault; the others are counted.
func faultFailure(faults []tree.Place) *change.Failure {
	more := ""
	if len(faults) > 1 {
		more = fmt.Sprintf(" (and %d more like this)", len(faults)-1)
	}
	f := change.Failf(change.KindCandidate, "%s%s", faults[0].Text, more)
	f.File, f.Line = faults[0].File, faults[0].Line
	return f
}
