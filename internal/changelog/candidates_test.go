package changelog_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// badCandidate is a tree that must not get a +1, and what must be said of it.
type badCandidate struct {
	name      string
	add       files // to the base's tree; "" removes
	kind      change.Kind
	where     string // file:line
	changeset string
	state     string
	message   string // a part of it
}

// root is the base's root changelog with more below its table.
func root(more string) string { return xmlLog(tableA + "\n" + more) }

func changeSet(body string) string { return `<changeSet id="2" author="me">` + body + `</changeSet>` }

var refused = []badCandidate{
	{
		name: "foreign key", add: files{"model/main.xml": root(changeSet(`<addForeignKeyConstraint baseTableName="a" baseColumnNames="id" constraintName="f" referencedTableName="nope" referencedColumnNames="id"/>`))},
		kind: change.KindCandidate, where: "model/main.xml:5", changeset: "2", state: "42P01", message: `relation "public.nope" does not exist`,
	},
	{
		name: "XML syntax in an include", add: files{"model/main.xml": root(`<include file="model/more.xml"/>`), "model/more.xml": header + `<changeSet id="9" author="me"><sql>SELECT 1</sq></changeSet></databaseChangeLog>`},
		kind: change.KindCandidate, where: "model/more.xml:4", message: "cannot be read, so it cannot be checked: XML syntax error",
	},
	{
		name: "schema of XML", add: files{"model/main.xml": root(changeSet(`<createTabel tableName="x"/>`))},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "createTabel",
	},
	{
		name: "YAML syntax", add: files{"model/main.xml": root(`<include file="model/more.yaml"/>`), "model/more.yaml": "databaseChangeLog:\n- changeSet:\n    id: 5\n   author: x\n"},
		kind: change.KindCandidate, where: "model/more.yaml:1", message: "cannot be read, so it cannot be checked: yaml",
	},
	{
		name: "SQL of formatted SQL", add: files{"model/main.xml": root(`<include file="model/more.sql"/>`), "model/more.sql": "--liquibase formatted sql\n\n--changeset me:7\nCREATE TABLE b (id int);\nCREATE TABLE b (id int);\n"},
		kind: change.KindCandidate, where: "model/more.sql:3", changeset: "7", state: "42P07", message: `relation "b" already exists`,
	},
	{
		name: "missing include", add: files{"model/main.xml": root(`<include file="model/nope.xml"/>`)},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "model/nope.xml was not found",
	},
	{
		name: "duplicate id", add: files{"model/main.xml": root(`<changeSet id="1" author="o'brien"><sql>SELECT 1</sql></changeSet>`)},
		kind: change.KindCandidate, where: "model/main.xml:5", changeset: "1", message: "duplicate identifiers",
	},
	{
		name: "edited", add: files{"model/main.xml": xmlLog(strings.Replace(tableA, `"int"`, `"bigint"`, 1))},
		kind: change.KindCandidate, where: "model/main.xml:4", changeset: "1", message: "check sum",
	},
	{
		name: "deleted", add: files{"model/main.xml": xmlLog(changeSet(`<sql>SELECT 1</sql>`))},
		kind: change.KindCandidate, where: "model/main.xml", changeset: "1", message: "is gone",
	},
	{
		name: "renamed file", add: files{"model/main.xml": xmlLog(`<include file="model/more.xml"/>`), "model/more.xml": xmlLog(tableA)},
		kind: change.KindCandidate, where: "model/more.xml:4", changeset: "1", message: "ran before as part of model/main.xml",
	},
	{name: "root is gone", add: files{"model/main.xml": ""}, kind: change.KindCandidate, message: "does not exist"},
	{
		name: "tracking rows deleted", add: files{"model/main.xml": root(changeSet(`<sql>DELETE FROM databasechangelog WHERE id = '1'</sql>`))},
		kind: change.KindCandidate, where: "model/main.xml:4", changeset: "1", message: "deleted the tracking row",
	},
	{
		name: "tracking table replaced", add: files{"model/main.xml": root(changeSet(`<sql splitStatements="false">
			ALTER TABLE databasechangelog RENAME TO real;
			CREATE FUNCTION trap() RETURNS text LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE trapped (by text); INSERT INTO trapped VALUES (session_user); RETURN 'x'; END $$;
			CREATE VIEW databasechangelog AS SELECT *, trap() FROM real; CREATE RULE r AS ON INSERT TO databasechangelog DO INSTEAD NOTHING</sql>`))},
		kind: change.KindCandidate, message: "replaced the tracking table",
	},
	{
		name: "lock row held", add: files{"model/main.xml": root(changeSet(`<sql>CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.locked := true; RETURN NEW; END';
			CREATE TRIGGER hold BEFORE UPDATE ON databasechangeloglock FOR EACH ROW EXECUTE FUNCTION hold()</sql>`))},
		kind: change.KindCandidate, message: "lock table",
	},
	{
		name: "executeCommand", add: files{"model/main.xml": root(changeSet("\n<executeCommand executable=\"touch\"/>"))},
		kind: change.KindCandidate, where: "model/main.xml:6", message: "executeCommand",
	},
	{
		name: "executeCommand in YAML", add: files{"model/main.xml": root(`<include file="model/more.yaml"/>`), "model/more.yaml": "databaseChangeLog:\n- changeSet:\n    id: 5\n    author: x\n    changes:\n    - executeCommand: {executable: touch}\n"},
		kind: change.KindCandidate, where: "model/more.yaml:6", message: "executeCommand",
	},
	{
		name: "customChange", add: files{"model/main.xml": root(changeSet(`<customChange class="com.example.Nope"/>`))},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "Java class",
	},
	{
		name: "out of the tree", add: files{"model/main.xml": root(`<include file="../../etc/x.xml" relativeToChangelogFile="true"/>`)},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "leads out of the tree",
	},
	{
		name: "CSV out of the tree", add: files{"model/main.xml": root(changeSet(`<loadData tableName="a" file="../secret.csv"/>`))},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "leads out of the tree",
	},
	{
		name: "absolute path", add: files{"model/main.xml": root(changeSet(`<sqlFile path="/etc/passwd"/>`))},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "absolute path",
	},
	{
		name: "URL", add: files{"model/main.xml": root(`<include file="https://example.org/x.xml"/>`)},
		kind: change.KindCandidate, where: "model/main.xml:5", message: "names a URL",
	},
	{
		name: "document type", add: files{"model/main.xml": `<?xml version="1.0"?>` + "\n<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>\n<databaseChangeLog/>"},
		kind: change.KindCandidate, where: "model/main.xml:2", message: "document type",
	},
	{
		name: "include cycle", add: files{"model/main.xml": root(`<include file="model/more.xml"/>`), "model/more.xml": xmlLog("\n<include file=\"main.xml\" relativeToChangelogFile=\"true\"/>")},
		kind: change.KindCandidate, where: "model/more.xml:5", message: "includes itself",
	},
	{
		name: "SQL in cp1251", add: files{"model/main.xml": root(changeSet(`<sqlFile path="model/x.sql"/>`)), "model/x.sql": "SELECT 1;\nSELECT '\xcf\xf0\xe8\xe2\xb3\xf2';\n"},
		kind: change.KindCandidate, where: "model/x.sql:2", message: "not UTF-8",
	},
	{
		name: "alias bomb", add: files{"model/main.xml": root(`<include file="model/more.yaml"/>`), "model/more.yaml": bomb()},
		kind: change.KindCandidate, where: "model/more.yaml:1", message: "aliases",
	},
	{
		name: "tag", add: files{"model/main.xml": root(`<include file="model/more.yaml"/>`), "model/more.yaml": "databaseChangeLog:\n- !!javax.script.ScriptEngineManager [1]\n"},
		kind: change.KindCandidate, where: "model/more.yaml:2", message: "tag",
	},
	{
		name: "role", add: files{"model/main.xml": root(changeSet(`<sql>CREATE ROLE me_too</sql>`))},
		kind: change.KindConfiguration, where: "model/main.xml:5", changeset: "2", state: "42501", message: "permission denied",
	},
	{
		name: "UTF-16 is scanned", add: files{"model/main.xml": root(`<include file="model/more.xml"/>`), "model/more.xml": utf16Text(strings.Replace(xmlLog(changeSet("<executeCommand executable=\"touch\"/>")), "UTF-8", "UTF-16", 1))},
		kind: change.KindCandidate, where: "model/more.xml:4", message: "executeCommand",
	},
	{
		name: "tracking table of one huge row", add: files{"model/main.xml": root(changeSet(`<sql>ALTER TABLE databasechangelog ALTER filename TYPE text;
			INSERT INTO databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype) SELECT 'x', 'x', repeat('x', 70000000), now(), 7, 'EXECUTED'</sql>`))},
		kind: change.KindLimit, message: "the server's answer to a statement has 66 MiB",
	},
	{
		name: "tracking table of wide rows", add: files{"model/main.xml": root(changeSet(`<sql>ALTER TABLE databasechangelog ALTER filename TYPE text;
			INSERT INTO databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype) SELECT g, 'x', repeat('x', 1000000), now(), 7, 'EXECUTED' FROM generate_series(1, 70) g</sql>`))},
		kind: change.KindLimit, message: "64 MiB",
	},
	{
		name: "statement timeout", add: files{"model/main.xml": root(changeSet(`<sql>SET statement_timeout = 100; SELECT pg_sleep(10)</sql>`))},
		kind: change.KindLimit, where: "model/main.xml:5", changeset: "2", state: "57014", message: "statement timeout",
	},
	{
		name: "too much output", add: files{"model/main.xml": root(changeSet(`<sql splitStatements="false">DO $$ BEGIN FOR i IN 1..800 LOOP RAISE NOTICE '%', repeat('x', 100000); END LOOP; END $$</sql>`))},
		kind: change.KindLimit, where: "model/main.xml:5", changeset: "2", message: "more than 64 MiB of messages",
	},
	{
		name: "too much memory", add: files{"model/main.xml": root(changeSet(`<sql>SELECT repeat('x', 1000000) FROM generate_series(1, 700)</sql>`))},
		kind: change.KindLimit, where: "model/main.xml:5", changeset: "2", message: "Ran out of memory retrieving query results",
	},
	{
		name: "disk full", add: files{"model/main.xml": root(changeSet(`<sql splitStatements="false">DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$</sql>`))},
		kind: change.KindInfrastructure, where: "model/main.xml:5", changeset: "2", state: "53100", message: "no room",
	},
}

