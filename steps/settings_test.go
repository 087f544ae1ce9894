package steps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// rootsOfAllKinds is a model in every format that Liquibase reads, with the
// settings of the platform: contexts per root, tracking tables of its own.
func rootsOfAllKinds() map[string]string {
	return map[string]string{
		"settings.yaml":              "settings:\n  general:\n    version: 1.10\n",
		"model/first.xml":            changelog(person + `<changeSet id="never" author="olena" context="sub"><sql>SELECT 1/0</sql></changeSet><includeAll path="parts" relativeToChangelogFile="true"/>`),
		"model/parts/01-rooms.xml":   changelog(strings.Replace(table("room"), `author`, `context="pub" author`, 1)),
		"model/parts/02-load.xml":    changelog(`<changeSet id="load" author="olena"><loadData schemaName="${schema}" tableName="person" file="model/data/people.csv" usePreparedStatements="false"><column header="id" name="id" type="NUMERIC"/><column header="name" name="name" type="STRING"/></loadData></changeSet>`),
		"model/data/people.csv":      "id,name\n1,Леся\n2,Іван\n",
		"model/second.yaml":          "databaseChangeLog:\n- changeSet:\n    id: y\n    author: olena\n    context: sub\n    changes:\n    - createTable:\n        schemaName: ${schema}\n        tableName: from_yaml\n        columns:\n        - column: {name: id, type: int}\n",
		"model/third.json":           `{"databaseChangeLog":[{"changeSet":{"id":"j","author":"olena","changes":[{"createTable":{"schemaName":"${schema}","tableName":"from_json","columns":[{"column":{"name":"id","type":"int"}}]}}]}}]}`,
		"model/fourth.sql":           "--liquibase formatted sql\n\n--changeset olena:concurrently runInTransaction:false\nCREATE INDEX CONCURRENTLY person_name ON registry.person (name);\n",
		"model/ignored.groovy":       "System.exit(1)\n",
		"elsewhere/not-for-anybody":  "x\n",
		"model/liquibase.properties": "url=jdbc:nowhere\n",
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{env: []string{
		"PATCHBAY_MODEL_DIR=model",
		"PATCHBAY_CHANGELOG=model/first.xml@all,pub,model/second.yaml@sub,model/third.json,model/fourth.sql",
		"PATCHBAY_CONTEXTS=all",
		"PATCHBAY_PARAMETERS=schema=registry,version=@settings.yaml#settings.general.version",
		"PATCHBAY_CHANGELOG_TABLE=ddm_db_changelog", "PATCHBAY_LIQUIBASE_SCHEMA=registry",
	}}, rootsOfAllKinds())
	next := rootsOfAllKinds()
	p := r.onMaster("One of each", map[string]string{
		"settings.yaml":             "settings:\n  general:\n    version: 1.20\n",
		"model/parts/03-new.xml":    changelog(`<changeSet id="new" author="olena"><createTable schemaName="registry" tableName="new" remarks="of ${version}"><column name="id" type="int"/></createTable></changeSet>`),
		"model/fourth.sql":          next["model/fourth.sql"] + "\n--changeset olena:procedure splitStatements:false\nCREATE PROCEDURE registry.nothing() LANGUAGE plpgsql AS $$\nBEGIN\n  PERFORM 1;\n  PERFORM 2;\nEND $$;\n",
		"model/parts/ignored.class": "no",
	})
	run := r.run(p)
	r.verified(run, +1)
	want := []string{"model/parts/03-new.xml::new::olena", "model/fourth.sql::procedure::olena"}
	if diff := cmp.Diff(want, run.Applied.Changesets); diff != "" {
		t.Errorf("changesets (-want +got):\n%s", diff)
	}
	if text := strings.Join(run.Applied.Summary, "\n"); strings.Contains(text, "ddm_db") || len(run.Applied.Summary) != 2 {
		t.Errorf("summary:\n%s", text)
	}
	r.hasAllKinds(p)
}

func (r *registry) hasAllKinds(p lab.Pushed) {
	r.Helper()
	tables := []string{"ddm_db_changelog", "ddm_db_changelog_lock", "from_json", "from_yaml", "new", "person", "room"}
	if diff := cmp.Diff(tables, r.tables(p.Number)); diff != "" {
		r.Errorf("tables (-want +got):\n%s", diff)
	}
	facts := `SELECT obj_description('registry.new'::regclass) UNION ALL SELECT name FROM registry.person
		UNION ALL SELECT indexrelid::regclass::text FROM pg_index WHERE indexrelid = 'registry.person_name'::regclass AND indisvalid
		UNION ALL SELECT proname::text FROM pg_proc WHERE proname = 'nothing'`
	got := r.column(r.site.Names.Candidate(p.Number), facts)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"nothing", "of 1.20", "registry.person_name", "Іван", "Леся"}, got); diff != "" {
		r.Errorf("(-want +got):\n%s", diff)
	}
}

// TestParameterOutsideTheModel: a value that a parameter reads from a file
// beside the model is part of what the model comes to.
func TestParameterOutsideTheModel(t *testing.T) {
	t.Parallel()
	files := people(`<changeSet id="version" author="olena" runOnChange="true"><sql>COMMENT ON TABLE registry.person IS '${version}'</sql></changeSet>`)
	files["settings.yaml"] = "version: one\n"
	r := newRegistryIn(t, corner{env: []string{"PATCHBAY_PARAMETERS=version=@settings.yaml#version"}}, files)
	p := r.onMaster("Another version", map[string]string{"settings.yaml": "version: two\n"})
	run := r.run(p)
	r.verified(run, +1)
	if !run.Applied.EngineRan || len(run.Applied.Summary) != 1 {
		t.Errorf("got %+v", run.Applied)
	}
	if got := r.column(r.site.Names.Candidate(p.Number), "SELECT obj_description('registry.person'::regclass)"); !cmp.Equal(got, []string{"two"}) {
		t.Errorf("the comment says %q, want two", got)
	}
}

// TestVersions walks one whole pipeline with each of the versions that the
// other tests do not use.
func TestVersions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]corner{"Liquibase 5.0.4": {liquibase: "5.0.4"}, "PostgreSQL 18": {postgres: 18}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistryIn(t, c, laboratories(t))
			p := r.onMaster("Notes on samples", map[string]string{"data-model/procedures.sql": laboratories(t)["data-model/procedures.sql"] +
				"\n--changeset olena:sample-note\nALTER TABLE registry.sample ADD note text;\n"})
			run := r.run(p)
			r.verified(run, +1)
			if run.Applied.Counts != "1 column added" || c.liquibase != "" && run.Applied.Engine != "liquibase "+c.liquibase {
				t.Errorf("got %+v", run.Applied)
			}
			bad := r.amend(p, "", map[string]string{"data-model/procedures.sql": laboratories(t)["data-model/procedures.sql"] +
				"\n--changeset olena:sample-note\nALTER TABLE registry.samples ADD note text;\n"})
			run = r.run(bad)
			r.verified(run, -1)
			r.wrong(run.Applied.Failure, change.Failure{
				Message: `relation "registry.samples" does not exist`, File: "data-model/procedures.sql",
				Line: 2 + strings.Count(laboratories(t)["data-model/procedures.sql"], "\n"), Changeset: "sample-note", Author: "olena", SQLState: "42P01",
			})
			r.nothingLeft()
		})
	}
}
