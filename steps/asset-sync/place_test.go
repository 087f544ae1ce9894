package main

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// exported writes an export of all of a site, as a ZIP and unpacked.
func (s *scene) exported(site *lab.SupersetSite, name string) {
	s.Helper()
	bundle, err := s.client(site, "admin").ExportAll(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	s.write(name+".zip", string(bundle))
	members, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		s.Fatal(err)
	}
	for _, f := range members.File {
		in, err := f.Open()
		if err != nil {
			s.Fatal(err)
		}
		text, err := io.ReadAll(in)
		_, path, _ := strings.Cut(f.Name, "/")
		if err != nil || os.MkdirAll(filepath.Dir(filepath.Join(s.dir, name, path)), 0o700) != nil {
			s.Fatal(err)
		}
		s.write(filepath.Join(name, path), string(text))
	}
}

// TestSyncFromAnExport: a ZIP and an unpacked one are places like others; their
// databases are those of the environment that they came from.
func TestSyncFromAnExport(t *testing.T) {
	s := newScene(t)
	s.exported(s.pair.Prod, "prod-export")
	if r := s.must(0, "sync", "--from", "prod-export.zip", "--to", "qa", "--yes"); r.result.Counts["create"] != 21 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	if r := s.must(0, "plan", "--from", "./prod-export", "--to", "qa", "--exit-code"); r.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	if params := s.params(s.pair.QA, "Зразки за місяцями"); !strings.Contains(params, `"value": "? 1"`) {
		t.Errorf("an annotation layer of prod's numbers: %s", params)
	}
	if r := s.must(4, "plan", "--from", "prod", "--to", "qa", "--exit-code"); r.result.Counts["unchanged"] != 20 || !strings.Contains(r.stdout, "parameter annotation_layers changed") { // which no export names
		t.Errorf("%+v\n%s", r.result.Counts, r.stdout)
	}
	s.exported(s.pair.QA, "qa-export")
	if r := s.must(0, "diff", "qa-export.zip", "qa", "--exit-code"); r.result.Outcome != "nothing-to-do" {
		t.Errorf("%s", r.stdout)
	}
	if r := s.must(0, "diff", "qa-export", "prod", "--exit-code", "--only", "dashboard:map"); r.result.Outcome != "nothing-to-do" {
		t.Errorf("%s", r.stdout)
	}
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, "databases:", "databases:\n  Реєстри QA: {qa: \"Реєстри\"}"))
	if r := s.must(2, "plan", "--from", "qa-export.zip", "--to", "prod"); !strings.Contains(r.stderr, `may be any of \"Реєстри\", \"Реєстри QA\"`) {
		t.Errorf("%s", r.stderr)
	}
	row := s.rows(s.pair.QA, assets.Database)["Реєстри QA"]
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, "databases:\n  Реєстри: {qa: \"Реєстри QA\"}", "databases:\n  Реєстри QA: {qa: \"Реєстри\"}\n  Реєстри: {qa: "+row.UUID+"}"))
	s.must(0, "plan", "--from", "qa-export.zip", "--to", "prod", "--only", "dashboard:map")
}

// TestDatabaseByUUID: environments that were copied have databases of one UUID,
// whatever they are called.
func TestDatabaseByUUID(t *testing.T) {
	s := newScene(t)
	const uuid = "61111111-2222-4333-8444-555555555555"
	made := func(site *lab.SupersetSite, path string, body map[string]any) int {
		var answer struct{ ID int }
		if err := s.client(site, "admin").Send(t.Context(), http.MethodPost, path, body, &answer); err != nil {
			t.Fatal(err)
		}
		return answer.ID
	}
	for site, name := range map[*lab.SupersetSite]string{s.pair.Prod: "Спільна", s.pair.QA: "Спільна QA"} {
		id := made(site, "/api/v1/database/", map[string]any{"database_name": name, "uuid": uuid, "sqlalchemy_uri": "sqlite:///" + site.Home + "/warehouse.db?shared=1"})
		if site == s.pair.Prod {
			made(site, "/api/v1/dataset/", map[string]any{"database": id, "table_name": "спільний", "sql": "SELECT 1 AS a"})
		}
	}
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if !strings.Contains(r.stdout, `database "Спільна" is taken for "Спільна QA" of qa, which has its UUID`) {
		t.Errorf("%s", r.stdout)
	}
	if want, got := s.rows(s.pair.QA, assets.Database)["Спільна QA"].ID, s.rows(s.pair.QA, assets.Dataset)["спільний"].DatabaseID; got != want {
		t.Errorf("the dataset stands on database %d, want %d", got, want)
	}
	s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code")
	s.must(0, "rollback", "--to", "qa", "--yes")
}
