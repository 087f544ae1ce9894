package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func write(t testing.TB, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	t.Parallel()
	index := Read(write(t, map[string]string{
		"repo/m/main.xml": "<?xml version='1.0' encoding='windows-1251'?>\n<databaseChangeLog>\n<property name='dir' value='m'/>\n" +
			"<changeSet id='1' author='\xcf'/>\n<include file='${dir}/sub/logical.yaml'/>\n<include file='classpath:m/a.json'/>\n" +
			"<include file='./sub/../sub/f.sql' relativeToChangelogFile='true'/>\n<includeAll path='m/all' endsWithFilter='.xml'/>\n" +
			"<changeSet id='z'\n   author='me' runOnChange='true' logicalFilePath='own.xml'><sql>${x} ${:escaped} ${java.version}</sql></changeSet>\n</databaseChangeLog>",
		"repo/m/sub/logical.yaml": "x: &s {author: me}\ndatabaseChangeLog:\n- logicalFilePath: lo/gical\n- changeSet:\n    <<: *s\n    id: y\n- property: {name: later, value: 1}\n- include: {file: raw.sql, relativeToChangelogFile: true}\n",
		"repo/m/sub/raw.sql":      "SELECT '${later}'",
		"repo/m/a.json":           "{\n\t\"databaseChangeLog\": [\n\t\t{\"changeSet\": {\"id\": 7, \"author\": \"j\"}}\n\t]\n}",
		"repo/m/sub/f.sql":        "\ufeff--LIQUIBASE FORMATTED SQL logicalFilePath:sql\n\n-- changeset \"John Doe\":\"id 1\" runAlways:true\nSELECT 1;\n--changeset b:2\n",
		"repo/m/all/2.xml":        "<databaseChangeLog><changeSet id='two' author='a'/></databaseChangeLog>",
		"repo/m/all/1/x.xml":      "<databaseChangeLog><changeSet id='one' author='a'/></databaseChangeLog>",
		"repo/m/all/0.txt":        "nothing",
	}), []string{"m/main.xml"}, Options{Prefix: "repo"})
	want := []Changeset{
		{"m/main.xml", "1", "П", "repo/m/main.xml", 4, false},
		{"lo/gical", "y", "me", "repo/m/sub/logical.yaml", 4, false},
		{"m/sub/raw.sql", "raw", "includeAll", "repo/m/sub/raw.sql", 1, false},
		{"m/a.json", "7", "j", "repo/m/a.json", 3, false},
		{"sql", "id 1", "John Doe", "repo/m/sub/f.sql", 3, true},
		{"sql", "2", "b", "repo/m/sub/f.sql", 5, false},
		{"m/all/1/x.xml", "one", "a", "repo/m/all/1/x.xml", 1, false},
		{"m/all/2.xml", "two", "a", "repo/m/all/2.xml", 1, false},
		{"own.xml", "z", "me", "repo/m/main.xml", 9, true},
	}
	if diff := cmp.Diff(want, index.Changesets); diff != "" {
		t.Errorf("changesets (-want +got):\n%s", diff)
	}
	warnings := []Place{{"repo/m/main.xml", 10, "nothing defines the parameter ${x}: it stays as it is written"}}
	if diff := cmp.Diff(warnings, index.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&Index{}, index, cmpopts.IgnoreUnexported(Index{}), cmpopts.IgnoreFields(Index{}, "Changesets", "Warnings")); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"up and down again": "<include file='m/../m/x.xml'/>",
		"up inside":         "<include file='../m/x.xml' relativeToChangelogFile='true'/>",
		"rooted":            "<include file='/m/x.xml'/>",
		"column file":       "<changeSet id='1' author='a'><insert><column name='c' valueClobFile='../m/x.xml'/></insert></changeSet>",
		"declared encoding": "<changeSet id='1' author='a'><sqlFile path='m/cp.sql' encoding='windows-1251'/></changeSet>",
		"words in SQL":      "<changeSet id='1' author='a'><sql>-- executeCommand ../../ customChange &lt;!DOCTYPE</sql></changeSet>",
		"own attribute":     "<changeSet id='1' author='a'><x:thing file='../../x' path='/x'/></changeSet>",
	} {
		index := Read(write(t, map[string]string{
			"m/main.xml": "<databaseChangeLog xmlns:x='x'>" + body + "</databaseChangeLog>", "m/x.xml": "<databaseChangeLog/>", "m/cp.sql": "SELECT '\xcf'",
		}), []string{"m/main.xml"}, Options{})
		if len(index.Faults)+len(index.Missing) > 0 {
			t.Errorf("%s: %v %v", name, index.Faults, index.Missing)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	index := &Index{
		Changesets: []Changeset{{Path: "logical", ID: "1", Author: "a", File: "m/x.xml", Line: 7}, {Path: "m/y.xml", ID: "1", Author: "a", File: "m/y.xml", Line: 3}},
		Missing:    []Place{{File: "m/main.xml", Line: 4, Text: "m/nope.xml"}},
		files:      map[string]bool{"m/x.xml": true, "m/y.xml": true},
	}
	for _, c := range []struct {
		failure change.Failure
		want    string
	}{
		{change.Failure{File: "logical", Changeset: "1", Author: "a"}, "m/x.xml:7"},
		{change.Failure{File: "unknown", Changeset: "1", Author: "a"}, "unknown"},
		{change.Failure{Kind: change.KindCandidate, Message: "Error parsing line 5 column 9 of m/x.xml: what"}, "m/x.xml:5"},
		{change.Failure{Kind: change.KindCandidate, Message: "Unexpected formatting in formatted changelog 'y.xml' at line 2."}, "m/y.xml:2"},
		{change.Failure{Kind: change.KindCandidate, Message: "The file m/nope.xml was not found"}, "m/main.xml:4"},
		{change.Failure{Kind: change.KindInfrastructure, Message: "Error parsing line 5 column 9 of m/x.xml"}, ""},
	} {
		if got := index.Locate(&c.failure).Where(); got != c.want {
			t.Errorf("%s: %q, want %q", c.failure.Message, got, c.want)
		}
	}
}

// FuzzRead feeds one text to every parser: none may hang, panic or leave the tree.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"<databaseChangeLog><include file='main.xml'/><changeSet id='1' author='${a}'/></databaseChangeLog>",
		"databaseChangeLog:\n- changeSet: {id: 1, author: &a x}\n- include: {file: *a}\n",
		"--liquibase formatted sql\n--changeset a:1 x:\"y\n--property name:x value:${x}\n", "a: &a [*a]", "<!DOCTYPE x>", `{"a": {"b": [`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree := map[string]string{"m/main.xml": text, "m/main.yaml": text, "m/main.sql": text}
		index := Read(write(t, tree), []string{"main.xml", "main.yaml", "main.sql"}, Options{Prefix: "m"})
		for _, c := range index.Changesets {
			if !strings.HasPrefix(c.File, "m/main.") || c.Line < 1 || c.Line > 1+strings.Count(text, "\n") {
				t.Errorf("changeset %+v", c)
			}
		}
	})
}
