package change

// Doctor is doctor.json.
type Doctor struct {
	Header
	Checks []Check `json:"checks"` // in the order in which they were made
}

// Check is one thing that was looked at.
type Check struct {
	Area   string     `json:"area"` // postgresql, engine, gerrit
	Name   string     `json:"name"`
	State  CheckState `json:"state"`
	Detail string     `json:"detail,omitempty"` // what was found
	Remedy string     `json:"remedy,omitempty"` // what to do
}

// CheckState is what came of a check.
type CheckState string

// The states of a check.
const (
	CheckPassed  CheckState = "passed"
	CheckFailed  CheckState = "failed"  // runs would fail, or not be safe
	CheckWarning CheckState = "warning" // runs work; something could be better
	CheckUnknown CheckState = "unknown" // could not be looked at, or there is nothing yet to look at
)
