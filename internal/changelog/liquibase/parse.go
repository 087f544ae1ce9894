package liquibase

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// maxMessage cuts what a schema violation would fill pages with.
const maxMessage = 500

// Every version from 4.5 to 5.0 ends a failed run with this, and the reason.
const unexpected = "Unexpected error running Liquibase: "

var (
	migration     = regexp.MustCompile(`^Migration failed for change ?set (.+):$`)
	reasonLine    = regexp.MustCompile(`^ +Reason: (.*)`)
	sqlState      = regexp.MustCompile(`(?m)^ +Server SQLState: ([0-9A-Z]{5})\b`)
	primaryClass  = regexp.MustCompile(`(?m)^ERROR: Exception Primary Class: +(\w+)`)
	exceptionName = regexp.MustCompile(`^(?:[a-z][a-z0-9]*\.)+[A-Z]\w*: `)
	invalidChange = regexp.MustCompile(`(?m)^ {10}(?:.*, )?(\S.*?::.+?::.*?)(?: was: .*)?$`)
)

// Parse makes a failure of what Liquibase wrote to stderr before it ended with
// an error. Any text gives a failure. Only what is known to be the changelog's
// own fault is called the candidate's.
func Parse(text string) *change.Failure {
	report, found := lastReport(text)
	if !found {
		return noReport(text)
	}
	first, rest, _ := strings.Cut(report, "\n")
	if match := migration.FindStringSubmatch(first); match != nil {
		return migrationFailure(match[1], rest)
	}
	f := change.Failf(change.KindInfrastructure, "%s", cmp.Or(words(report), nothing))
	f.SQLState = state(report)
	if strings.HasPrefix(first, "Validation Failed") {
		if match := invalidChange.FindStringSubmatch(rest); match != nil {
			f.File, f.Changeset, f.Author = Identity(match[1])
		}
	}
	judge(f, className(text), report)
	return f
}

// lastReport is the text after the last mark, up to the closing advice or the
// stack of 4.5, whose log names the changeset that its last words leave out.
func lastReport(text string) (string, bool) {
	at := strings.LastIndex(text, unexpected+"Migration failed for change")
	if at < 0 {
		at = strings.LastIndex("\n"+text, "\n"+unexpected)
	}
	if at < 0 {
		return "", false
	}
	text = text[at+len(unexpected):]
	text, _, _ = strings.Cut(text, "\nFor more information, please use the --log-level flag")
	text, _, _ = strings.Cut(text, "\n\tat ")
	text, _, _ = strings.Cut(text, "\nliquibase.exception.") // where 4.5 goes on with its log
	return strings.TrimSpace(text), true
}

const nothing = "Liquibase failed without a reason"

// migrationFailure is that of one changeset. Of what the database says only
// the first line is kept: the ones below may hold rows.
func migrationFailure(identity, rest string) *change.Failure {
	rest, _, _ = strings.Cut(rest, "[Failed SQL:")
	said := ""
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\n")
		if match := reasonLine.FindStringSubmatch(line); match != nil {
			line = match[1]
		}
		if said = bare(line); said != "" {
			break
		}
	}
	f := change.Failf(change.KindCandidate, "%s", cmp.Or(cut(said), nothing))
	f.SQLState = state(rest)
	f.File, f.Changeset, f.Author = Identity(identity)
	judge(f, "", rest)
	return f
}

// bare takes the exception's class and PostgreSQL's severity off a message.
func bare(line string) string {
	line = strings.TrimSpace(line)
	for exceptionName.MatchString(line) {
		line = exceptionName.ReplaceAllString(line, "")
	}
	for _, severity := range []string{"ERROR: ", "FATAL: "} {
		line = strings.TrimPrefix(line, severity)
	}
	return line
}

var indented = regexp.MustCompile(`^(?:    - |  (?:Location|Position|Where|Detail|Hint|Server SQLState): |     +\^| {4,}\.\.\. )`)

// words joins the lines of a report that are prose.
func words(report string) string {
	var said []string
	for line := range strings.Lines(report) {
		line = strings.TrimRight(line, "\n")
		switch {
		case indented.MatchString(line):
		case strings.HasPrefix(line, "More locations can be added"), strings.HasPrefix(line, "Learn all the options at"):
		default:
			if line = bare(line); line != "" {
				said = append(said, line)
			}
		}
	}
	return cut(strings.ReplaceAll(strings.Join(said, " "), `"http://www.liquibase.org/xml/ns/dbchangelog":`, ""))
}

func cut(text string) string {
	text = strings.TrimSpace(strings.TrimRight(text, ":"))
	runes := []rune(text)
	if len(runes) > maxMessage {
		return string(runes[:maxMessage]) + " …"
	}
	return text
}

func state(report string) string {
	all := sqlState.FindAllStringSubmatch(report, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

func className(text string) string {
	all := primaryClass.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// Identity splits "file::id::author". An id may contain ::, so the file ends
// at the first and the author begins after the last.
func Identity(text string) (file, id, author string) {
	file, rest, ok := strings.Cut(text, "::")
	end := strings.LastIndex(rest, "::")
	if !ok || end < 0 {
		return "", "", ""
	}
	return file, rest[:end], rest[end+2:]
}
