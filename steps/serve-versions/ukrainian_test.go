package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// allKinds has a difference of every kind, and tables of every kind.
const allKinds = `
CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 0); CREATE SEQUENCE counter;
CREATE FUNCTION answer(x int) RETURNS int LANGUAGE sql AS 'SELECT 42'; CREATE PROCEDURE tidy() LANGUAGE sql AS '';
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int); CREATE EXTENSION hstore SCHEMA public;
CREATE VIEW brief AS SELECT name FROM laboratory; CREATE MATERIALIZED VIEW kept AS SELECT name FROM laboratory;
CREATE TABLE visits (id int, at date NOT NULL DEFAULT now(), during tsrange, CONSTRAINT ck CHECK (id > 0), PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
COMMENT ON TABLE visits IS 'Візити'; COMMENT ON COLUMN visits.id IS 'Номер'; GRANT SELECT ON visits TO PUBLIC; GRANT SELECT (id) ON visits TO PUBLIC;
CREATE TABLE visits_now PARTITION OF visits DEFAULT; CREATE UNLOGGED TABLE rooms (id int UNIQUE, during tsrange, EXCLUDE USING gist (during WITH &&));
CREATE INDEX ix ON visits (at DESC) WHERE id > 1; CREATE TRIGGER touched BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION before_row();
ALTER TABLE laboratory ENABLE ROW LEVEL SECURITY, ADD CONSTRAINT ck_name CHECK (name <> ''), ALTER address DROP NOT NULL, ALTER phone TYPE varchar(20), DROP edrpou;
CREATE POLICY own ON laboratory USING (true); CREATE RULE quiet AS ON DELETE TO laboratory DO INSTEAD NOTHING; CREATE STATISTICS both_of ON name, address FROM laboratory;
ALTER DEFAULT PRIVILEGES IN SCHEMA registry GRANT SELECT ON TABLES TO PUBLIC; GRANT SELECT ON staff TO PUBLIC; REVOKE SELECT ON staff FROM PUBLIC;
COMMENT ON TABLE staff IS 'Інше'; ALTER TABLE koatuu OWNER TO CURRENT_USER; DROP TABLE inspection; CREATE PUBLICATION everything FOR ALL TABLES;
CREATE FUNCTION guard() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER guarded ON ddl_command_end EXECUTE FUNCTION guard();
CREATE FOREIGN DATA WRAPPER empty; CREATE SERVER elsewhere FOREIGN DATA WRAPPER empty; CREATE FOREIGN TABLE away (a int) SERVER elsewhere;
CREATE CAST (mood AS pair) WITH INOUT; CREATE COLLATION sorted (LOCALE = 'C'); CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
COMMENT ON FUNCTION answer(int) IS 'Відповідь'; CREATE FUNCTION long() RETURNS int LANGUAGE sql AS 'SELECT 1 /* x */'; CREATE SCHEMA more;
`

// words are what a person reads or hears of a page: its texts and the
// attributes that are shown or spoken, but for code, pictures of data, and what
// says that it is English.
const shownWords = `(() => {
	const data = "code, svg text, [lang=en], script, style", all = [document.title];
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(data)) all.push(walk.currentNode.data.trim());
	for (const e of document.querySelectorAll("[aria-label], [title], [placeholder], [data-count], [data-label]"))
		if (!e.closest(data)) for (const a of ["aria-label", "title", "placeholder", "data-count", "data-label"]) all.push(e.getAttribute(a) || "");
	return all.filter(text => text); })()`

// ownWords are those that a difference says beside SQL, in English.
var ownWords = regexp.MustCompile(`\b(columns?|lines?|characters|returns|language|nothing|enum|composite|domain|aggregate|procedure|partitioned table|foreign table|tables of|all tables|wrapper|execute|state|method|context|comment|none|provider|privileges|in public)\b`)

var latin = regexp.MustCompile(`[A-Za-z]{2,}`)

// TestUkrainian: in Ukrainian no page shows an English word, wherever it comes
// from, but names that people gave and SQL.
func TestUkrainian(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	kinds := g.push("All kinds")
	g.publish(kinds, allKinds)
	absurd := g.push("Too large")
	g.publish(absurd, "", recordedNothing)
	g.site.Super(t, g.site.Names.Candidate(absurd.Number), "DO $do$ BEGIN EXECUTE format('COMMENT ON TABLE registry.staff IS %L', repeat('ї', 20000000)); END $do$")
	v := &visit{t, lab.Browser(t), g.URL}
	paths := []string{"/", "/master", "/master?q=nothing", "/master/tables/laboratory", "/master/tables/none", "/candidates/9999999", "/candidates/x", "/nowhere"}
	data := []string{"In English", "Gerrit", "API", "UTC", "PK", "FK", "NOT NULL", "PUBLIC", "Storage of samples"} // names, and SQL
	list, _ := read[[]api.VersionInfo](g.served, "/versions/candidates")
	for _, c := range list {
		data = append(data, c.Name, c.Author)
		of := "/candidates/" + c.ID
		paths = append(paths, of, of+"?against=base", of+"/tables", of+"/tables/laboratory")
		tables, _ := read[[]api.TableInfoShort](g.served, "/versions"+of+"/tables")
		for _, table := range tables {
			data = append(data, table.Name)
		}
	}
	for _, table := range []string{"visits", "visits_now", "rooms", "away"} {
		paths = append(paths, fmt.Sprintf("/candidates/%d/tables/%s", kinds.Number, table))
	}
	for _, path := range paths {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		v.open(path + sep + "lang=uk")
		v.ukrainian(path, data)
	}
	if kindsOf := eval[[]string](v, fmt.Sprintf(`fetch("/candidates/%d?against=base&lang=uk").then(r => r.text()).then(text => [...new Set([...new DOMParser().parseFromString(text, "text/html").querySelectorAll(".kind")].map(e => e.textContent))])`, kinds.Number)); len(kindsOf) < 24 {
		t.Errorf("only %d kinds of changes were shown: %q", len(kindsOf), kindsOf)
	}
}

// ukrainian looks for English in the page that is open. Data is what people
// named.
func (v *visit) ukrainian(path string, data []string) {
	v.Helper()
	named := map[string]bool{}
	for _, word := range latin.FindAllString(strings.Join(data, " "), -1) {
		named[word] = true
	}
	texts := eval[[]string](v, shownWords)
	if len(texts) < 8 {
		v.Errorf("%s: only %q", path, texts)
	}
	for _, text := range texts {
		for _, word := range latin.FindAllString(text, -1) {
			if !named[word] {
				v.Errorf("%s: %q in %q", path, word, text)
			}
		}
	}
	for _, code := range eval[[]string](v, `[...document.querySelectorAll("code")].filter(e => !e.closest("[lang=en]")).map(e => e.textContent)`) {
		if found := ownWords.FindString(code); found != "" {
			v.Errorf("%s: %q in %q", path, found, code)
		}
	}
}

func recordedNothing(p *candidate.Provenance) { p.Difference = "" }
