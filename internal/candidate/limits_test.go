package candidate

import (
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/changelog"
)

func TestValidSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1GB": true, "0kB": true, "512MB": true, "1TB": true, "2147483647kB": true, "": false, "1": false, "-1": false, "1gb": false,
		"1 GB": false, "1.5GB": false, "2TB": false, "9999999999TB": false, "99999999999kB": false, "1GB'; --": false,
	} {
		if got := validSize(text); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	fine := Settings{TempFileLimit: "1GB", Changelog: changelog.Settings{Timeout: time.Minute}}
	for name, c := range map[string]struct {
		edit func(*Settings)
		want int
	}{
		"fine":       {func(*Settings) {}, 0},
		"candidates": {func(s *Settings) { s.MaxCandidates = -1 }, 1},
		"size":       {func(s *Settings) { s.TempFileLimit = "much" }, 1},
		"no limit":   {func(s *Settings) { s.Changelog.Timeout = 0 }, 1},
	} {
		s := fine
		c.edit(&s)
		if got := s.Faults(); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestValidFor: the last of many root changelogs must still log in.
func TestValidFor(t *testing.T) {
	t.Parallel()
	s := Settings{Changelog: changelog.Settings{Timeout: 10 * time.Minute, Changelog: []string{"a.xml@all", "pub", "b.xml", "c.xml"}}}
	if got := s.loginLimits().ValidFor; got != 32*time.Minute {
		t.Errorf("got %s", got)
	}
}
