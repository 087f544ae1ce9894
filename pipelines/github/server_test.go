package github_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// server stands in for GitHub: its git, which is git's own, and the part of
// its REST API that makes pull requests, with state.
type server struct {
	*testing.T
	host        string // and port
	certificate string // a file
	git         string // the bare repository
	token       string

	mu    sync.Mutex
	pulls []*pull
}

type pull struct {
	URL     string `json:"url"`
	HTMLURL string `json:"html_url"`
	State   string `json:"state"`
	Title   string `json:"title"`
	Body    string `json:"body"`
	Head    struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
	base string
}

const repository = "laboratories/assets"

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{T: t, token: "github-token-secret"}
	root := t.TempDir()
	s.git = filepath.Join(root, repository+".git")
	for _, args := range [][]string{{"init", "-q", "--bare", "-b", "main", s.git}, {"-C", s.git, "config", "http.receivepack", "true"}} {
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	path, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=x-access-token"},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v3/repos/"+repository+"/pulls", s.requests)
	mux.HandleFunc("PATCH /api/v3/repos/"+repository+"/pulls/{number}", s.edit)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != s.token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	})
	web := httptest.NewTLSServer(mux)
	t.Cleanup(web.Close)
	s.host = strings.TrimPrefix(web.URL, "https://")
	s.certificate = filepath.Join(root, "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(s.certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// head is the commit of a branch, "" when there is none.
func (s *server) head(branch string) string {
	out, err := exec.Command("git", "-C", s.git, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func (s *server) allowed(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "Bearer "+s.token {
		return true
	}
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

// requests lists pull requests, or makes one.
func (s *server) requests(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		s.list(w, r.URL.Query())
		return
	}
	var asked struct{ Title, Body, Head, Base string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || s.head(asked.Head) == "" || s.head(asked.Base) == "" {
		http.Error(w, `{"message":"Validation Failed"}`, http.StatusUnprocessableEntity)
		return
	}
	number := len(s.pulls) + 1
	p := &pull{
		State: "open", Title: asked.Title, Body: asked.Body, base: asked.Base,
		URL:     fmt.Sprintf("https://%s/api/v3/repos/%s/pulls/%d", s.host, repository, number),
		HTMLURL: fmt.Sprintf("https://%s/%s/pull/%d", s.host, repository, number),
	}
	p.Head.Ref = asked.Head
	s.pulls = append(s.pulls, p)
	w.WriteHeader(http.StatusCreated)
	s.answer(w, p)
}

func (s *server) list(w http.ResponseWriter, query url.Values) {
	found := []*pull{}
	for _, p := range s.pulls {
		if p.State == query.Get("state") && "laboratories:"+p.Head.Ref == query.Get("head") {
			if p.State == "open" {
				p.Head.SHA = s.head(p.Head.Ref)
			}
			found = append(found, p)
		}
	}
	s.answer(w, found)
}

func (s *server) edit(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pulls {
		if strings.HasSuffix(p.URL, "/"+r.PathValue("number")) {
			var asked struct{ Title, Body string }
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				http.Error(w, `{"message":"Problems parsing JSON"}`, http.StatusBadRequest)
				return
			}
			p.Title, p.Body = asked.Title, asked.Body
			s.answer(w, p)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

func (s *server) answer(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.Error(err)
	}
}

// finish closes the latest pull request, merged or not.
func (s *server) finish(merged bool) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pulls[len(s.pulls)-1]
	p.Head.SHA, p.State = s.head(p.Head.Ref), "closed"
	if !merged {
		return
	}
	if out, err := exec.CommandContext(s.Context(), "git", "-C", s.git, "update-ref", "refs/heads/"+p.base, p.Head.SHA).CombinedOutput(); err != nil {
		s.Fatalf("merge: %v: %s", err, out)
	}
}
