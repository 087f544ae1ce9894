package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestDifference: against the base what the candidate itself did, against
// master also what master has that it has not; roles and rights of the two
// servers are no difference.
func TestDifference(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "ALTER TABLE laboratory ALTER phone TYPE varchar(20); CREATE TABLE courier (id int); COMMENT ON TABLE nokey IS 'Без ключа'")
	s.site.Super(t, s.master, fmt.Sprintf(`CREATE TABLE registry.newer (id int); GRANT SELECT ON registry.laboratory TO PUBLIC;
		ALTER TABLE registry.subject OWNER TO postgres; ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO %s`, pg.Ident(s.site.ReaderRole)))
	v := s.serve()
	path := fmt.Sprintf("/versions/candidates/%d/diff", p.Number)
	lines := func(d api.Difference) (all []string) {
		for _, c := range d.Changes {
			all = append(all, c.Action+" "+c.Object+" "+c.Name+" "+c.Before+" → "+c.After+" "+c.Hazard)
		}
		return all
	}
	own := []string{
		"change column registry.laboratory.phone character varying(50) → character varying(20) narrowed",
		"add comment registry.nokey  → Без ключа ",
		"add table registry.courier  → 1 column ",
	}
	base, header := read[api.Difference](v, path+"?against=base")
	if diff := cmp.Diff(own, lines(base)); diff != "" || base.Against != "base" || base.FormatVersion != 1 || header.Get(api.HeaderRevision) != p.Revision {
		t.Error(diff, base.Against, header)
	}
	want := []string{own[0], "drop table registry.newer 1 column →  its rows are lost", own[1], own[2]}
	for _, query := range []string{"", "?against=master"} {
		live, _ := read[api.Difference](v, path+query)
		if diff := cmp.Diff(want, sortedLike(want, lines(live))); diff != "" || live.Against != "master" {
			t.Error(diff, live.Against)
		}
	}
}

// sortedLike puts what both have into the order of the first: the order of a
// difference is the library's own and tested there.
func sortedLike(order, lines []string) (sorted []string) {
	left := map[string]bool{}
	for _, line := range lines {
		left[line] = true
	}
	for _, line := range order {
		if left[line] {
			sorted = append(sorted, line)
			delete(left, line)
		}
	}
	for line := range left {
		sorted = append(sorted, line)
	}
	return sorted
}

// TestSnapshot is schema.json as apply-changelog writes it: of all schemas,
// without the engines' tables.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "CREATE TABLE courier (id int)")
	v := s.serve()
	a := v.get(fmt.Sprintf("/versions/candidates/%d/snapshot", p.Number))
	conn, err := s.server.Catalog(t.Context(), s.site.Names.Candidate(p.Number))
	s.must(err)
	defer conn.Close(t.Context())
	want, err := schema.Read(t.Context(), conn, schema.Options{Hide: []string{"databasechangelog", "databasechangeloglock"}})
	s.must(err)
	var got schema.Snapshot
	s.must(json.Unmarshal([]byte(a.body), &got))
	if got.Digest() != want.Digest() || a.header.Get("ETag") != `W/"`+want.Digest()+`"` {
		t.Errorf("digest %s (%s), want %s", got.Digest(), a.header.Get("ETag"), want.Digest())
	}
}

// TestTwoSchemas: where two schemas have a table of one name, both are called
// by schema and name; what is set is shown and nothing else.
func TestTwoSchemas(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.site.Super(t, s.master, "ALTER TABLE archive.laboratory ADD of uuid CONSTRAINT fk_of REFERENCES registry.laboratory")
	v := s.serve("PATCHBAY_SCHEMAS=registry,archive", "PATCHBAY_HIDE_TABLE_PREFIXES=no,", "PATCHBAY_SUBJECT_TABLE=registry.laboratory")
	tables, _ := read[[]api.TableInfoShort](v, "/versions/master/tables")
	if diff := cmp.Diff([]string{"archive.laboratory", "ddm_settings", "ddmark", "registry.laboratory", "subject", "test_result"}, names(tables)); diff != "" {
		t.Error(diff)
	}
	if !tables[0].ObjectReference || tables[3].ObjectReference || !tables[5].ObjectReference {
		t.Errorf("got %+v", tables)
	}
	table, _ := read[api.TableInfo](v, "/versions/master/tables/archive.laboratory")
	if table.ForeignKeys[0].TargetTable != "registry.laboratory" || table.Schema != "archive" {
		t.Errorf("got %+v", table)
	}
	s.site.Super(t, s.master, "ALTER TABLE registry.ddmark ADD of uuid CONSTRAINT fk_of REFERENCES registry.laboratory")
	table, _ = read[api.TableInfo](v, "/versions/master/tables/registry.laboratory")
	want := api.ByName[api.ReferencedBy]{{Name: "archive.laboratory.fk_of", Table: "archive.laboratory"}, {Name: "ddmark.fk_of", Table: "ddmark"}, {Name: "fk_result_laboratory", Table: "test_result"}}
	if diff := cmp.Diff(want, table.ReferencedBy); diff != "" {
		t.Errorf("equal names of foreign keys: %s", diff)
	}
	v.wantErrors(errorRow{"/versions/master/tables/laboratory", 404, api.CodeTableNotFound, false, ""})
	only := s.serve("PATCHBAY_SCHEMAS=archive")
	if tables, _ := read[[]api.TableInfoShort](only, "/versions/master/tables"); len(tables) != 1 || tables[0].Name != "laboratory" {
		t.Errorf("got %+v", tables)
	}
}
