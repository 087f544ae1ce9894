package steps_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/patchbay-ci/patchbay/internal/change"
)

const model = `
<include file="data-model/person.xml"/>
<include file="data-model/views.sql"/>`

// hospital is a base of three files: what stands where is known by line.
func hospital() map[string]string {
	return map[string]string{
		root:                    changelog(model),
		"data-model/person.xml": changelog(person + table("ward")),
		"data-model/views.sql":  "--liquibase formatted sql\n\n--changeset taras:names\nCREATE VIEW registry.names AS SELECT name FROM registry.person;\n",
	}
}

const orphan = `
<changeSet id="visit" author="o'brien">
  <createTable schemaName="registry" tableName="visit">
    <column name="person_id" type="int">
      <constraints foreignKeyName="fk_visit" referencedTableSchemaName="registry" referencedTableName="persons" referencedColumnNames="id"/>
    </column>
  </createTable>
</changeSet>`

// badCandidates are patch sets on the hospital that must not deploy, each
// with the failure that a person has to see.
var badCandidates = []struct {
	name  string
	files map[string]string
	want  change.Failure
}{
	{
		"XML syntax",
		map[string]string{"data-model/person.xml": changelog(person + table("ward") + "\n<changeSet id=\"x\"")},
		change.Failure{Message: "XML syntax error on line 15", File: "data-model/person.xml", Line: 15},
	},
	{
		"foreign key to nowhere",
		map[string]string{"data-model/visit.xml": changelog(orphan), root: changelog(model + `<include file="data-model/visit.xml"/>`)},
		change.Failure{Message: `relation "registry.persons" does not exist`, File: "data-model/visit.xml", Line: 5, Changeset: "visit", Author: "o'brien", SQLState: "42P01"},
	},
	{
		"missing include",
		map[string]string{root: changelog(model + "\n" + `<include file="data-model/nowhere.xml"/>`)},
		change.Failure{Message: "data-model/nowhere.xml", File: root, Line: 7},
	},
	{
		"duplicate id",
		map[string]string{"data-model/person.xml": changelog(person + table("ward") + table("bed") + table("bed"))},
		change.Failure{Message: "bed", File: "data-model/person.xml", Line: 17, Changeset: "bed", Author: "olena"},
	},
	{
		"edited changeset",
		map[string]string{"data-model/person.xml": changelog(strings.ReplaceAll(person, "text", "varchar(10)") + table("ward"))},
		change.Failure{Message: "check sum", File: "data-model/person.xml", Line: 5, Changeset: "person", Author: "olena"},
	},
	{
		"removed changeset",
		map[string]string{"data-model/person.xml": changelog(person)},
		change.Failure{Message: "ran before and is gone", File: "data-model/person.xml", Changeset: "ward", Author: "olena"},
	},
	{
		"undefined table in formatted SQL",
		map[string]string{"data-model/views.sql": hospital()["data-model/views.sql"] + "\n--changeset taras:wrong\nCREATE VIEW registry.wrong AS\n  SELECT 1 FROM registry.\"no\nsuch\" ;\n"},
		change.Failure{Message: `relation "registry.no`, File: "data-model/views.sql", Line: 6, Changeset: "wrong", Author: "taras", SQLState: "42P01"},
	},
	{
		"no root changelog",
		map[string]string{root: ""},
		change.Failure{Message: "does not exist"},
	},
}

func TestBadCandidates(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, hospital()).with("PATCHBAY_MAX_CANDIDATES=0")
	for _, c := range badCandidates {
		pushed := r.onMaster(c.name, c.files)
		r.named(c.name, func(r *registry) {
			run := r.run(pushed)
			r.verified(run, -1)
			if status := run.Steps[3].Status; status != 3 || run.Applied.Outcome != change.Failed {
				r.Fatalf("exit status %d, outcome %s, want 3, failed\n%s", status, run.Applied.Outcome, logs(run))
			}
			r.wrong(run.Applied.Failure, c.want)
			r.said(pushed.Number, run.Applied.Failure)
			r.tidy(pushed.Number, false)
		})
	}
}

// wrong compares a failure of the candidate; its message contains the wanted
// one and is of one line.
func (r *registry) wrong(got *change.Failure, want change.Failure) {
	r.Helper()
	want.Kind, want.Phase = change.KindCandidate, "candidate"
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(change.Failure{}, "Message", "Hint"), cmpopts.IgnoreUnexported(change.Failure{})); diff != "" {
		r.Errorf("failure (-want +got):\n%s\n%s", diff, got.Message)
	}
	if !strings.Contains(got.Message, want.Message) || strings.ContainsAny(got.Message, "\n\r\t") {
		r.Errorf("message %q, want one line with %q", got.Message, want.Message)
	}
}

// said: the line of the failure carries a comment in Gerrit, when it is known.
func (r *registry) said(number int, f *change.Failure) {
	r.Helper()
	if f.File == "" {
		return
	}
	comments := r.comments(number)
	text, there := comments[f.Where()]
	if !there || f.Changeset != "" && !strings.Contains(text, f.Changeset) {
		r.Errorf("want a comment at %s, got %q", f.Where(), comments)
	}
}

// TestRepair: a bad patch set takes the database of the good one away, the
// next one brings it back.
func TestRepair(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, people(""))
	good := r.onMaster("Wards", people(table("ward")))
	r.verified(r.run(good), +1)
	r.tidy(good.Number, true)

	bad := r.amend(good, "", people(table("ward")+orphan))
	run := r.with("PATCHBAY_KEEP_FAILED=true").run(bad)
	r.verified(run, -1)
	kept := run.Applied.Kept
	candidates, leftovers := r.databases()
	if len(candidates) != 0 || !cmp.Equal(leftovers, []string{kept}) {
		r.Fatalf("want the kept attempt %s only, got %v, %v", kept, candidates, leftovers)
	}
	if tables := r.column(kept, "SELECT tablename FROM pg_tables WHERE schemaname = 'registry' ORDER BY 1"); !cmp.Equal(tables, []string{"person", "ward"}) {
		r.Errorf("the kept attempt has the tables %v", tables)
	}

	again := r.run(bad) // the kept attempt goes
	r.verified(again, -1)
	r.nothingLeft()

	repaired := r.amend(bad, "", people(table("ward")+strings.ReplaceAll(orphan, "persons", "person")))
	r.verified(r.run(repaired), +1)
	r.nothingLeft()
	if tables := r.tables(good.Number); !cmp.Equal(tables, []string{"person", "visit", "ward"}) {
		r.Errorf("tables %v", tables)
	}
}
