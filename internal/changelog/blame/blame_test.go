package blame_test

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/blame"
)

func TestOfServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state, message string
		kind           change.Kind
		hint           bool
	}{
		{"42501", `permission denied to create extension "dblink"`, change.KindConfiguration, true},
		{"42501", "permission denied to create role", change.KindConfiguration, true},
		{"42501", "permission denied to create database", change.KindConfiguration, true},
		{"42501", `permission denied to create tablespace "fast"`, change.KindConfiguration, true},
		{"42501", "permission denied for language c", change.KindConfiguration, true},
		{"42501", "must be superuser to create custom procedural language", change.KindConfiguration, true},
		{"42501", "permission denied for schema pg_catalog", change.KindCandidate, false},
		{"42501", "permission denied for table roles", change.KindCandidate, false},
		{"42501", "must be owner of table a", change.KindCandidate, false},
		{"P0001", "permission denied to create role", change.KindCandidate, false},
		{"53100", "no room", change.KindInfrastructure, false},
		{"57014", "canceling statement due to statement timeout", change.KindLimit, true},
	} {
		kind, hint := blame.OfServer(c.state, c.message)
		if kind != c.kind || (hint != "") != c.hint {
			t.Errorf("%s %s: %s, hint %q", c.state, c.message, kind, hint)
		}
	}
}
