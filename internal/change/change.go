// Package change holds the words that all steps share: the patch set under
// test, the result documents by which steps hand over, failures and the
// verdict. It knows the standard library only.
package change

import (
	"fmt"
	"regexp"
)

// PatchSet names one patch set of one change, as Gerrit does.
type PatchSet struct {
	Project  string `json:"project"`
	Change   int    `json:"change"`   // 0 is a person's local try
	PatchSet int    `json:"patchSet"` // counts from 1
	Revision string `json:"revision"` // 40 hex digits
}

var revision = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Faults lists what is wrong with the names before one of them becomes part
// of a database name, a path or a ref.
func (p PatchSet) Faults() []error {
	var faults []error
	if p.Change < 0 || p.Change > 9_999_999_999 {
		faults = append(faults, fmt.Errorf("change number %d: want 1 to 10 digits", p.Change))
	}
	if p.PatchSet < 1 {
		faults = append(faults, fmt.Errorf("patch set number %d: want 1 or more", p.PatchSet))
	}
	if !revision.MatchString(p.Revision) {
		faults = append(faults, fmt.Errorf("revision %q: want 40 hexadecimal digits", p.Revision))
	}
	if p.Project == "" && p.Change > 0 {
		faults = append(faults, fmt.Errorf("project is missing"))
	}
	return faults
}

// String is "change 7, patch set 2", or "the local try".
func (p PatchSet) String() string {
	if p.Change == 0 {
		return "the local try"
	}
	return fmt.Sprintf("change %d, patch set %d", p.Change, p.PatchSet)
}