func utf16Text(text string) string {
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return wide
}

func bomb() string {
	var b strings.Builder
	b.WriteString("x0: &x0 [1,2,3,4,5,6,7,8,9]\n")
	for _, i := range "12345678" {
		before := string(i - 1)
		b.WriteString("x" + string(i) + ": &x" + string(i) + " [" + strings.Repeat("*x"+before+",", 8) + "*x" + before + "]\n")
	}
	return b.String() + "databaseChangeLog: *x8\n"
}

func TestLiquibaseRefuses(t *testing.T) {
	t.Parallel()
	b := liquibaseBench(t, "4.33.0")
	base := b.base(simple)
	b.warm() // by the launcher the failures are the command line's own
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			_, _, failure := b.candidate(base, simple, simple.with(c.add))
			c.check(t, failure)
		})
	}
}

func (c badCandidate) check(t *testing.T, f *change.Failure) {
	t.Helper()
	if f == nil {
		t.Fatal("no failure")
	}
	if f.Kind != c.kind || f.Where() != c.where || f.Changeset != c.changeset || f.SQLState != c.state || !strings.Contains(f.Message, c.message) {
		t.Errorf("got  %s %s changeset=%q %s: %s (%s)\nwant %s %s changeset=%q %s: …%s…",
			f.Kind, f.Where(), f.Changeset, f.SQLState, f.Message, f.Hint, c.kind, c.where, c.changeset, c.state, c.message)
	}
}
