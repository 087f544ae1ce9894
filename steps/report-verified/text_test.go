package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+ table public.t": "`+ table public.t`",
		"a `b` c":          "`a 'b' c`",
		"":                 "`-`",
		"a\n\n# b":         "`a\\n\\n# b`",
	} {
		if got := code(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("їжак", 3)
	f.Add("😀😀😀", 4)
	f.Add(`a\\\\b`, 3)
	f.Fuzz(func(t *testing.T, text string, longest int) {
		if longest < 1 || longest > 1000 || !utf8.ValidString(text) {
			return
		}
		got := cut(text, longest)
		if !utf8.ValidString(got) || length(got) > longest {
			t.Errorf("cut(%q, %d) = %q", text, longest, got)
		}
	})
}

func TestFit(t *testing.T) {
	t.Parallel()
	lines := []string{strings.Repeat("ї", 100), strings.Repeat("ї", 100), strings.Repeat("ї", 100)}
	for room, want := range map[int]string{
		1000: strings.Join(lines, "\n"),
		250:  lines[0] + "\n" + lines[1] + "\n- … and 1 more",
		100:  "- … and 3 more",
	} {
		if got := fit(lines, room); got != want {
			t.Errorf("room for %d: got %q", room, got)
		}
	}
	if got := fit(nil, 100); got != "" {
		t.Errorf("no lines: %q", got)
	}
}
