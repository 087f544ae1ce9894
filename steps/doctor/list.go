package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// examination is one run of the step.
type examination struct {
	*step.Session

	cfg      *Config
	result   *change.Doctor
	area     string // that is being looked at
	shown    string // the last area that the list has named
	mendable bool   // one of the faults is a configuration's
}

// finding is what came of one check.
type finding struct {
	state          change.CheckState
	detail, remedy string
}

func passed(format string, args ...any) finding {
	return finding{state: change.CheckPassed, detail: fmt.Sprintf(format, args...)}
}

func warning(detail, remedy string) finding {
	return finding{state: change.CheckWarning, detail: detail, remedy: remedy}
}

func unknown(detail, remedy string) finding {
	return finding{state: change.CheckUnknown, detail: detail, remedy: remedy}
}

// note takes a finding into the result and shows it at once.
func (e *examination) note(name string, f finding) {
	c := change.Check{Area: e.area, Name: name, State: f.state, Detail: change.OneLine(f.detail), Remedy: change.OneLine(f.remedy)}
	e.result.Checks = append(e.result.Checks, c)
	if e.shown != c.Area {
		fmt.Fprintln(e.Stderr, c.Area)
		e.shown = c.Area
	}
	fmt.Fprintf(e.Stderr, "  %s %-20s %s\n", e.coloured(c.State), c.Name, c.Detail)
	if c.Remedy != "" {
		fmt.Fprintf(e.Stderr, "    → %s\n", c.Remedy)
	}
}

// fail notes a fault.
func (e *examination) fail(name string, err error) {
	f := change.AsFailure(err)
	if f.Kind != change.KindInfrastructure && f.Kind != change.KindCancelled {
		e.mendable = true
	}
	e.note(name, finding{state: change.CheckFailed, detail: f.Error(), remedy: cmp.Or(f.Hint, remedies[e.area])})
}

// remedies are for faults that have none of their own.
var remedies = map[string]string{
	"postgresql": "check DATABASE_URL, the server, and the way to it from this machine",
	"engine":     "see docs/engines.md",
	"gerrit":     "check GERRIT_URL, the server, and the way to it from this machine",
}

// settle notes a fault, or what was found when there is none. It says whether
// all is well.
func (e *examination) settle(name string, err error, good finding) bool {
	if err != nil {
		e.fail(name, err)
		return false
	}
	e.note(name, good)
	return true
}

// faults notes what is malformed in the settings; true when nothing is.
func (e *examination) faults(faults ...error) bool {
	for _, fault := range faults {
		e.fail("settings", change.Failf(change.KindConfiguration, "%s", fault).WithHint("doctor --help lists the settings with their variables"))
	}
	return len(faults) == 0
}

var marks = map[change.CheckState]string{
	change.CheckPassed: "✓", change.CheckFailed: "✗", change.CheckWarning: "!", change.CheckUnknown: "?",
}

var colours = map[change.CheckState]string{
	change.CheckPassed: "32", change.CheckFailed: "31", change.CheckWarning: "33", change.CheckUnknown: "33",
}

func (e *examination) coloured(state change.CheckState) string {
	if !e.CI.Color() {
		return marks[state]
	}
	return "\x1b[" + colours[state] + "m" + marks[state] + "\x1b[0m"
}

// some names at most five.
func some(names []string) string {
	if len(names) <= 5 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
}
