package repo

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func TestTrees(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	revision := p.commit("first", map[string]string{
		"data-model/a.xml": "a", "data-model/sub/b.xml": "b", "сховище/в.xml": "в", "with [blank]*/c.xml": "c", ":(top)x": "",
	})
	r := p.open()
	paths := []string{".", "data-model", "data-model/", "./data-model/sub", "data-model/a.xml", "сховище", "with [blank]*", ":(top)x", "absent", "data-model/absent"}
	got := must[map[string]string](t)(r.Trees(t.Context(), revision, paths))
	want := map[string]string{"absent": "", "data-model/absent": ""}
	for _, path := range paths[:8] {
		want[path] = p.git("rev-parse", revision+":"+strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path, "./"), "."), "/"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := must[map[string]string](t)(r.Trees(t.Context(), "", []string{"a"})); got["a"] != "" || len(got) != 1 {
		t.Errorf("no revision: %v", got)
	}
	for _, path := range []string{"", "..", "../x", "/etc", "a/../../b"} {
		if _, err := r.Trees(t.Context(), revision, []string{path}); change.AsFailure(err) == nil || change.AsFailure(err).Kind != change.KindConfiguration {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	long := strings.Repeat("a line of the model\n", 50)
	base := p.commit("base", map[string]string{
		"data-model/моя таблиця.xml": long, "data-model/changed.xml": "1", "data-model/gone.xml": "g", "data-model/out.xml": "o", "other.txt": "1",
	})
	p.git("mv", "data-model/моя таблиця.xml", "data-model/нова\tназва.xml")
	p.git("mv", "data-model/out.xml", "out.xml")
	p.git("rm", "-q", "data-model/gone.xml")
	revision := p.commit("candidate", map[string]string{
		"data-model/changed.xml": "2", "data-model/two\nlines.xml": "new", "other.txt": "2", "data-model/a\\b\"c.xml": "n",
	})
	r := p.open()
	want := []change.File{
		{Path: "data-model/a\\b\"c.xml", Status: "A"},
		{Path: "data-model/changed.xml", Status: "M"},
		{Path: "data-model/gone.xml", Status: "D"},
		{Path: "data-model/out.xml", Status: "D"},
		{Path: "data-model/two\nlines.xml", Status: "A"},
		{Path: "data-model/нова\tназва.xml", OldPath: "data-model/моя таблиця.xml", Status: "R"},
	}
	if diff := cmp.Diff(want, must[[]change.File](t)(r.Files(t.Context(), base, revision, []string{"data-model"}))); diff != "" {
		t.Error(diff)
	}
	all := must[[]change.File](t)(r.Files(t.Context(), "", revision, []string{"."}))
	if len(all) != 6 || all[0].Status != "A" {
		t.Errorf("against nothing: %v", all)
	}
	if none := must[[]change.File](t)(r.Files(t.Context(), base, base, []string{"data-model"})); none == nil || len(none) != 0 {
		t.Errorf("against itself: %v", none)
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	if err := os.Symlink("settings.yaml", filepath.Join(p.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	revision := p.commit("first", map[string]string{"settings.yaml": "a: 1\n", "empty": "", "dir/x": ""})
	r := p.open()
	for name, want := range map[string]string{"settings.yaml": "a: 1\n", "empty": ""} {
		if got := string(must[[]byte](t)(r.ReadFile(t.Context(), revision, name, 5))); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if _, err := r.ReadFile(t.Context(), revision, "absent", 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	for name, want := range map[string]change.Kind{"link.yaml": change.KindCandidate, "dir": change.KindCandidate, "../x": change.KindConfiguration} {
		if _, err := r.ReadFile(t.Context(), revision, name, 5); change.AsFailure(err) == nil || change.AsFailure(err).Kind != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.ReadFile(t.Context(), revision, "settings.yaml", 4); change.AsFailure(err).Kind != change.KindLimit {
		t.Errorf("over the limit: %v", err)
	}
}

func TestCheckout(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write(".gitattributes", "*.xml text eol=crlf export-ignore\n")
	revision := p.commit("first", map[string]string{
		"data-model/main.XML": "main\n", "data-model/sub/дані (1).csv": "1;2\n", "data-model/two words.sql": "select 1", "data-model/MAIN.xml": "other",
		"data-model/app.properties": "p", "data-model/Liquibase.Properties": "url=x", "data-model/liquibase.local.properties": "url=x",
		"data-model/run.sh": "#!/bin/sh", "data-model/x.class": "", "data-model/README": "", "outside.xml": "o",
	})
	dir := filepath.Join(t.TempDir(), "checkout")
	ignored, err := p.open().Checkout(t.Context(), revision, []string{"data-model"}, dir, CheckoutLimits{})
	if err != nil {
		t.Fatal(err)
	}
	wantIgnored := []string{"Liquibase.Properties", "README", "liquibase.local.properties", "run.sh", "x.class"}
	for i := range wantIgnored {
		wantIgnored[i] = "data-model/" + wantIgnored[i]
	}
	if diff := cmp.Diff(wantIgnored, ignored); diff != "" {
		t.Errorf("ignored: %s", diff)
	}
	want := map[string]string{
		"data-model/main.XML": "main\n", "data-model/sub/дані (1).csv": "1;2\n", "data-model/two words.sql": "select 1",
		"data-model/MAIN.xml": "other", "data-model/app.properties": "p",
	}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// read gives all files of a folder and checks their modes.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || entry.IsDir() {
			if err == nil && path != dir && info.Mode().Perm() != 0o700 {
				t.Errorf("%s: mode %s", path, info.Mode())
			}
			return err
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s: mode %s", path, info.Mode())
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// treeWith stores a tree that no git add would make.
func (p *project) treeWith(entries ...string) string {
	p.t.Helper()
	var tree strings.Builder
	for _, entry := range entries {
		mode, name, _ := strings.Cut(entry, " ")
		id := p.git("hash-object", "-w", "--stdin")
		switch mode {
		case "40000":
			id = p.treeWith("100644 x.xml")
		case "160000":
			id = strings.Repeat("ab", 20)
		}
		fmt.Fprintf(&tree, "%s %s\x00%s", mode, name, binary(p.t, id))
	}
	file := filepath.Join(p.t.TempDir(), "tree")
	if err := os.WriteFile(file, []byte(tree.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return p.git("hash-object", "-w", "-t", "tree", "--literally", file)
}

func binary(t *testing.T, id string) string {
	t.Helper()
	var raw []byte
	if _, err := fmt.Sscanf(id, "%x", &raw); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestCheckoutRefuses(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for _, c := range []struct {
		name    string
		entries []string
		kind    change.Kind
		says    string
	}{
		{"symbolic link", []string{"120000 a.xml"}, change.KindCandidate, "a.xml: a symbolic link is not given to the engine"},
		{"submodule", []string{"160000 sub"}, change.KindCandidate, "sub: a submodule"},
		{"way out", []string{"40000 .."}, change.KindCandidate, `../x.xml: a path with ".."`},
		{"here", []string{"40000 ."}, change.KindCandidate, `./x.xml: a path with "."`},
		{"git's own folder", []string{"40000 .GIT"}, change.KindCandidate, `.GIT/x.xml: a path with ".GIT"`},
		{"services", []string{"40000 Meta-Inf"}, change.KindCandidate, `Meta-Inf/x.xml: a path with "Meta-Inf"`},
		{"name too long", []string{"100644 " + strings.Repeat("a", 300) + ".xml"}, change.KindCandidate, "name too long"},
		{"one name twice", []string{"100644 a.xml", "100644 a.xml"}, change.KindCandidate, "a.xml: cannot be a file here"},
		{"file and folder of one name", []string{"100644 a.xml", "40000 a.xml"}, change.KindCandidate, "cannot be a file here"},
		{"escaped name", []string{"120000 a\nb"}, change.KindCandidate, `a\nb: a symbolic link`},
		{"line break", []string{"100644 a\n::error::b.xml"}, change.KindCandidate, `a\n::error::b.xml: a name with control or format characters`},
		{"escape", []string{"100644 a\x1b[2J/b.xml"}, change.KindCandidate, "a name with control or format characters"},
		{"direction mark", []string{"100644 a\u202elmx.xml"}, change.KindCandidate, "a name with control or format characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "inner")
			_, err := p.open().Checkout(t.Context(), p.treeWith(c.entries...), []string{"."}, dir, CheckoutLimits{})
			failure := change.AsFailure(err)
			if failure == nil || failure.Kind != c.kind || !strings.Contains(failure.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if beside, _ := os.ReadDir(filepath.Dir(dir)); len(beside) > 1 {
				t.Errorf("written outside: %v", beside)
			}
		})
	}
}

func TestCheckoutLimits(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	revision := p.commit("first", map[string]string{"m/a.xml": "12345", "m/b.xml": "12345", "m/c.bin": strings.Repeat("x", 100)})
	for _, c := range []struct {
		limits CheckoutLimits
		says   string
	}{
		{CheckoutLimits{Files: 3, FileBytes: 5, TotalBytes: 10}, ""},
		{CheckoutLimits{Files: 2}, "more than 2 files"},
		{CheckoutLimits{FileBytes: 4}, "m/a.xml: has 5 bytes"},
		{CheckoutLimits{TotalBytes: 9}, "m/b.xml: with this file"},
	} {
		_, err := p.open().Checkout(t.Context(), revision, []string{"m"}, t.TempDir(), c.limits)
		if c.says == "" && err != nil || c.says != "" && (err == nil || change.AsFailure(err).Kind != change.KindLimit || !strings.Contains(change.AsFailure(err).Error(), c.says)) {
			t.Errorf("%+v: %v", c.limits, err)
		}
	}
}

// Ten trees of ten entries each name 10^10 files in a few hundred bytes.
func TestTreeBomb(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	base := p.commit("base", nil)
	id := p.git("hash-object", "-w", "--stdin")
	mode := "100644"
	for range 10 {
		var tree strings.Builder
		for i := range 10 {
			fmt.Fprintf(&tree, "%s %d.xml\x00%s", mode, i, binary(t, id))
		}
		cmd := exec.CommandContext(t.Context(), "git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
		cmd.Dir, cmd.Stdin, mode = p.dir, strings.NewReader(tree.String()), "40000"
		id = strings.TrimSpace(string(must[[]byte](t)(cmd.Output())))
	}
	revision := p.git("commit-tree", "-m", "bomb", "-p", base, id)
	r := p.open()
	_, err := r.Checkout(t.Context(), revision, []string{"."}, t.TempDir(), CheckoutLimits{})
	_, filesErr := r.Files(t.Context(), base, revision, []string{"."})
	for _, err := range []error{err, filesErr} {
		if change.AsFailure(err) == nil || change.AsFailure(err).Kind != change.KindLimit {
			t.Errorf("got %v", err)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add("100644 blob 4b825dc642cb6eb9a060e54bf8d69288fbee4904      12\ta b\tc.xml")
	f.Add("040000 tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904       -\tdir")
	f.Fuzz(func(t *testing.T, record string) {
		got, err := parseEntry(record)
		if err == nil && (got.size < 0 || got.path == "" || !strings.HasSuffix(record, "\t"+got.path) || !sha.MatchString(got.id)) {
			t.Errorf("%q: %+v", record, got)
		}
	})
}

func FuzzRecords(f *testing.F) {
	one := "100644 blob 4b825dc642cb6eb9a060e54bf8d69288fbee4904      12\tc.xml\x00"
	f.Add(one + one)
	f.Add(strings.TrimSuffix(one, "\x00"))
	f.Fuzz(func(t *testing.T, text string) {
		seen := 0
		err := eachRecord(bufio.NewScanner(strings.NewReader(text)), func(entry) error { seen++; return nil })
		if err == nil && seen != strings.Count(text, "\x00") {
			t.Errorf("%q: %d records", text, seen)
		}
	})
}

func FuzzParseDiff(f *testing.F) {
	ids := "4b825dc642cb6eb9a060e54bf8d69288fbee4904 4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	f.Add(":100644 100644 " + ids + " M\x00a b\n.xml\x00:100644 100644 " + ids + " R086\x00old\x00new\x00")
	f.Fuzz(func(t *testing.T, text string) {
		files, err := parseDiff(text)
		if err != nil {
			return
		}
		if files == nil || slices.ContainsFunc(files, func(f change.File) bool { return f.Path == "" || len(f.Status) != 1 }) {
			t.Errorf("%q: %+v", text, files)
		}
	})
}
