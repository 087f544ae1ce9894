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

	"github.com/patchbay-ci/patchbay/internal/change"
)

// TestWithoutAFile: environments by variables alone, with a password in a file,
// and a ready-made token.
func TestWithoutAFile(t *testing.T) {
	s := newScene(t)
	if err := os.Remove(filepath.Join(s.dir, "asset-sync.yaml")); err != nil {
		t.Fatal(err)
	}
	s.write("password", "sync-secret\n")
	var made struct {
		Result struct{ Key string }
	}
	if err := s.client(s.pair.QA, "admin").Send(t.Context(), http.MethodPost, "/api/v1/security/api_keys/", map[string]any{"name": "sync"}, &made); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PATCHBAY_ASSETS_ENVIRONMENTS=prod-1,qa", "SUPERSET_PROD_1_URL="+s.pair.Prod.URL, "SUPERSET_PROD_1_USERNAME=sync", "SUPERSET_PROD_1_PASSWORD_FILE="+filepath.Join(s.dir, "password"),
		"SUPERSET_PROD_1_PROVIDER=db", "SUPERSET_QA_URL="+s.pair.QA.URL, "SUPERSET_QA_TOKEN="+made.Result.Key)
	if r := s.must(0, "doctor", "--format", "json"); strings.Contains(r.stdout+r.stderr, made.Result.Key) {
		t.Error("the key was shown")
	}
	if r := s.must(2, "plan", "--from", "prod-1", "--to", "qa"); !strings.Contains(r.stderr, "qa has no database for") {
		t.Errorf("%s", r.stderr)
	}
	s.env = append(s.env, `PATCHBAY_ASSETS_SET={databases: {Реєстри: {qa: "Реєстри QA"}}, environments: {qa: {protected: true}}}`)
	if r := s.must(2, "sync", "--from", "prod-1", "--to", "qa", "--yes"); !strings.Contains(r.stderr, "qa is protected") || r.result.Counts["create"] != 21 {
		t.Errorf("%s", r.stderr)
	}
	s.env = append(s.env, "PATCHBAY_ASSETS_FROM=prod-1", "PATCHBAY_ASSETS_DIR=out")
	if r := s.must(0, "export"); r.result.Counts["dashboards"] != 4 {
		t.Errorf("%+v", r.result.Counts)
	}
}

