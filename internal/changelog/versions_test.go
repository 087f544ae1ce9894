package changelog_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// rich uses every format and what models do with them.
var rich = files{
	"model/main.xml": xmlLog(`<property name="kind" value="varchar(50)"/>
<include file="model/tables.xml"/>
<include file="more.yaml" relativeToChangelogFile="true"/>
<include file="model/more.json"/>
<include file="model/more.sql"/>
<includeAll path="model/all"/>
<changeSet id="load" author="me"><loadData tableName="city" file="model/load/city.csv"/></changeSet>
<changeSet id="out" author="me" context="never"><sql>SELECT nonsense</sql></changeSet>
<changeSet id="param" author="me"><sql>INSERT INTO city VALUES (99, '${greeting}')</sql></changeSet>
<changeSet id="untold" author="me"><sql splitStatements="false">CREATE FUNCTION literal() RETURNS text LANGUAGE sql AS 'SELECT ''${nope}''::text'</sql></changeSet>`),
	"model/tables.xml": strings.Replace(xmlLog(`<changeSet id="table city" author="власник реєстру"><createTable tableName="city" remarks="Місто"><column name="id" type="int"><constraints primaryKey="true"/></column><column name="name" type="${kind}"/></createTable></changeSet>`),
		"<databaseChangeLog ", `<databaseChangeLog logicalFilePath="logical/tables.xml" `, 1),
	"model/more.yaml":     "databaseChangeLog:\n- changeSet:\n    id: y1\n    author: me\n    changes:\n    - createTable:\n        tableName: y\n        columns:\n        - column: {name: id, type: int}\n",
	"model/more.json":     `{"databaseChangeLog": [{"changeSet": {"id": "j1", "author": "me", "changes": [{"sql": {"sql": "CREATE TABLE j (id int)"}}]}}]}`,
	"model/more.sql":      "--liquibase formatted sql\n--changeset me:s1 runInTransaction:false\nCREATE TABLE s (id int);\nCREATE INDEX CONCURRENTLY i_s ON s (id);\n--changeset me:s2 splitStatements:false\nCREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;\n",
	"model/all/b.xml":     xmlLog(`<changeSet id="b" author="me"><sql>CREATE TABLE b (id int)</sql></changeSet>`),
	"model/all/a.xml":     xmlLog(`<changeSet id="a" author="me"><sql>CREATE TABLE a (id int)</sql></changeSet>`),
	"model/load/city.csv": "id,name\n1,Київ\n2,Львів\n",
}

// richSets is what rich applies, in order.
var richSets = []string{
	"logical/tables.xml::table city::власник реєстру", "model/more.yaml::y1::me", "model/more.json::j1::me",
	"model/more.sql::s1::me", "model/more.sql::s2::me", "model/all/a.xml::a::me", "model/all/b.xml::b::me",
	"model/main.xml::load::me", "model/main.xml::param::me", "model/main.xml::untold::me",
}

func TestLiquibaseVersions(t *testing.T) {
	t.Parallel()
	for version, sets := range map[string][]string{"4.33.0": richSets, "5.0.4": richSets, "4.22.0": richSets, "4.5.0": richSets} {
		t.Run(version, func(t *testing.T) {
			b := liquibaseBench(t, version)
			b.t = t
			b.settings.ChangelogTable, b.settings.LiquibaseSchema, b.settings.Contexts = "model_log", "public", "main"
			tree := rich
			if version == "4.5.0" { // has no opencsv in its list of jars
				tree = rich.with(files{"model/main.xml": strings.Replace(rich["model/main.xml"], `<loadData tableName="city" file="model/load/city.csv"/>`, `<sql>INSERT INTO city VALUES (1, 'Київ'), (2, 'Львів')</sql>`, 1)})
			}
			if got, want := b.engine().Name(), "liquibase "+version; got != want {
				t.Errorf("name %q, want %q", got, want)
			}
			login := b.database("")
			job := b.job(tree, login)
			job.Parameters = map[string]string{"greeting": `Слава = "Україні"\ #1`}
			report, err := b.engine().Apply(t.Context(), job)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sets, report.Changesets); diff != "" {
				t.Errorf("changesets (-want +got):\n%s", diff)
			}
			if got := b.query(login.Database, "SELECT string_agg(name, ', ' ORDER BY id) FROM city"); got != `Київ, Львів, Слава = "Україні"\ #1` {
				t.Errorf("cities: %s", got)
			}
			want := []string{"model/main.xml:13: nothing defines the parameter ${nope}: it stays as it is written"}
			if diff := cmp.Diff(want, report.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			b.warm() // what follows says the same by the launcher
			_, _, failure := b.candidateOf(login.Database, tree, tree.with(files{"model/all/c.xml": xmlLog("\n" + changeSet(`<sql>CREATE TABLE a (id int)</sql>`))}), job.Parameters)
			badCandidate{kind: change.KindCandidate, where: "model/all/c.xml:5", changeset: "2", state: "42P07", message: `relation "a" already exists`}.check(t, failure)
		})
	}
}

