package change

import (
	"errors"
	"fmt"
	"slices"
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

// Where is "file:line", "file" or "", in one line: a candidate names its files.
func (f *Failure) Where() string {
	file := OneLine(f.File)
	if file != "" && f.Line > 0 {
		return fmt.Sprintf("%s:%d", file, f.Line)
	}
	return file
}

// AsFailure finds the failure in an error and keeps what the errors around it
// say, unless it names a file: then it says all that there is to mend. An
// error that nobody has classified is infrastructure: it is never blamed on
// the candidate. Of joined errors it takes the first that is classified, else
// the first; Beside gives the others.
func AsFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	_, main := split(err)
	var f *Failure
	if !errors.As(main, &f) {
		return &Failure{Kind: KindInfrastructure, Message: OneLine(main.Error()), cause: main}
	}
	if f.File != "" || main.Error() == f.Error() {
		return f
	}
	whole := *f
	whole.Message, whole.cause = OneLine(main.Error()), main
	return &whole
}

// Beside gives the errors that are joined to the one AsFailure tells of: what
// went wrong in cleaning up after it, for example.
func Beside(err error) []error {
	if err == nil {
		return nil
	}
	others, _ := split(err)
	return others
}

// split sorts joined errors into the one that counts and the others.
func split(err error) (others []error, main error) {
	all := joined(err)
	at := max(0, slices.IndexFunc(all, func(err error) bool {
		var f *Failure
		return errors.As(err, &f)
	}))
	main = all[at]
	return slices.Delete(all, at, at+1), main
}

// joined takes apart what errors.Join has put together, at any depth. Others
// that wrap several errors, as fmt.Errorf may, have a text of their own.
func joined(err error) (all []error) {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	if again := errors.Join(several.Unwrap()...); again == nil || again.Error() != err.Error() {
		return []error{err}
	}
	for _, one := range several.Unwrap() {
		all = append(all, joined(one)...)
	}
	return all
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
