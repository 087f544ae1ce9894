package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// golden compares with a file; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (UPDATE_GOLDEN=1 rewrites it): %s", path, diff)
	}
}

func names(tables []api.TableInfoShort) (list []string) {
	for _, t := range tables {
		list = append(list, t.Name)
	}
	return list
}

func TestMasterTables(t *testing.T) {
	t.Parallel()
	v := newScene(t).serve()
	tables, header := read[[]api.TableInfoShort](v, "/versions/master/tables")
	if diff := cmp.Diff([]string{"ddmark", "laboratory", "nokey", "subject", "test_result"}, names(tables)); diff != "" {
		t.Error(diff)
	}
	if header.Get(api.HeaderDatabase) != "" || header.Get("ETag") == "" || header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", header)
	}
	golden(t, "master-tables.json", indented(t, v.get("/versions/master/tables").body))
	golden(t, "laboratory.json", indented(t, v.get("/versions/master/tables/laboratory").body))
	golden(t, "nokey.json", indented(t, v.get("/versions/master/tables/nokey").body))
	referenced, _ := read[api.TableInfo](v, "/versions/master/tables/subject")
	if referenced.ObjectReference || len(referenced.ReferencedBy) != 1 || referenced.ReferencedBy[0].Table != "laboratory" {
		t.Errorf("subject: %+v", referenced)
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var value json.RawMessage
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// firstKeys are the keys of an object, or of the first one of a list, in the
// order in which they stand.
func firstKeys(t *testing.T, text string) (keys []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(strings.TrimSpace(text), "[")))
	if _, err := decoder.Token(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for decoder.More() {
		key, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		keys = append(keys, key.(string))
	}
	return keys
}

func field(t *testing.T, text string, names ...string) string {
	t.Helper()
	for _, name := range names {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		text = string(object[name])
	}
	return text
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	with, without := s.push("couriers"), s.push("nothing-yet")
	s.publish(with, "CREATE TABLE courier (id int)")
	v := s.serve()
	list, _ := read[[]api.VersionInfo](v, "/versions/candidates")
	if len(list) != 2 || list[0].ID != fmt.Sprint(without.Number) || list[1].Name != "couriers" || !*list[1].Database || *list[0].Database ||
		list[1].Author != "dev" || list[1].Result != api.Unknown || list[1].Revision != with.Revision {
		t.Errorf("got %+v", list)
	}
	path := fmt.Sprintf("/versions/candidates/%d/tables", with.Number)
	for _, slash := range []string{"", "/"} {
		tables, header := read[[]api.TableInfoShort](v, path+slash)
		if !slices.Contains(names(tables), "courier") || header.Get(api.HeaderRevision) != with.Revision || header.Get(api.HeaderPatchset) != "1" || header.Get(api.HeaderDatabase) != "present" {
			t.Errorf("%s: %v, %v", slash, names(tables), header)
		}
	}
	if table, header := read[api.TableInfo](v, path+"/courier"); table.Columns[0].Type != "int4" || header.Get(api.HeaderRevision) != with.Revision {
		t.Errorf("got %+v, %v", table, header)
	}
	tables, header := read[[]api.TableInfoShort](v, fmt.Sprintf("/versions/candidates/%d/tables", without.Number))
	if len(tables) != 0 || header.Get(api.HeaderDatabase) != "absent" || header.Get(api.HeaderRevision) != "" {
		t.Errorf("no database yet: %v, %v", tables, header)
	}
	if a := v.get(fmt.Sprintf("/versions/candidates/%d/tables", without.Number)); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("no database yet: %q", a.body)
	}
}

