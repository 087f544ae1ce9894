package step

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
)

var seven = change.PatchSet{Project: "registry", Change: 7, PatchSet: 2, Revision: strings.Repeat("a", 40)}

// leftOver is a run directory with the result of an earlier run.
func leftOver(t *testing.T) (dir, document string) {
	t.Helper()
	dir = t.TempDir()
	document = filepath.Join(dir, "get-changes.json")
	text, err := json.Marshal(&change.GetChanges{Header: change.Header{FormatVersion: change.FormatVersion, PatchSet: seven}})
	if err == nil {
		err = os.WriteFile(document, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, document
}

// TestBeginningEmptiesTheRunDirectory whatever is wrong with the input: else
// the last step would vote on what an earlier run left.
func TestBeginningEmptiesTheRunDirectory(t *testing.T) {
	t.Parallel()
	begins := Program{Name: "some-step", Contract: "Reads: nothing.", Begins: true}
	for name, c := range map[string]struct {
		env  []string
		args []string
	}{
		"bad variable":        {[]string{"PATCHBAY_MAX_DROP", "many"}, nil},
		"bad flag":            {nil, []string{"--max-drop=many"}},
		"unknown flag":        {nil, []string{"--nonsense=x"}},
		"unknown flag, value": {nil, []string{"--nonsense", "x"}},
		"unexpected argument": {nil, []string{"two words"}},
		"a typing error":      {nil, []string{"--dry-runs"}},
		"a secret as a flag":  {nil, []string{"--gerrit-password=hunter-22"}},
		"no patch set":        {[]string{"GERRIT_PATCHSET_REVISION", ""}, nil},
	} {
		dir, document := leftOver(t)
		got := runProgram(t, begins, given7(append(c.env, "PATCHBAY_RUN_DIR", dir)...), c.args, nil)
		if _, err := os.Stat(document); got.status != ExitUsage || !os.IsNotExist(err) {
			t.Errorf("%s: exit status %d, %v\n%s", name, got.status, err, got.stderr)
		}
	}
	dir, document := leftOver(t)
	runProgram(t, begins, given7("PATCHBAY_MAX_DROP", "many"), []string{"--run-dir", dir}, nil)
	if _, err := os.Stat(document); !os.IsNotExist(err) {
		t.Errorf("the flag's directory: %v", err)
	}
}

func TestOtherStepsKeepTheRunDirectory(t *testing.T) {
	t.Parallel()
	dir, document := leftOver(t)
	runStep(t, given7("PATCHBAY_RUN_DIR", dir, "PATCHBAY_MAX_DROP", "many"), nil, nil)
	runProgram(t, Program{Name: "some-step", Begins: true}, given7("PATCHBAY_RUN_DIR", dir), []string{"--help"}, nil)
	if _, err := os.Stat(document); err != nil {
		t.Error(err)
	}
}

// TestLinksAreNotFollowed: a candidate can commit one under the name of the
// run directory or of a document.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere, document := leftOver(t)
	link := filepath.Join(t.TempDir(), "link")
	within := t.TempDir()
	for from, to := range map[string]string{link: elsewhere, filepath.Join(within, "get-changes.json"): document} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []RunDir{RunDir(link), RunDir(link + "/")} {
		refused(t, "reset", dir.Reset())
		refused(t, "write", dir.write("diff.json", "x"))
		_, err := Read[change.GetChanges](dir, "get-changes.json", seven, "")
		refused(t, "read", err)
	}
	_, err := Read[change.GetChanges](RunDir(within), "get-changes.json", seven, "")
	refused(t, "read a link", err)
	if err := RunDir(within).Reset(); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(elsewhere)
	if err != nil || len(entries) != 1 {
		t.Errorf("the other directory was changed: %v, %v", entries, err)
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: a link was followed", what)
		return
	}
	if f := change.AsFailure(err); f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, "PATCHBAY_RUN_DIR") {
		t.Errorf("%s: %+v", what, f)
	}
}

func TestLinkEndsTheBeginning(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	ran := false
	got := runProgram(t, Program{Name: "some-step", Begins: true}, given7("PATCHBAY_RUN_DIR", link), nil,
		func(context.Context, *Session) error { ran = true; return nil })
	if ran || got.status != ExitUsage || !strings.Contains(got.stderr, "PATCHBAY_RUN_DIR") {
		t.Errorf("ran %v, exit status %d:\n%s", ran, got.status, got.stderr)
	}
}

// FuzzDecode: whatever stands in a document, it is refused or is of this patch
// set and attempt.
func FuzzDecode(f *testing.F) {
	good, err := json.Marshal(&change.CreateTempDB{
		Header: change.Header{FormatVersion: change.FormatVersion, PatchSet: seven, Attempt: "6565aabb", Outcome: change.Created},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(good), "", "null", "[]", "{}", `{"formatVersion":1,"unknown":1}`, `{"failure":{"kind":7}}`, string(good) + "x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		result, err := decode[change.CreateTempDB](text, "create-temp-db.json", seven, "6565aabb")
		if err != nil {
			if change.AsFailure(err).Kind != change.KindConfiguration || result != nil {
				t.Errorf("%q: %+v, %v", text, result, err)
			}
			return
		}
		if result.PatchSet != seven || result.Attempt != "6565aabb" || result.FormatVersion != change.FormatVersion || !json.Valid(text) {
			t.Errorf("%q was taken: %+v", text, result)
		}
	})
}

// TestDocumentsAreReplaced: who has an old document open goes on reading it
// whole, because a new file takes its name.
func TestDocumentsAreReplaced(t *testing.T) {
	t.Parallel()
	dir, document := leftOver(t)
	before, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "old")
	if err := os.Link(document, old); err != nil {
		t.Fatal(err)
	}
	if err := RunDir(dir).write("get-changes.json", "a new one"); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(old)
	if err != nil || string(after) != string(before) {
		t.Errorf("%v: the old document is now %q", err, after)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 2 {
		t.Errorf("%v, %v: want the document and its old self", names, err)
	}
}
