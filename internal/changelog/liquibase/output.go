package liquibase

import (
	"bytes"
	"errors"
	"strings"
	"syscall"

	"github.com/patchbay-ci/patchbay/internal/change"
)

const (
	maxOutput = 64 << 20 // a run that says more is ended
	maxLine   = 8 << 10  // longer lines are cut
	maxTail   = 64 << 10 // what is kept: the failure stands at the end
)

var errOutput = errors.New("output limit")

const running = "Running Changeset: "

// output receives stderr: it tells progress, remembers the changeset that is
// running and keeps the end of the text. What stands there was made from the
// changelog and is believed for words only, never for a good verdict.
type output struct {
	progress  func(string)
	over      func()
	total     int
	line      []byte
	tail      []string
	size      int
	changeset string
}

func (o *output) Write(text []byte) (int, error) {
	o.total += len(text)
	if o.total > maxOutput {
		o.over()
		return len(text), nil
	}
	for rest := text; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		o.line = append(o.line, line[:min(len(line), maxLine-min(maxLine, len(o.line)))]...)
		if whole {
			o.take(strings.TrimRight(string(o.line), "\r"))
			o.line = o.line[:0]
		}
		rest = after
	}
	return len(text), nil
}

func (o *output) take(line string) {
	if changeset, is := strings.CutPrefix(line, running); is {
		o.changeset = changeset
		if o.progress != nil {
			o.progress("running changeset " + change.OneLine(changeset))
		}
	}
	o.tail = append(o.tail, line)
	for o.size += len(line) + 1; o.size > maxTail; o.tail = o.tail[1:] {
		o.size -= len(o.tail[0]) + 1
	}
}

// exitFailure types an exit status that is not 0.
func (o *output) exitFailure(status syscall.WaitStatus) *change.Failure {
	if status.Signaled() {
		f := change.Failf(change.KindLimit, "Liquibase was ended by signal %s", status.Signal())
		return o.inFailure(f.WithHint("a limit of processor time or memory of this machine was hit"))
	}
	if len(o.line) > 0 {
		o.take(string(o.line))
		o.line = nil
	}
	return o.inFailure(Parse(strings.Join(o.tail, "\n")))
}

// inFailure names the changeset that was running, unless the text named one.
func (o *output) inFailure(f *change.Failure) *change.Failure {
	if f.Changeset == "" && f.Kind != change.KindConfiguration {
		f.File, f.Changeset, f.Author = Identity(o.changeset)
	}
	return f
}
