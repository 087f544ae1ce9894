package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// section is one part of what is shown.
type section struct {
	title string
	items []change.Reconciled
}

func (r *reconcile) sections() []section {
	dropped := "dropped"
	if r.cfg.DryRun {
		dropped = "would be dropped"
	}
	return []section{
		{dropped, r.result.Dropped},
		{"refused", r.result.Refused},
		{"undecided", r.result.Undecided},
		{"left", r.result.Left},
		{"locked", r.result.Locked},
		{"spared", r.result.Spared},
		{"waiting", r.result.Waiting},
		{"foreign", r.result.Foreign},
	}
}

// show tells people: a table among the lines of the log, a summary on
// GitHub's page.
func (r *reconcile) show() error {
	if r.session.People {
		r.table()
	}
	r.session.Log.Info().Msg(counts(r.result.Counts))
	return r.session.CI.Summary(r.summary())
}

func (r *reconcile) table() {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	for _, s := range r.sections() {
		for _, i := range s.items {
			row(strings.ToUpper(s.title), i.Name, size(i.Bytes), change.OneLine(i.Reason))
		}
	}
	for _, m := range r.result.Missing {
		row("MISSING", r.database(m), "-", stateOf(m)+": "+change.OneLine(m.Subject))
	}
	for _, m := range r.result.Outdated {
		row("OUTDATED", r.database(m), "-", stateOf(m)+": "+change.OneLine(m.Subject))
	}
	columns.Flush() // into memory
	fmt.Fprint(r.session.Stderr, text.String())
}

func (r *reconcile) database(m change.Missing) string {
	return r.observer.rules.names.Candidate(m.Change)
}

// stateOf says what is known of an open change without its database.
func stateOf(m change.Missing) string {
	reason := fmt.Sprintf("patch set %d is open", m.PatchSet)
	if m.Has > 0 {
		reason = fmt.Sprintf("is of patch set %d, the current one is %d", m.Has, m.PatchSet)
	}
	switch {
	case m.UnderWay:
		reason += ", being deployed"
	case m.Rejected:
		reason += ", does not deploy"
	}
	return reason
}

func counts(c change.Databases) string {
	text := fmt.Sprintf("%s, %s, %s, %s, %s, %s: %s on disk", many(c.Candidates, "candidate"), many(c.Bases, "base database"),
		many(c.Spares, "spare"), many(c.Attempts, "attempt"), many(c.Tries, "local try"), many(c.Logins, "login"), size(c.Bytes))
	if c.Foreign > 0 {
		text += fmt.Sprintf("; %d foreign", c.Foreign)
	}
	return text
}

func many(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// size is a number of bytes as people say it.
func size(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	value, unit := float64(bytes), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, next
	}
	return fmt.Sprintf("%.3g %s", value, unit)
}

// summary is the same as markdown; subjects of changes are left out: they are
// whatever somebody has pushed.
func (r *reconcile) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### reconcile: %s\n\n%s\n", r.outcome(change.Nothing), counts(r.result.Counts))
	if r.tabled() {
		b.WriteString("\n| | database | size | why |\n|---|---|---|---|\n")
	}
	for _, s := range r.sections() {
		for _, i := range s.items {
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", s.title, i.Name, size(i.Bytes), cell(i.Reason))
		}
	}
	for _, m := range r.result.Missing {
		fmt.Fprintf(&b, "| missing | `%s` | - | %s |\n", r.database(m), stateOf(m))
	}
	for _, m := range r.result.Outdated {
		fmt.Fprintf(&b, "| outdated | `%s` | - | %s |\n", r.database(m), stateOf(m))
	}
	return b.String()
}

func (r *reconcile) tabled() bool {
	rows := len(r.result.Missing) + len(r.result.Outdated)
	for _, s := range r.sections() {
		rows += len(s.items)
	}
	return rows > 0
}

// cell makes a text harmless in a cell of a markdown table.
func cell(text string) string {
	var b strings.Builder
	for _, c := range change.OneLine(text) {
		if strings.ContainsRune("\\`*_[]<>|~#&!@", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