// TestFaultsOfTheFile are told, each by its place.
func TestFaultsOfTheFile(t *testing.T) {
	s := sceneWithoutServers(t)
	for text, want := range map[string]string{
		configFile + "selekt: {}\n":           "field selekt not found",
		configFile + "select: {tag: [x]}\n":   "field tag not found",
		configFile + "owners: keep-them\n":    "owners: keep or map",
		"environments: {prod: {}}\n":          "environments.prod.url is missing",
		"environments: {prod: {url: 'x'}}\n":  "environments.prod.login.username is missing",
		"environments: {prod: {urls: 'x'}}\n": "field urls not found",
		"environments: {prod: {url: 'http://u:p@h/', login: {username: a, password: '${PROD_PASSWORD}'}}, qa: {url: 'http://h', login: {kind: token, token: 'file:gone'}}}\n":     "no such file",
		"environments: {prod: {url: 'http://h', login: {username: a, password: '${PROD_PASSWORD}', provider: saml}}}\n":                                                           "provider: db or ldap",
		"environments: {prod: {url: 'ftp://h', login: {username: a, password: '${PROD_PASSWORD}'}}}\n":                                                                            "url is no http or https address",
		strings.ReplaceAll(configFile, `{qa: "Реєстри QA"}`, `{create: "yes please"}`):                                                                                            "create: true or false",
		strings.ReplaceAll(configFile, `{qa: "Реєстри QA"}`, `{create: "true"}`):                                                                                                  "databases.Реєстри.uri is missing",
		strings.ReplaceAll(configFile, `{qa: "Реєстри QA"}`, `{create: "true", uri: "x://", password: "plain-1"}`):                                                                "a secret does not stand in the file",
		strings.ReplaceAll(configFile, `{qa: "Реєстри QA"}`, `{create: "true", uri: "trino://reader:plain-1@h/x"}`):                                                               "databases.Реєстри.uri: a password does not stand in the file",
		strings.ReplaceAll(configFile, `{qa: "Реєстри QA"}`, `{create: "true", uri: "trino://h/x?a=1&access_token=plain-1"}`):                                                     "a password does not stand in the file",
		"environments: {prod: {url: 'http://h', login: {kind: client-credentials, issuer: i, client: c, secret: plain-1}}}\n":                                                     "a secret does not stand in the file",
		"environments: {prod: {url: 'http://h', login: {kind: pkce, client: c}}}\n":                                                                                               "login.issuer is missing",
		"environments: {prod: &a {url: 'http://h', login: {username: a, password: '${PROD_PASSWORD}'}}, qa: {url: 'http://h', login: {username: a, password: '${NOT_SET_1}'}}}\n": "the variable NOT_SET_1 is not set",
	} {
		s.write("asset-sync.yaml", text)
		r := s.must(2, "export", "--from", "prod")
		if !strings.Contains(r.stderr, want) || strings.Contains(r.stderr+r.stdout, "plain-1") {
			t.Errorf("%s: no %q in\n%s", text, want, r.stderr)
		}
	}
	for want, args := range map[string][]string{
		"line 1: field selekt not found":          {"plan", "--from", "prod", "--to", "qa", "--set", "selekt: {}"},
		"a secret does not stand in the file":     {"plan", "--from", "prod", "--to", "qa", "--set", "environments: {qa: {headers: {Authorization: plain}}}"},
		"--max-delete: want 0 or more":            {"sync", "--from", "prod", "--to", "qa", "--max-delete=-1"},
		"--delete and --since go together":        {"sync", "--from", "prod", "--to", "qa", "--delete"},
		"--from is missing":                       {"sync", "--to", "qa"},
		"--to is missing":                         {"plan", "--from", "prod"},
		"--only: want KIND:NAME":                  {"plan", "--from", "prod", "--to", "qa", "--only", "dashboard"},
		"want one of database, dataset":           {"plan", "--from", "prod", "--to", "qa", "--kinds", "report"},
		"must be one of":                          {"plan", "--from", "prod", "--to", "qa", "--format", "xml"},
		"--ids is missing":                        {"patch", "a.zip", "b.zip"},
		"--out: want a name that ends":            {"ids", "--env", "qa", "--out", "ids.txt"},
		"unknown flag":                            {"sync", "--form", "prod"},
		"--env is missing":                        {"repair"},
		"there is no snapshot of qa":              {"rollback", "--to", "qa"},
		"want a name, not a path":                 {"rollback", "--to", "qa", "../x"},
		"read the configuration":                  {"plan", "--from", "prod", "--to", "qa", "--config", "gone.yaml"},
		"owners: keep or map":                     {"plan", "--from", "prod", "--to", "qa", "--owners", "mine"},
		`there is no environment \"moon\"`:        {"sync", "--from", "prod", "--to", "moon"},
		"missing or of another version":           {"sync", "--from", ".", "--to", "qa"},
		"a directory in a git checkout":           {"diff", ".@HEAD", ".@HEAD~1"},
		"\\\"nowhere\\\" is no place":             {"export", "--from", "nowhere"},
		"no revision":                             {"diff", ".@-x", "prod"},
		"read snapshot:gone: open snapshots/gone": {"diff", "snapshot:gone", "prod"},
		"read gone.zip: open gone.zip: no ":       {"diff", "gone.zip", "prod"},
	} {
		s.write("asset-sync.yaml", configFile)
		r := s.must(2, args...)
		if !strings.Contains(r.stderr, want) {
			t.Errorf("%v: no %q in\n%s", args, want, r.stderr)
		}
		if r.result.Outcome != "" && r.result.Outcome != "refused" { // none: the command line was not understood
			t.Errorf("%v: %s, which is exit status 1", args, r.result.Outcome)
		}
	}
}

