package candidate

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// Faults lists what is malformed.
func (s Settings) Faults() []error {
	var faults []error
	if s.MaxCandidates < 0 {
		faults = append(faults, errors.New("--max-candidates: want 0 or more"))
	}
	if !validSize(s.TempFileLimit) {
		faults = append(faults, fmt.Errorf("--temp-file-limit %q: want a size such as 512MB or 1GB, with kB, MB, GB or TB, less than 2TB", s.TempFileLimit))
	}
	if s.Changelog.Timeout == 0 { // the login's own end is computed from it
		faults = append(faults, errors.New("--timeout: want more than 0: every run of an engine has a limit"))
	}
	return faults
}

var sizeGrammar = regexp.MustCompile(`^([0-9]{1,10})(kB|MB|GB|TB)$`)

// validSize: the server counts temp_file_limit in kB, as an integer of 32
// bits. See https://www.postgresql.org/docs/current/config-setting.html.
func validSize(text string) bool {
	part := sizeGrammar.FindStringSubmatch(text)
	if part == nil {
		return false
	}
	number, err := strconv.ParseUint(part[1], 10, 64)
	unit := map[string]uint64{"kB": 1, "MB": 1 << 10, "GB": 1 << 20, "TB": 1 << 30}[part[2]]
	return err == nil && number*unit <= math.MaxInt32
}

// loginLimits bound an engine's login. Each root changelog is a run of its
// own, with a login of its own to the server and a limit of its own; what is
// read before and after gets two minutes.
func (s Settings) loginLimits() pg.LoginLimits {
	roots := time.Duration(max(1, len(s.Changelog.Roots())))
	return pg.LoginLimits{
		ValidFor: roots*s.Changelog.Timeout + 2*time.Minute, Connections: 5, // one is used; ended ones count for a moment
		StatementTimeout: s.Changelog.StatementTimeout, LockTimeout: 10 * time.Second,
		TempFileLimit: s.TempFileLimit,
	}
}
