package change

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Kind says whose fault a failure is. It decides the vote and the exit status.
type Kind string

// The kinds of a failure.
const (
	KindCandidate      Kind = "candidate"      // the change itself: voted -1
	KindBase           Kind = "base"           // the model of the base does not deploy: nobody's fault but the branch's
	KindInfrastructure Kind = "infrastructure" // a server, a network, a disk
	KindConfiguration  Kind = "configuration"  // an input, a right, an installation
	KindLimit          Kind = "limit"          // a limit of time, output or memory was hit
	KindCancelled      Kind = "cancelled"      // a signal ended the step
)

// Failure says what went wrong, as exactly as it is known. Every field but
// Kind and Message may be empty. No field ever carries a secret, and none
// carries more of an engine's or driver's text than its primary message.
type Failure struct {
	Kind      Kind   `json:"kind"`
	Phase     string `json:"phase,omitempty"`
	Message   string `json:"message"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Changeset string `json:"changeset,omitempty"`
	Author    string `json:"author,omitempty"`
	SQLState  string `json:"sqlstate,omitempty"`
	Hint      string `json:"hint,omitempty"`

	cause error
}

// Failf makes a failure of a kind; like fmt.Errorf it wraps what %w names.
func Failf(kind Kind, format string, args ...any) *Failure {
	err := fmt.Errorf(format, args...)
	return &Failure{Kind: kind, Message: OneLine(err.Error()), cause: errors.Unwrap(err)}
}

// WithHint adds the remedy.
func (f *Failure) WithHint(format string, args ...any) *Failure {
	f.Hint = fmt.Sprintf(format, args...)
	return f
}

// InPhase names what was being done: "base", "candidate", "clone", ….
func (f *Failure) InPhase(phase string) *Failure {
	f.Phase = phase
	return f
}

// Error gives the failure in one line: where, then what.
func (f *Failure) Error() string {
	if where := f.Where(); where != "" {
		return where + ": " + f.Message
	}
	return f.Message
}

// Unwrap gives the error that the failure was made from.
func (f *Failure) Unwrap() error { return f.cause }

// Where is "file:line", "file" or "".
func (f *Failure) Where() string {
	if f.File != "" && f.Line > 0 {
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return f.File
}

// AsFailure finds the failure in an error. An error that nobody has
// classified is infrastructure: it is never blamed on the candidate.
func AsFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Kind: KindInfrastructure, Message: OneLine(err.Error()), cause: err}
}

// KindOfSQLState classifies an SQLSTATE met while a changelog ran in its own
// database. The classes 08 (connection), 53 (resources), 57P (shutdown), 58
// (system), XX (internal) and 28 (login refused) are never the changelog's
// fault. See https://www.postgresql.org/docs/current/errcodes-appendix.html.
func KindOfSQLState(state string) Kind {
	for _, class := range []string{"08", "28", "53", "57P", "58", "XX"} {
		if strings.HasPrefix(state, class) {
			return KindInfrastructure
		}
	}
	if state == "57014" { // query_canceled: statement_timeout
		return KindLimit
	}
	return KindCandidate
}

// OneLine makes any text fit for one line of a log or a message: control and
// format characters (C0, C1, direction marks, line separators) are escaped, so
// that nothing can forge another line, colour a terminal or turn text around.
func OneLine(text string) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")) {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteByte(' ')
		case r == '\r':
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