// Schemas on an internal host, as registry templates name them.
func TestRemoteSchemas(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.33.0", "4.5.0"} {
		b := liquibaseBench(t, version)
		text := strings.Replace(simple["model/main.xml"], "http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd",
			"https://nexus.example.org/xsd/dbchangelog-4.5.xsd http://www.liquibase.org/xml/ns/dbchangelog-ext https://nexus.example.org/xsd/liquibase-ext-schema-latest.xsd", 1)
		text = strings.Replace(text, "<databaseChangeLog ", `<databaseChangeLog xmlns:ext="http://www.liquibase.org/xml/ns/dbchangelog-ext" `, 1)
		text = strings.Replace(text, "<createTable ", `<createTable ext:historyFlag="true" `, 1)
		if _, err := b.engine().Apply(t.Context(), b.job(files{"model/main.xml": text}, b.database(""))); err != nil {
			t.Errorf("%s: %v", version, err)
		}
		unknown := strings.Replace(simple["model/main.xml"], "www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.5.xsd", "nexus.example.org/other.xsd", 1)
		_, err := b.engine().Apply(t.Context(), b.job(files{"model/main.xml": unknown}, b.database("")))
		if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, "PATCHBAY_XSD_DIR") {
			t.Errorf("%s: got %v, want a configuration failure with a remedy", version, err)
		}
		b.settings.XSDDir = b.checkout(files{"nexus.example.org/other.xsd": laxSchema})
		if _, err := b.engine().Apply(t.Context(), b.job(files{"model/main.xml": unknown}, b.database(""))); err != nil {
			t.Errorf("%s with PATCHBAY_XSD_DIR: %v", version, err)
		}
	}
}

const laxSchema = `<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.liquibase.org/xml/ns/dbchangelog" elementFormDefault="qualified">
<xsd:element name="databaseChangeLog"><xsd:complexType><xsd:sequence><xsd:any processContents="skip" maxOccurs="unbounded"/></xsd:sequence><xsd:anyAttribute processContents="skip"/></xsd:complexType></xsd:element></xsd:schema>`

func TestWarmCache(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	b.warm()
	archives, err := filepath.Glob(filepath.Join(b.cache, "liquibase-*.jsa"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("archives: %v, %v", archives, err)
	}
	if launchers, err := filepath.Glob(filepath.Join(b.cache, "liquibase-*.jar")); err != nil || len(launchers) != 1 {
		t.Fatalf("launchers: %v, %v", launchers, err)
	}
	if _, err := b.engine().Apply(t.Context(), b.job(simple, b.database(""))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(archives[0], []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine().Apply(t.Context(), b.job(simple, b.database(""))); err != nil {
		t.Errorf("with a broken archive: %v", err)
	}
}

// A server that refuses is not a bad changelog.
func TestServerTrouble(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	login := b.database("")
	login.Password = "wrong"
	_, err := b.engine().Apply(t.Context(), b.job(simple, login))
	if f := change.AsFailure(err); f == nil || f.Kind == change.KindCandidate {
		t.Errorf("wrong password: got %v", err)
	}
	ended := b.job(files{"model/main.xml": xmlLog(changeSet(`<sql>SELECT pg_sleep(20)</sql>`))}, b.database(""))
	ended.Progress = func(string) {
		go func() {
			time.Sleep(time.Second)
			if err := b.server.EndSessions(context.Background(), ended.Login.Database); err != nil {
				t.Error(err)
			}
		}()
	}
	_, err = b.engine().Apply(t.Context(), ended)
	if f := change.AsFailure(err); f == nil || f.Kind != change.KindInfrastructure {
		t.Errorf("ended session: got %v, want infrastructure", err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	ctx, cancel := context.WithCancel(t.Context())
	job := b.job(files{"model/main.xml": xmlLog(changeSet(`<sql>SELECT pg_sleep(20)</sql>`))}, b.database(""))
	job.Progress = func(string) { cancel() }
	_, err := b.engine().Apply(ctx, job)
	if f := change.AsFailure(err); f == nil || f.Kind != change.KindCancelled {
		t.Errorf("got %v, want cancelled", err)
	}
}

func TestBaseWithoutChangelog(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	report, err := b.engine().Apply(t.Context(), b.job(files{"model/other.txt": "x"}, b.database("")))
	if err != nil || len(report.Changesets) > 0 {
		t.Errorf("got %v, %v", report, err)
	}
}

// What was filtered out never ran: it may go, move and change.
func TestHistoryOfWhatNeverRan(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	b.settings.Contexts = "main"
	before := files{"model/main.xml": root(`<changeSet id="3" author="me" context="other"><sql>SELECT 1</sql></changeSet>` + changeSet(`<sql>SELECT 2</sql>`))}
	base := b.base(before)
	if _, report, failure := b.candidate(base, before, files{"model/main.xml": root(changeSet(`<sql>SELECT 2</sql>`))}); failure != nil {
		t.Errorf("got %v, %v", report, failure)
	}
	_, _, failure := b.candidate(base, before, files{"model/main.xml": xmlLog("\n" + changeSet(`<sql>SELECT 2</sql>`) + tableA)})
	badCandidate{kind: change.KindCandidate, where: "model/main.xml:5", changeset: "2", message: "now stands before it"}.check(t, failure)
}
