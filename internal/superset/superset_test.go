package superset_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

func client(t *testing.T, address string, login superset.Login) *superset.Client {
	t.Helper()
	c, err := superset.New(superset.Config{Name: "qa", URL: address, Login: login, UserAgent: "patchbay/test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func password(user string) superset.Login {
	return superset.Login{Kind: superset.LoginPassword, Username: user, Password: user + "-secret"}
}

// tagged makes a tag: the smallest write.
func tagged(ctx context.Context, c *superset.Client, name string) error {
	return c.Send(ctx, http.MethodPost, "/api/v1/tag/", map[string]any{"name": name, "objects_to_tag": []any{}}, nil)
}

// TestFaultsOfLogins asks a real Superset through a proxy that injects them.
func TestFaultsOfLogins(t *testing.T) {
	pair := lab.Supersets(t)
	page := map[string]string{"Content-Type": "text/html"}
	for name, test := range map[string]struct {
		fault lab.Fault
		want  string // in the error; "": none
		login int    // how often the account logs in
	}{
		"a lost CSRF token":       {lab.Fault{Method: "POST", Path: "/tag/", Status: 400, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"errors":[{"message":"400 Bad Request: The CSRF token is missing."}]}`, Times: 1}, "", 1},
		"a redirect to the login": {lab.Fault{Method: "POST", Path: "/tag/", Status: 302, Header: map[string]string{"Location": "/login/?next=x"}, Times: 1}, "", 1},
		"redirects only":          {lab.Fault{Method: "POST", Path: "/tag/", Status: 302, Header: map[string]string{"Location": "/login/?next=x"}}, "the login to qa does not hold", 1},
		"an expired token":        {lab.Fault{Method: "POST", Path: "/tag/", Status: 401, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"msg":"Token has expired"}`, Times: 1}, "", 1},
		"a sign-on page":          {lab.Fault{Method: "POST", Path: "/tag/", Status: 200, Header: page, Body: "<html>log in</html>"}, "a page, none of the API", 1},
		"too many requests":       {lab.Fault{Method: "POST", Path: "/tag/", Status: 429, Times: 1}, "", 1},
		"422 with msg":            {lab.Fault{Method: "POST", Path: "/tag/", Status: 422, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"msg":"Not enough segments"}`}, "Not enough segments", 1},
		"an HTML 500":             {lab.Fault{Method: "POST", Path: "/tag/", Status: 500, Header: page, Body: "<html>secret</html>"}, "500", 1},
		"a lost answer":           {lab.Fault{Method: "POST", Path: "/tag/", LoseAnswer: true}, "no answer", 1},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := lab.NewFaultProxy(t, pair.QA.URL)
			proxy.Add(test.fault)
			err := tagged(t.Context(), client(t, proxy.URL, password("admin")), strings.ReplaceAll(name, " ", "-"))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error()+change.AsFailure(err).Hint, test.want) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if n := proxy.Count("POST", "/security/login"); n != test.login {
				t.Errorf("logged in %d times, want %d: %v", n, test.login, proxy.Requests())
			}
			if test.fault.LoseAnswer && (!errors.Is(err, superset.ErrUnknown) || proxy.Count("POST", "/tag/") != 1) {
				t.Errorf("a write without an answer was repeated, or is not told: %v", err)
			}
		})
	}
}

// TestSideBySide: requests that go out together share one login, one CSRF token
// and one renewal.
func TestSideBySide(t *testing.T) {
	pair := lab.Supersets(t)
	proxy := lab.NewFaultProxy(t, pair.QA.URL)
	var both, all sync.WaitGroup
	both.Add(2)
	proxy.Add(lab.Fault{
		Method: "POST", Path: "/tag/", Status: 401, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"msg":"Token has expired"}`, Times: 2,
		Before: func() { both.Done(); both.Wait() },
	})
	c := client(t, proxy.URL, password("admin"))
	for _, name := range []string{"one", "two"} {
		all.Go(func() {
			if err := tagged(t.Context(), c, name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for path, method := range map[string]string{"/security/login": "POST", "/security/csrf_token/": "GET", "/security/refresh": "POST"} {
		if n := proxy.Count(method, path); n != 1 {
			t.Errorf("%s: %d times, want once: %v", path, n, proxy.Requests())
		}
	}
}

func TestWrongLogins(t *testing.T) {
	pair := lab.Supersets(t)
	for want, login := range map[string]superset.Login{
		"check username and password":       {Kind: superset.LoginPassword, Username: "admin", Password: "wrong-secret"},
		"set login.provider to db or ldap":  {Kind: superset.LoginPassword, Username: "admin", Password: "admin-secret", Provider: "ldap"},
		"the login to qa does not hold":     {Kind: superset.LoginToken, Token: "not-a-token"},
		"/.well-known/openid-configuration": {Kind: superset.LoginClient, Issuer: pair.QA.URL, ClientID: "x", Secret: "y"},
	} {
		_, err := client(t, pair.QA.URL, login).List(t.Context(), assets.Chart)
		if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, want) || strings.Contains(f.Error(), "secret") {
			t.Errorf("want %q, got %+v", want, f)
		}
	}
}

// TestMissingID: one id that is gone does not cost the others.
func TestMissingID(t *testing.T) {
	pair := lab.Supersets(t)
	made, err := seed.Fixture(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, pair.Prod.URL, password("admin"))
	ids := []int{made.Charts["total"], 4711, made.Charts["pie"], made.Charts["table"]}
	bundles, missing, err := c.Export(t.Context(), assets.Chart, ids, func(int) {})
	if err != nil || len(missing) != 1 || missing[0] != 4711 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	charts := 0
	for _, bundle := range bundles {
		raws, err := assets.ReadExport(bundle)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range raws {
			if raw.Kind == assets.Chart {
				charts++
			}
		}
	}
	if charts != 3 {
		t.Errorf("%d charts, want 3", charts)
	}
}

func TestReadOnly(t *testing.T) {
	c, err := superset.New(superset.Config{Name: "prod", URL: "http://127.0.0.1:9", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tagged(t.Context(), c, "x"); err == nil || !strings.Contains(err.Error(), "never written to") {
		t.Errorf("got %v", err)
	}
}

// identity is an OpenID Connect issuer with what the grants need. Superset has
// to be set up for an issuer's keys; here the tokens it gives are Superset's
// own, so that the whole way to a real Superset is gone.
type identity struct {
	*httptest.Server
	site      *lab.SupersetSite
	challenge string
	refresh   string // the token by which a login is renewed; each renewal gives another
	asked     []string
}

func newIdentity(t *testing.T, site *lab.SupersetSite) *identity {
	i := &identity{site: site}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token"})
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		i.challenge = q.Get("code_challenge")
		if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
			t.Errorf("asked for %v", q)
		}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"code-1"}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) { i.token(t, w, r) })
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *identity) token(t *testing.T, w http.ResponseWriter, r *http.Request) {
	i.asked = append(i.asked, r.FormValue("grant_type"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	switch {
	case r.FormValue("grant_type") == "client_credentials" && r.FormValue("client_secret") == "client-secret":
	case r.FormValue("grant_type") == "refresh_token" && r.FormValue("refresh_token") == i.refresh && i.refresh != "":
	case r.FormValue("grant_type") == "authorization_code" && r.FormValue("code") == "code-1" && base64.RawURLEncoding.EncodeToString(sum[:]) == i.challenge:
	default:
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body := strings.NewReader(`{"username":"admin","password":"admin-secret","provider":"db"}`)
	answer, err := http.Post(i.site.URL+"/api/v1/security/login", "application/json", body)
	if err != nil {
		t.Error(err)
		return
	}
	defer answer.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	tokens := tokenOf(answer)
	if r.FormValue("grant_type") != "client_credentials" {
		i.refresh = fmt.Sprintf("refresh-%d", len(i.asked))
		tokens["refresh_token"] = i.refresh
	}
	_, _ = w.Write(must(json.Marshal(tokens)))
}

func tokenOf(answer *http.Response) map[string]string {
	into := map[string]string{}
	_ = json.NewDecoder(answer.Body).Decode(&into)
	return into
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

func TestOIDC(t *testing.T) {
	pair := lab.Supersets(t)
	issuer := newIdentity(t, pair.QA)
	pipeline := client(t, pair.QA.URL, superset.Login{Kind: superset.LoginClient, Issuer: issuer.URL, ClientID: "ci", Secret: "client-secret"})
	if err := tagged(t.Context(), pipeline, "client-credentials"); err != nil {
		t.Error(err)
	}
	shown := 0
	proxy := lab.NewFaultProxy(t, pair.QA.URL)
	person, err := superset.New(superset.Config{
		Name: "qa", URL: proxy.URL, Login: superset.Login{Kind: superset.LoginPKCE, Issuer: issuer.URL, ClientID: "cli"},
		Show: func(address string) {
			shown++
			go func() {
				if answer, err := http.Get(address); err == nil {
					answer.Body.Close()
				}
			}()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tagged(t.Context(), person, "pkce"); err != nil || shown != 1 {
		t.Errorf("%v, the page was shown %d times", err, shown)
	}
	for i := range 2 { // it expires in the middle: nobody is asked again
		proxy.Add(lab.Fault{Path: "/api/v1/tag/", Status: 401, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"msg":"Token has expired"}`, Times: 1})
		if err := tagged(t.Context(), person, fmt.Sprintf("renewed-%d", i)); err != nil || shown != 1 {
			t.Errorf("%v, the page was shown %d times: %v", err, shown, issuer.asked)
		}
	}
	wrong := client(t, pair.QA.URL, superset.Login{Kind: superset.LoginClient, Issuer: issuer.URL, ClientID: "ci", Secret: "wrong-secret"})
	if err := tagged(t.Context(), wrong, "x"); err == nil || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("got %v", err)
	}
}

// TestAPIKey is a ready-made token of the kind that Superset gives itself.
func TestAPIKey(t *testing.T) {
	pair := lab.Supersets(t)
	admin := client(t, pair.QA.URL, password("admin"))
	var made struct{ Result struct{ Key string } }
	if err := admin.Send(t.Context(), http.MethodPost, "/api/v1/security/api_keys/", map[string]any{"name": "sync"}, &made); err != nil {
		t.Fatal(err)
	}
	key := client(t, pair.QA.URL, superset.Login{Kind: superset.LoginToken, Token: made.Result.Key})
	if err := tagged(t.Context(), key, "by-key"); err != nil {
		t.Error(err)
	}
}
