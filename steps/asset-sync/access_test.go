package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// gate stands before a Superset as a company's proxy does: who does not bring
// its header and its cookie sees a page to log in at.
func (s *scene) gate(to string, change func(*http.Request)) (address string, passed *atomic.Int64) {
	s.Helper()
	u, err := url.Parse(to)
	if err != nil {
		s.Fatal(err)
	}
	passed = &atomic.Int64{}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("gate")
		if r.Header.Get("X-Proxy-Token") != "header-secret-1" || err != nil || cookie.Value != "cookie-secret-1" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>log in first</html>")
			return
		}
		passed.Add(1)
		change(r)
		forward.ServeHTTP(w, r)
	}))
	s.Cleanup(server.Close)
	return server.URL, passed
}

// TestBehindAProxy: headers and cookies of an environment are on every request;
// without them it is said that a page answers. The login names the provider
// that the server has.
func TestBehindAProxy(t *testing.T) {
	s := newScene(t)
	var providers atomic.Int64
	address, passed := s.gate(s.pair.QA.URL, func(r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/security/login") {
			return
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if bytes.Contains(text, []byte(`"provider":"ldap"`)) {
			providers.Add(1)
			text = bytes.Replace(text, []byte(`"provider":"ldap"`), []byte(`"provider":"db"`), 1) // what this server has
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	})
	s.env = append(s.env, "QA_URL="+address)
	if r := s.must(2, "plan", "--from", "prod", "--to", "qa"); !strings.Contains(r.stderr, "what answers is not Superset's API") || !strings.Contains(r.stderr, "a proxy or single sign-on page") {
		t.Errorf("%s", r.stderr)
	}
	s.env = append(s.env, "HEADER=header-secret-1", "COOKIE=cookie-secret-1")
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `password: "${QA_PASSWORD}"}}`, `password: "${QA_PASSWORD}", provider: ldap}, headers: {X-Proxy-Token: "${HEADER}"}, cookies: {gate: "${COOKIE}"}}`))
	r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes", "--log-level", "debug")
	if r.result.Outcome != "synced" || passed.Load() < 20 || providers.Load() != 1 {
		t.Errorf("%s, %d requests, %d logins as ldap", r.result.Outcome, passed.Load(), providers.Load())
	}
	if strings.Contains(r.stdout+r.stderr, "-secret-1") {
		t.Error("a secret was shown")
	}
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `password: "${QA_PASSWORD}"}}`, `password: "${QA_PASSWORD}"}, headers: {X-Proxy-Token: plain-1}, cookies: {gate: plain-2}}`))
	if r := s.must(2, "plan", "--from", "prod", "--to", "qa"); strings.Count(r.stderr, "a secret does not stand in the file") != 2 || strings.Contains(r.stderr, "plain-") {
		t.Errorf("%s", r.stderr)
	}
}

// TestSecretsStopAnExport before anything is written, naming file and key and
// never the value.
func TestSecretsStopAnExport(t *testing.T) {
	s := newScene(t)
	row := s.rows(s.pair.Prod, assets.Chart)["За областями"]
	body := map[string]any{"params": `{"viz_type": "pie", "datasource": "4__table", "mapbox": {"api_key": "pk-hunter-22"}}`}
	if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", row.ID), body, nil); err != nil {
		t.Fatal(err)
	}
	place := fmt.Sprintf("charts/за-областями__%s.yaml: params.mapbox.api_key", row.UUID[:8])
	r := s.must(2, "export", "--from", "prod")
	if r.result.Outcome != "refused" || !strings.Contains(r.result.Failure.Message, place) || !strings.Contains(r.stderr, "secrets.allow") {
		t.Errorf("%s: no %q in\n%s", r.result.Outcome, place, r.stderr)
	}
	if strings.Contains(r.stdout+r.stderr, "hunter") || exists(s.dir+"/assets") {
		t.Errorf("the secret was shown, or something was written:\n%s%s", r.stdout, r.stderr)
	}
	for _, allowed := range []string{"params.mapbox.api_key", place, row.UUID + ": params.mapbox.api_key"} {
		s.write("asset-sync.yaml", configFile+fmt.Sprintf("secrets: {allow: [%q]}\n", allowed))
		s.must(0, "export", "--from", "prod")
	}
	s.write("asset-sync.yaml", configFile+"secrets: {allow: [\"params.mapbox\"]}\n")
	s.must(2, "export", "--from", "prod")
}

// TestAccountNotTold: where nobody says who the account is, everybody's edit is
// a conflict, until the configuration says it; a server that only fails to
// answer ends the run.
func TestAccountNotTold(t *testing.T) {
	s := syncedScene(t)
	s.describe(s.pair.Prod, "За областями", "нове")
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/me/", Status: 500, Header: asJSON, Body: `{"message":"Fatal error"}`, Times: 1})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	sync := []string{"sync", "--from", "prod", "--to", "qa", "--yes"}
	if r := s.must(1, sync...); r.result.Outcome != "failed" || r.result.Writes != 0 || !strings.Contains(r.stderr, "ask who the account is") {
		t.Errorf("%s\n%s", r.result.Outcome, r.stderr)
	}
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/me/", Status: 401, Header: asJSON, Body: `{"msg":"Missing Authorization Header"}`})
	s.env = append(s.env, "QA_TOKEN="+s.token(s.pair.QA))
	s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `username: sync, password: "${QA_PASSWORD}"`, `kind: token, token: "${QA_TOKEN}"`))
	if r := s.must(1, sync...); r.result.Writes != 0 || !strings.Contains(r.stdout, `! chart "За областями": last edited by Sync User`) || !strings.Contains(r.stdout, "note: qa does not say who the account is") {
		t.Errorf("%s", r.stdout)
	}
	if r := s.must(0, "doctor", "--env", "qa"); !strings.Contains(r.stdout, "warn  qa: it does not say who the account is") {
		t.Errorf("%s", r.stdout)
	}
	s.env = append(s.env, "SUPERSET_QA_USERNAME=nobody@example.invalid")
	if r := s.must(2, sync...); !strings.Contains(r.stderr, "no account with the e-mail address") {
		t.Errorf("%s", r.stderr)
	}
	s.env = append(s.env, "SUPERSET_QA_USERNAME=Sync@example.invalid")
	s.must(0, sync...)
	s.describe(s.pair.Prod, "За областями", "ще новіше")
	s.describe(s.pair.QA, "За областями", "тутешнє")
	if r := s.must(1, sync...); r.result.Writes != 0 || !strings.Contains(r.stdout, "last edited by Editor User") {
		t.Errorf("%s", r.stdout)
	}
}

// describe edits a chart as a person does.
func (s *scene) describe(site *lab.SupersetSite, title, description string) {
	s.Helper()
	s.edit(site, assets.Chart, title, map[string]any{"description": description})
}

// edit changes an asset as a person does.
func (s *scene) edit(site *lab.SupersetSite, kind assets.Kind, title string, body map[string]any) {
	s.Helper()
	if err := s.client(site, "editor").Send(s.Context(), http.MethodPut, fmt.Sprintf("/api/v1/%s/%d", kind, s.rows(site, kind)[title].ID), body, nil); err != nil {
		s.Fatal(err)
	}
}

// token logs in as sync.
func (s *scene) token(site *lab.SupersetSite) string {
	s.Helper()
	answer, err := http.Post(site.URL+"/api/v1/security/login", "application/json", strings.NewReader(`{"username":"sync","password":"sync-secret","provider":"db"}`))
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&tokens); err != nil {
		s.Fatal(err)
	}
	return tokens.Access
}
