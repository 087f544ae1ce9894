package change

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" plain ":               "plain",
		"зв’язок – Київ":        "зв’язок – Київ",
		"two\r\nlines\tmore":    `two\nlines more`,
		"\x1b[31mred":           `\u001b[31mred`,
		"c\u0085d":              `c\u0085d`,
		"abc\u202edef\u2066":    `abc\u202edef\u2066`,
		"mark\u200e\u061c":      `mark\u200e\u061c`,
		"line\u2028para\u2029s": `line\u2028para\u2029s`,
		"bad\xff":               "bad\uFFFD",
	} {
		if got := OneLine(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\nb\x00\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		got := OneLine(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestKindOfSQLState(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]Kind{
		"42P01": KindCandidate, "23505": KindCandidate, "42501": KindCandidate, "": KindCandidate,
		"57014": KindLimit,
		"08006": KindInfrastructure, "28P01": KindInfrastructure, "53100": KindInfrastructure,
		"57P01": KindInfrastructure, "58030": KindInfrastructure, "XX000": KindInfrastructure,
	} {
		if got := KindOfSQLState(state); got != want {
			t.Errorf("%s: got %s, want %s", state, got, want)
		}
	}
}

func TestAsFailure(t *testing.T) {
	t.Parallel()
	cause := errors.New("no\nanswer")
	f := Failf(KindCandidate, "apply: %w", cause)
	if got := AsFailure(errors.Join(f, nil)); got != f || !errors.Is(f, cause) {
		t.Errorf("got %+v", got)
	}
	if got := AsFailure(cause); got.Kind != KindInfrastructure || got.Message != `no\nanswer` {
		t.Errorf("an unclassified error became %+v", got)
	}
	if AsFailure(nil) != nil {
		t.Error("nil is no failure")
	}
	f.File, f.Line = "a.xml", 7
	if f.Error() != `a.xml:7: apply: no\nanswer` {
		t.Errorf("got %q", f.Error())
	}
}

// TestContextIsKept: "login refused" is of no use without what was logged in to.
func TestContextIsKept(t *testing.T) {
	t.Parallel()
	cause := errors.New("no answer")
	f := Failf(KindLimit, "login: %w", cause).WithHint("wait")
	err := fmt.Errorf("clone x into y: %w", fmt.Errorf("set\nup: %w", f))
	got := AsFailure(err)
	if got.Message != `clone x into y: set\nup: login: no answer` || got.Kind != KindLimit || got.Hint != "wait" {
		t.Errorf("got %+v", got)
	}
	if f.Message != "login: no answer" || !errors.Is(got, cause) || !errors.Is(got, err) {
		t.Errorf("the failure was changed or its causes lost: %+v", f)
	}
	if f.File = "a.xml"; AsFailure(err) != f {
		t.Errorf("a place needs no more words: %+v", AsFailure(err))
	}
}

func TestJoinedErrors(t *testing.T) {
	t.Parallel()
	plain, f, other := errors.New("disk full"), Failf(KindCandidate, "bad table"), Failf(KindInfrastructure, "login is left")
	err := errors.Join(errors.Join(plain, f), fmt.Errorf("clean up: %w", other))
	var beside []string
	for _, e := range Beside(err) {
		beside = append(beside, e.Error())
	}
	if got := AsFailure(err); got != f || strings.Join(beside, "|") != "disk full|clean up: login is left" {
		t.Errorf("got %+v beside %q", got, beside)
	}
	if got := AsFailure(errors.Join(plain, hollow{})); got.Message != "disk full" || len(Beside(errors.Join(plain, hollow{}))) != 1 {
		t.Errorf("got %+v", got)
	}
	if Beside(nil) != nil || len(Beside(f)) != 0 || len(Beside(fmt.Errorf("%w, %w", f, plain))) != 0 {
		t.Error("something stands beside a single error")
	}
}

// hollow could wrap several errors and wraps none.
type hollow struct{}

func (hollow) Error() string   { return "hollow" }
func (hollow) Unwrap() []error { return nil }

func TestPlaceInOneLine(t *testing.T) {
	t.Parallel()
	f := Failf(KindCandidate, "is refused")
	f.File, f.Line = "a\n::error::forged\u202e.sql", 2
	if got, want := f.Error(), `a\n::error::forged\u202e.sql:2: is refused`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPatchSetFaults(t *testing.T) {
	t.Parallel()
	good := PatchSet{Project: "p", Change: 7, PatchSet: 1, Revision: strings.Repeat("a", 40)}
	if faults := good.Faults(); faults != nil {
		t.Errorf("good: %v", faults)
	}
	bad := PatchSet{Change: -1, Revision: strings.Repeat("A", 40)}
	if faults := bad.Faults(); len(faults) != 3 {
		t.Errorf("bad: %v", faults)
	}
}
