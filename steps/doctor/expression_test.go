package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPermissive(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string][]string{
		"": nil, "changekind:NO_CODE_CHANGE OR changekind:NO_CHANGE": nil, "changekind:no_code_change": nil,
		"changekind:NO_CODE_CHANGE AND is:MAX": nil, "(changekind:NO_CHANGE) (is:ANY)": nil, `changekind:"NO_CHANGE"`: nil,
		"is:ANY": {"is:ANY"}, "is:MIN OR changekind:NO_CHANGE": {"is:MIN"}, "-changekind:REWORK": {"changekind:REWORK"},
		"changekind:NO_CODE_CHANGE OR changekind:TRIVIAL_REBASE":           {"changekind:TRIVIAL_REBASE"},
		"(changekind:NO_CHANGE OR is:MAX) AND approverin:Service-Users":    {"is:MAX", "approverin:Service-Users"},
		"changekind:MERGE_FIRST_PARENT_UPDATE has:unchanged-files":         {"changekind:MERGE_FIRST_PARENT_UPDATE", "has:unchanged-files"},
		"NOT changekind:NO_CODE_CHANGE AND uploaderin:{group with blanks}": {"uploaderin:{group with blanks}"},
	} {
		got, err := permissive(condition)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", condition, err, diff)
		}
	}
	for _, condition := range []string{"OR", "(is:MAX", "is:MAX)", "is:MAX OR", "AND is:MAX", "is:MAX AND OR is:MIN", "NOT", "()"} {
		if _, err := permissive(condition); err == nil {
			t.Errorf("%q: read", condition)
		}
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]blocking{
		"label:Verified=MAX AND -label:Verified=MIN":                    blocksAlways,
		"label:Verified=MAX -label:Verified=MIN":                        blocksAlways, // of a label's function
		"-label:Verified=MIN":                                           blocksAlways,
		"NOT label:verified=-1 AND label:Code-Review=MAX":               blocksAlways,
		"label:Verified=MAX":                                            blocksAlone,
		"label:Verified>=1 OR label:Verified=+1":                        blocksAlone,
		"label:Code-Review=MAX":                                         blocksNothing,
		"label:Verified=MAX OR hashtag:emergency":                       blocksNothing,
		"label:Verified=MAX AND -label:Verified=MIN OR hashtag:x":       blocksNothing,
		"label:Verified2=MAX AND -label:Verified2=MIN":                  blocksNothing,
		"label:Verified=MAX,user=non_uploader":                          blocksNothing, // cannot be told
		"is:true":                                                       blocksNothing,
		"label:Verified=ANY":                                            blocksNothing,
		"-(label:Verified=MIN OR label:Code-Review=MIN)":                blocksAlways,
		"(label:Code-Review=MAX OR label:X=1) AND -label:Verified<=-1 ": blocksAlways,
	} {
		if got, err := blocks(expression, "Verified"); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", expression, got, err, want)
		}
	}
	if _, err := blocks("", "Verified"); err == nil {
		t.Error("an empty expression was read")
	}
}

// FuzzEvaluate: whatever is written, it ends, and what is known is never both
// impossible to hold and impossible to fail.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range []string{"a AND b", "-a OR (b c)", `x:"y z" NOT {q`, "((("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := evaluate(text, func(string) may { return either })
		if err == nil && value != either {
			t.Errorf("%q: %+v of atoms that may be either", text, value)
		}
	})
}
