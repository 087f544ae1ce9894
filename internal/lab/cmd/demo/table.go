package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// table shows all rows for a person, the difference or the reason below each.
func table(rows []row) string {
	var aligned strings.Builder
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CHANGE\tPATCH SET\tVERIFIED\tSECONDS\tDATABASE\tWHAT")
	for _, r := range rows {
		fmt.Fprintf(w, "%d\t%d\t%s\t%.1f\t%s\t%s\n", r.pushed.Number, r.pushed.PatchSet, r.vote(), r.run.Seconds, r.database(), r.scene.what)
	}
	w.Flush()
	head, lines, _ := strings.Cut(aligned.String(), "\n")
	text := head + "\n"
	for i, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		text += line + "\n"
		for _, detail := range rows[i].lines() {
			text += "          " + detail + "\n"
		}
	}
	return text
}

func (r row) vote() string {
	if r.run.Reported == nil || r.run.Reported.Vote == nil {
		return "none"
	}
	return fmt.Sprintf("%+d", *r.run.Reported.Vote)
}

func (r row) database() string {
	if r.run.Applied == nil || r.run.Applied.Outcome != change.Applied && r.run.Applied.Outcome != change.Reused {
		return "-"
	}
	return r.run.Applied.Database
}

// lines are the difference, or the reason.
func (r row) lines() []string {
	switch a := r.run.Applied; {
	case a == nil:
		return nil
	case a.Failure != nil:
		return []string{a.Failure.Error()}
	case len(a.Summary) == 0:
		return []string{"no difference"}
	default:
		return a.Summary
	}
}

// check makes the demo fail when a verdict is not the expected one.
func check(rows []row) (err error) {
	for _, r := range rows {
		if want := fmt.Sprintf("%+d", r.scene.vote); r.vote() != want {
			err = errors.Join(err, fmt.Errorf("%s: verified %s, want %s\n%s", r.scene.what, r.vote(), want, logs(r)))
		}
	}
	return err
}

func logs(r row) string {
	var text strings.Builder
	for _, s := range r.run.Steps {
		fmt.Fprintf(&text, "%s: exit status %d\n%s", s.Name, s.Status, s.Stderr)
	}
	return text.String()
}