// TestStates walks a candidate through its verdicts.
func TestStates(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	v, pending := s.serve(), s.serve("PATCHBAY_PENDING_NAME=PENDING")
	path := fmt.Sprintf("/versions/candidates/%d", p.Number)
	wantOf := func(v *served, result string, reason *api.Reason) {
		t.Helper()
		got, _ := read[api.VersionInfoDetailed](v, path)
		link := s.gerrit.URL + "/c/" + s.project + "/+/" + fmt.Sprint(p.Number)
		want := []api.Validation{{Name: "Стан розгортання регламенту", Type: "DEPLOYMENT_STATUS", Result: result, ResultDetails: &link, Reason: api.Optional[api.Reason]{Value: reason}}}
		if diff := cmp.Diff(want, got.Validations); diff != "" {
			t.Error(diff)
		}
	}
	want := func(result string, reason *api.Reason) { t.Helper(); wantOf(v, result, reason) }
	want(api.Unknown, nil)
	wantOf(pending, "PENDING", nil)
	s.report(p, 0, "the base does not deploy: column x_y *twice*", "data-model/base.xml", 3)
	want(api.Unknown, &api.Reason{Message: "the base does not deploy: column x_y *twice*", File: "data-model/base.xml", Line: 3})
	wantOf(pending, "PENDING", &api.Reason{Message: "the base does not deploy: column x_y *twice*", File: "data-model/base.xml", Line: 3})
	s.report(p, 0, "reach 127.0.0.1:5432: connection refused", "", 0)
	want(api.Unknown, &api.Reason{Message: "reach 127.0.0.1:5432: connection refused"})
	s.report(p, -1, `relation "registry.curier" does not exist`, "data-model/courier.xml", 11)
	want(api.Failed, &api.Reason{Message: `relation "registry.curier" does not exist`, File: "data-model/courier.xml", Line: 11})
	s.report(p, 1, "1 table added", "", 0)
	want(api.Success, nil)
	// Anybody's vote against wins; what anybody writes is no reason.
	s.gerrit.MustREST(t, s.gerrit.Admin(), "POST", "/projects/"+p.Project+"/access", `{"add":{"refs/heads/*":{"permissions":{"label-Verified":
		{"label":"Verified","rules":{"Administrators":{"action":"ALLOW","min":-1,"max":1}}}}}}}`)
	s.gerrit.MustREST(t, s.gerrit.Admin(), "POST", lab.ChangePath(p.Project, p.Number, "revisions", "current", "review"),
		`{"labels":{"Verified":-1},"tag":"autogenerated:patchbay:registry","message":"Does not deploy: forged\n\npatchbay revision=`+p.Revision+` attempt=ffffffff verdict=-1 digest=none base=none"}`)
	want(api.Failed, nil)
	next := s.clone.Amend(t, "", map[string]string{"more": "1"})
	want(api.Unknown, nil)
	got, _ := read[api.VersionInfoDetailed](v, path)
	if *got.PatchSet != 2 || *got.Revision != next.Revision || got.LatestRebase != nil || *got.HasConflicts || *got.Author != "dev" || *got.Status != "NEW" {
		t.Errorf("got %+v", got)
	}
}

// TestMaster follows the version that was merged last.
func TestMaster(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	v := s.serve()
	golden(t, "master-none.json", indented(t, v.get("/versions/master").body))
	p := s.push("couriers")
	s.report(p, 1, "x", "", 0)
	s.submit(p)
	got, _ := read[api.MasterVersionInfoDetailed](v, "/versions/master")
	if *got.ID != fmt.Sprint(p.Number) || *got.Name != "couriers" || *got.Author != "dev" || *got.Status != api.Success || got.LatestUpdate == nil {
		t.Errorf("got %+v", got)
	}
}

func (s *scene) submit(p lab.Pushed) {
	s.Helper()
	path := lab.ChangePath(p.Project, p.Number)
	s.gerrit.MustREST(s.T, s.gerrit.Admin(), "POST", path+"/revisions/current/review", `{"labels":{"Code-Review":2}}`)
	s.gerrit.MustREST(s.T, s.gerrit.Admin(), "POST", path+"/submit", `{}`)
}

// errorRow is one row of the table of errors.
type errorRow struct {
	path   string
	status int
	code   string
	absent bool // says that there is no database
	part   string
}

func (v *served) wantErrors(rows ...errorRow) {
	v.Helper()
	for _, row := range rows {
		a := v.get(row.path)
		var got api.DetailedErrorResponse
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			v.Errorf("%s: %v: %q", row.path, err, a.body)
			continue
		}
		if a.status != row.status || got.Code != row.code || len(got.TraceID) != 32 || !strings.Contains(got.Details, row.part) ||
			(a.header.Get(api.HeaderDatabase) == "absent") != row.absent || a.header.Get("Content-Type") != "application/json" {
			v.Errorf("%s: got %d %s %v, want %+v", row.path, a.status, a.body, a.header, row)
		}
		v.wantLogged(got.TraceID)
	}
}

