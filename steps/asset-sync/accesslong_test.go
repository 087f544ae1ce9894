//go:build long

package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestNotAdministrator: an account that is none overwrites nothing of others,
// and what it made itself.
func TestNotAdministrator(t *testing.T) {
	s := newScene(t)
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	before := s.rows(s.pair.QA, assets.Chart)["За областями"].ChangedOn
	s.env = append(s.env, "ALPHA_PASSWORD=alpha-secret")
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `username: sync, password: "${QA_PASSWORD}"`, `username: alpha, password: "${ALPHA_PASSWORD}"`))
	if r := s.must(0, "doctor", "--env", "qa"); !strings.Contains(r.stdout, "rights: all that is its own") {
		t.Errorf("%s", r.stdout)
	}
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", s.seeded.Charts["pie"]), map[string]any{"description": "нове"})
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes", "--overwrite-conflicts")
	for _, want := range []string{"it belongs to others, and the account is no administrator", "user doesn't have permissions to overwrite it"} { // of drafts, which it does not see
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if s.rows(s.pair.QA, assets.Chart)["За областями"].ChangedOn != before {
		t.Error("a chart of others was written")
	}
	body := map[string]any{"slice_name": "Нова", "viz_type": "table", "datasource_id": s.seeded.Datasets["sample"], "datasource_type": "table", "params": "{}"}
	id := s.rest(s.pair.Prod, http.MethodPost, "chart/", body)
	only := []string{"sync", "--from", "prod", "--to", "qa", "--yes", "--title", "Нова*"}
	if r := s.must(0, only...); r.result.Counts["create"] != 1 {
		t.Errorf("%s", r.stdout)
	}
	s.rest(s.pair.Prod, http.MethodPut, fmt.Sprintf("chart/%d", id), map[string]any{"description": "нове"})
	if r := s.must(0, only...); r.result.Counts["update"] != 1 {
		t.Errorf("%s", r.stdout)
	}
}

// TestAccountThatSeesNothing: lists come empty instead of being refused.
func TestAccountThatSeesNothing(t *testing.T) {
	s := newScene(t)
	s.env = append(s.env, "GAMMA_PASSWORD=gamma-secret")
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `username: sync, password: "${PROD_PASSWORD}"`, `username: gamma, password: "${GAMMA_PASSWORD}"`))
	if r := s.must(0, "doctor", "--env", "prod"); !strings.Contains(r.stdout, `warn  prod: the account "gamma" may read at most: it lacks`) {
		t.Errorf("%s", r.stdout)
	}
	if r := s.must(2, "sync", "--from", "prod", "--to", "qa", "--yes"); !strings.Contains(r.stderr, "nothing in prod is selected") {
		t.Errorf("%s", r.stderr)
	}
}

// TestTooLargeForTheServer: a batch that it refuses for its size goes in parts.
func TestTooLargeForTheServer(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/chart/import/", Status: 413, Header: asJSON, Body: `{"errors":[{"message":"413 Request Entity Too Large"}]}`, Times: 1})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	s.settled()
}

// TestHTTPS: there a server wants to know from which page a write comes.
func TestHTTPS(t *testing.T) {
	s := newScene(t)
	to, err := url.Parse(s.pair.QA.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.SetXForwarded() }})
	t.Cleanup(server.Close)
	s.write("root.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	s.env = append(s.env, "QA_URL="+server.URL, "SSL_CERT_FILE="+filepath.Join(s.dir, "root.pem"))
	s.settled()
	if said := s.withoutReferer(server, s.token(s.pair.QA)); !strings.Contains(said, "referrer header is missing") {
		t.Errorf("the server does not look at it, so this test shows nothing: %s", said)
	}
}

// withoutReferer is what the server says to a write that has all else.
func (s *scene) withoutReferer(server *httptest.Server, token string) string {
	s.Helper()
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	send := func(method, path, csrf string) string {
		r, err := http.NewRequestWithContext(s.Context(), method, server.URL+path, strings.NewReader(`{"name":"x"}`))
		if err != nil {
			s.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
		r.Header.Set("X-CSRFToken", csrf)
		answer, err := client.Do(r)
		if err != nil {
			s.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	var csrf struct{ Result string }
	if err := json.Unmarshal([]byte(send(http.MethodGet, "/api/v1/security/csrf_token/", "")), &csrf); err != nil {
		s.Fatal(err)
	}
	return send(http.MethodPost, "/api/v1/annotation_layer/", csrf.Result)
}

// TestExportsPastCaches: exports are asked for past every cache.
func TestExportsPastCaches(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.Prod.URL)
	s.env = append(s.env, "PROD_URL="+proxy.URL)
	for range 2 {
		s.must(0, "export", "--from", "prod", "--no-cache")
	}
	seen := map[string]bool{}
	for _, request := range proxy.Requests() {
		if strings.Contains(request, "/export/") && seen[request] {
			t.Errorf("asked twice: %s", request)
		}
		seen[request] = true
	}
	if proxy.Count("GET", "/export/") < 4 {
		t.Errorf("%v", proxy.Requests())
	}
}

// TestDoctorWarns of a warehouse that does not answer, of a clock that is off,
// and says how long pages are.
func TestDoctorWarns(t *testing.T) {
	s := newScene(t)
	s.env = append(s.env, "WAREHOUSE_PASSWORD=new-secret-1")
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `Реєстри: {qa: "Реєстри QA"}`, `Реєстри: {create: true, uri: "postgresql://reader:XXXXXXXXXX@127.0.0.1:9/registry", password: "${WAREHOUSE_PASSWORD}"}`))
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	r := s.must(0, "doctor", "--env", "qa")
	for _, want := range []string{`warn  qa: database "Реєстри" does not answer`, "4 databases, 8 datasets, 23 charts, 7 dashboards; each in one page"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if r := s.must(0, "doctor", "--env", "qa", "--no-warehouses"); strings.Contains(r.stdout, "does not answer") {
		t.Errorf("%s", r.stdout)
	}
	to, err := url.Parse(s.pair.QA.URL)
	if err != nil {
		t.Fatal(err)
	}
	token := s.token(s.pair.QA)
	proxy := lab.NewFaultProxy(t, lab.NewRewriter(t, to, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }))
	claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iat":%d,"sub":"2"}`, time.Now().Add(-time.Hour).Unix()))
	proxy.Add(lab.Fault{Path: "/api/v1/security/login", Header: asJSON, Body: `{"access_token":"x.` + claims + `.y"}`})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	if r := s.must(0, "doctor", "--env", "qa", "--no-warehouses"); !strings.Contains(r.stdout, "warn  qa: its clock is 1h0m0s off") && !strings.Contains(r.stdout, "warn  qa: its clock is 1h0m1s off") {
		t.Errorf("%s", r.stdout)
	}
}