// TestPieces of a configuration replace what the file says, at any depth, and
// nothing beside it.
func TestPieces(t *testing.T) {
	t.Parallel()
	const text = "environments: {prod: {url: a, login: {username: u, token: t}, headers: {A: '1'}}}\nsecrets: {allow: [x, y]}\ndatabases: {'2026-01-01': {prod: 0777}}\n"
	for piece, want := range map[string]func(*file) bool{
		"":                      func(f *file) bool { return f.Environments["prod"].URL == "a" },
		"secrets: {allow: [z]}": func(f *file) bool { return slices.Equal(f.Secrets.Allow, []string{"z"}) },
		"environments: {prod: {login: {username: v}, headers: {B: '2'}}}": func(f *file) bool {
			e := f.Environments["prod"]
			return e.Login.Username == "v" && e.Login.Token == "t" && len(e.Headers) == 2 && len(f.Secrets.Allow) == 2
		},
		"environments: {qa: {url: b}}":  func(f *file) bool { return len(f.Environments) == 2 },
		"databases: {'2026-01-01': {}}": func(f *file) bool { return f.Databases["2026-01-01"]["prod"] == "0777" },
	} {
		var f file
		if err := f.decode([]byte(text), []string{piece}); err != nil || !want(&f) {
			t.Errorf("%q: %v, %+v", piece, err, f)
		}
	}
	var f file
	if err := f.decode(nil, nil); err != nil {
		t.Error(err)
	}
}

// sceneWithoutServers is for what is found out before any is asked.
func sceneWithoutServers(t *testing.T) *scene {
	s := &scene{T: t, dir: t.TempDir()}
	s.env = []string{"PROD_URL=http://127.0.0.1:9", "QA_URL=http://127.0.0.1:9", "PROD_PASSWORD=sync-secret", "QA_PASSWORD=sync-secret", "PATCHBAY_CACHE_DIR=" + filepath.Join(s.dir, "cache")}
	return s
}

// TestFormats: stdout holds the result as it is asked for, and nothing else.
func TestFormats(t *testing.T) {
	s := newScene(t)
	var result change.AssetSync
	r := s.must(4, "plan", "--from", "prod", "--to", "qa", "--format", "json", "--exit-code")
	if err := json.Unmarshal([]byte(r.stdout), &result); err != nil || result.Outcome != "done" || result.Counts["create"] != 21 {
		t.Errorf("%v: %s", err, r.stdout)
	}
	if r := s.must(0, "plan", "--from", "prod", "--to", "qa", "--format", "markdown"); !strings.Contains(r.stdout, "| create  | dashboard Мапа |") {
		t.Errorf("%s", r.stdout)
	}
	s.env = append(s.env, "PATCHBAY_ASSETS_FORMAT=json", "PATCHBAY_DRY_RUN=1", "PATCHBAY_ASSETS_EXIT_CODE=1")
	if r := s.must(4, "sync", "--from", "prod", "--to", "qa"); !json.Valid([]byte(r.stdout)) || r.result.Writes != 0 {
		t.Errorf("%s", r.stdout)
	}
}

// TestProgress: a person sees how far it is and how fast; a log has lines.
func TestProgress(t *testing.T) {
	s := newScene(t)
	if text := s.watched(); !strings.Contains(text, "prod: assets read: 21 of 21, ") || !strings.Contains(text, "/s\x1b[K\r") {
		t.Errorf("%q", text)
	}
	if r := s.must(0, "export", "--from", "prod", "--no-cache"); strings.Contains(r.stderr, "\r") || !strings.Contains(r.stderr, `"message":"read"`) {
		t.Errorf("%q", r.stderr)
	}
	for i := range manyMissing - 14 { // of 15 charts and dashboards
		body := map[string]any{"slice_name": fmt.Sprint("Ще ", i), "viz_type": "table", "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table", "params": "{}"}
		if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPost, "/api/v1/chart/", body, nil); err != nil {
			t.Fatal(err)
		}
	}
	if text := s.watched(); !strings.Contains(text, "prod: assets read at once: 0 of 27, ") || !strings.Contains(text, "prod: assets read at once: 27 of 27, ") {
		t.Errorf("%q", text)
	}
}

// watched is what a person at a terminal sees of an export.
func (s *scene) watched() string {
	s.Helper()
	person, program := terminal(s.T)
	p := s.prepare("export", "--from", "prod", "--no-cache")
	p.Stderr = program
	if err := p.Start(); err != nil {
		s.Fatal(err)
	}
	if r := p.wait(); r.status != 0 {
		s.Fatalf("exit status %d", r.status)
	}
	shown := make([]byte, 1<<16)
	n, err := person.Read(shown)
	if err != nil {
		s.Fatal(err)
	}
	return string(shown[:n])
}