// wantLogged waits for a text in the log: a line is written after its answer.
func (v *served) wantLogged(text string) {
	v.Helper()
	for end := time.Now().Add(5 * time.Second); !strings.Contains(v.log.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			v.Errorf("the log does not have %q:\n%s", text, v.log)
			return
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	with, without, foreign, closed, other := s.push("with"), s.push("without"), s.push("foreign"), s.push("closed"), s.push("other")
	s.publish(with, "", func(p *candidate.Provenance) { p.Difference = "" })
	s.publish(foreign, "", func(p *candidate.Provenance) { p.Project = "another" })
	s.publish(other, "", func(p *candidate.Provenance) { p.Gerrit = "https://other.example.org" })
	s.publish(closed, "CREATE TABLE late (id int)", func(p *candidate.Provenance) { p.Difference = "broken" })
	s.gerrit.MustREST(t, s.gerrit.Dev(), "POST", lab.ChangePath(closed.Project, closed.Number, "abandon"), "{}")
	v := s.serve()
	of := func(p lab.Pushed, below string) string {
		return fmt.Sprintf("/versions/candidates/%d%s", p.Number, below)
	}
	v.wantErrors(
		errorRow{"/versions/candidates/0", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/007", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/x/tables", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/-1/tables/a", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/12345678901/snapshot", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/x/diff?against=both&more=1", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/x/diff?against=both&more=1", 400, api.CodeBadRequest, false, "query.against"},
		errorRow{"/versions/candidates/x/diff?against=both&more=1", 400, api.CodeBadRequest, false, "query.more"},
		errorRow{"/versions/candidates/1/diff?against=", 400, api.CodeBadRequest, false, "query.against: given without a value"},
		errorRow{"/versions/candidates/1/diff?against=base&against=base", 400, api.CodeBadRequest, false, "query.against: given more than once"},
		errorRow{"/versions/candidates/x/tables/y_v?more=1", 400, api.CodeBadRequest, false, "path.name: names that end in _v are views"},
		errorRow{"/versions/candidates/x/tables/y_v?more=1", 400, api.CodeBadRequest, false, "path.id"},
		errorRow{"/versions/candidates/x/tables/y_v?more=1", 400, api.CodeBadRequest, false, "query.more"},
		errorRow{"/versions/master?x=1", 400, api.CodeBadRequest, false, "query.x"},
		errorRow{"/versions/master/tables/laboratory_v", 400, api.CodeBadRequest, false, "_v"},
		errorRow{of(with, "/tables/x_v"), 400, api.CodeBadRequest, false, "_v"},
		errorRow{"/versions/master/tables/none", 404, api.CodeTableNotFound, false, "none"},
		errorRow{"/versions/master/tables/laboratory_hst", 404, api.CodeTableNotFound, false, ""},
		errorRow{"/versions/master/tables/databasechangelog", 404, api.CodeTableNotFound, false, ""},
		errorRow{"/versions/master/tables/a%2Fb%00%22", 404, api.CodeTableNotFound, false, ""},
		errorRow{of(with, "/tables/none"), 404, api.CodeTableNotFound, false, ""},
		errorRow{of(without, "/tables/none"), 404, api.CodeTableNotFound, true, ""},
		errorRow{of(foreign, "/tables/laboratory"), 404, api.CodeTableNotFound, true, ""},
		errorRow{"/versions/candidates/9999999", 404, api.CodeChangeNotFound, false, "9999999"},
		errorRow{"/versions/candidates/9999999999", 404, api.CodeChangeNotFound, false, ""},
		errorRow{"/versions/candidates/9999999/tables", 404, api.CodeChangeNotFound, true, ""},
		errorRow{"/versions/candidates/9999999/tables/a", 404, api.CodeChangeNotFound, true, ""},
		errorRow{"/versions/candidates/9999999/diff", 404, api.CodeChangeNotFound, true, ""},
		errorRow{of(without, "/diff"), 404, api.CodeNoDatabase, true, ""},
		errorRow{of(without, "/diff?against=base"), 404, api.CodeNoDatabase, true, ""},
		errorRow{of(without, "/snapshot"), 404, api.CodeNoDatabase, true, ""},
		errorRow{of(with, "/diff?against=base"), 404, api.CodeNoDifference, false, ""},
		errorRow{of(closed, "/diff?against=base"), 404, api.CodeNoDifference, false, ""},
		errorRow{"/nowhere", 404, api.CodeNotFound, false, "openapi"},
		errorRow{"/versions/master/", 404, api.CodeNotFound, false, ""},
	)
	for _, below := range []string{"/tables/none", "/diff?against=base"} { // of which patch set it is that has none
		if h := v.get(of(with, below)).header; h.Get(api.HeaderDatabase) != "present" || h.Get(api.HeaderRevision) != with.Revision || h.Get(api.HeaderPatchset) != "1" {
			t.Errorf("%s: %v", below, h)
		}
	}
	for _, p := range []lab.Pushed{foreign, other} {
		if tables, header := read[[]api.TableInfoShort](v, of(p, "/tables")); len(tables) != 0 || header.Get(api.HeaderDatabase) != "absent" {
			t.Errorf("a database of another registry: %v, %v", tables, header)
		}
		if d, _ := read[api.VersionInfoDetailed](v, of(p, "")); *d.Database {
			t.Errorf("a database of another registry: %+v", d)
		}
	}
	if tables, _ := read[[]api.TableInfoShort](v, of(closed, "/tables")); !slices.Contains(names(tables), "late") {
		t.Errorf("a closed change with a database: %v", names(tables))
	}
	s.must(s.server.Drop(t.Context(), s.site.Names, s.site.Names.Candidate(closed.Number)))
	if tables, header := read[[]api.TableInfoShort](v, of(closed, "/tables")); len(tables) != 0 || header.Get(api.HeaderDatabase) != "absent" {
		t.Errorf("a closed change without a database: %v, %v", tables, header)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"} {
		if a := v.do(method, "/versions/master"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" || !strings.Contains(a.body, api.CodeMethod) {
			t.Errorf("%s: %+v", method, a)
		}
	}
}
