package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpener(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ system, where, variable, want string }{
		{"linux", "terminal", "DISPLAY", "xdg-open"},
		{"linux", "terminal", "WAYLAND_DISPLAY", "xdg-open"},
		{"linux", "terminal", "", ""},
		{"darwin", "terminal", "", "open"},
		{"linux", "jenkins", "DISPLAY", ""},
		{"linux", "github", "DISPLAY", ""},
	} {
		getenv := func(name string) string {
			if name == test.variable {
				return ":0"
			}
			return ""
		}
		if got := opener(test.system, test.where, getenv); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

// issuer logs a person in without a question and gives Superset's own token.
func (s *scene) issuer() *httptest.Server {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	s.Cleanup(server.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"authorization_endpoint": server.URL + "/auth", "token_endpoint": server.URL + "/token"})
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"1"}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		answer, err := http.Post(s.pair.QA.URL+"/api/v1/security/login", "application/json", bytes.NewReader([]byte(`{"username":"sync","password":"sync-secret","provider":"db"}`)))
		if err != nil {
			s.Error(err)
			return
		}
		defer answer.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, answer.Body)
	})
	return server
}

// TestLoginInTheBrowser: the program that opens pages is called with the page,
// and the run goes on once the browser has come back.
func TestLoginInTheBrowser(t *testing.T) {
	s := newScene(t)
	s.write("asset-sync.yaml", fmt.Sprintf("environments:\n  qa: {url: %q, login: {kind: pkce, issuer: %q, client: cli}}\n", s.pair.QA.URL, s.issuer().URL))
	opened := filepath.Join(s.dir, "opened")
	script := "#!/bin/sh\necho \"$1\" > opened.new && mv opened.new opened\n"
	if err := os.WriteFile(filepath.Join(s.dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "DISPLAY=:0", "PATH="+s.dir+":"+os.Getenv("PATH"))
	p := s.start("doctor", "--no-warehouses")
	page := ""
	for page == "" && t.Context().Err() == nil {
		text, _ := os.ReadFile(opened) // not there yet
		page = strings.TrimSpace(string(text))
	}
	answer, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if r := p.wait(); r.status != 0 || !strings.Contains(r.stdout, "ok    qa: login") || !strings.Contains(r.stderr, page) {
		t.Errorf("exit status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
}
