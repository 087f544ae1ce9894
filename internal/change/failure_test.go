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
	if got := AsFailure(fmt.Errorf("wrapped: %w", f)); got != f || !errors.Is(f, cause) {
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
