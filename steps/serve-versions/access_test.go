package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// ofIssuer are the settings that take tokens of a provider.
func ofIssuer(issuer string) []string {
	return []string{"PATCHBAY_AUTH=oidc", "PATCHBAY_OIDC_ISSUER=" + issuer, "PATCHBAY_OIDC_AUDIENCE=" + audience, "PATCHBAY_OIDC_ROLE=developer"}
}

// TestTokens: a real login lets in; whatever is wrong with a token does not.
func TestTokens(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	v := newScene(t).serve(ofIssuer(p.issuer)...)
	good := p.login("test-user@127.0.0.1")
	for name, header := range map[string][]string{
		"Authorization":         {"Authorization", "Bearer " + good},
		"X-Access-Token":        {"X-Access-Token", good},
		"a small letter":        {"Authorization", "bearer " + good},
		"signed here":           {"Authorization", "Bearer " + p.sign(nil, false)},
		"one of several":        {"Authorization", "Bearer " + p.sign(map[string]any{"aud": []string{"other", audience}}, false)},
		"roles as words":        {"Authorization", "Bearer " + p.sign(map[string]any{"realm_access.roles": "visitor developer"}, false)},
		"Basic, X-Access-Token": {"Authorization", "Basic eDp5", "X-Access-Token", good},
	} {
		for _, path := range []string{"/versions/master/tables", "/master", "/openapi.json", "/metrics"} {
			if a := v.get(path, header...); a.status != 200 {
				t.Errorf("%s: %s: %d %s", name, path, a.status, a.body)
			}
		}
	}
	for name, c := range map[string]struct {
		token      string
		status     int
		code, part string
	}{
		"none":           {"", 401, api.CodeUnauthorized, "a token is needed"},
		"garbage":        {"x.y.z", 401, api.CodeUnauthorized, "not one of this issuer"},
		"expired":        {p.sign(map[string]any{"exp": 1700000000}, false), 401, api.CodeUnauthorized, "expired"},
		"wrong audience": {p.sign(map[string]any{"aud": "another"}, false), 401, api.CodeUnauthorized, "audience"},
		"wrong issuer":   {p.sign(map[string]any{"iss": "https://evil.example.org/"}, false), 401, api.CodeUnauthorized, "issuer"},
		"wrong key":      {p.sign(nil, true), 401, api.CodeUnauthorized, "issuer"},
		"not yet valid":  {p.sign(map[string]any{"nbf": 9000000000}, false), 401, api.CodeUnauthorized, ""},
		"algorithm none": {p.unsigned(), 401, api.CodeUnauthorized, "issuer"},
		"changed":        {good[:len(good)-6] + "AAAAAA", 401, api.CodeUnauthorized, "issuer"},
		"without a role": {p.login("test-user2"), 403, api.CodeForbidden, "developer"},
		"role elsewhere": {p.sign(map[string]any{"realm_access": map[string]any{}, "roles": []string{"developer"}}, false), 403, api.CodeForbidden, "developer"},
		"role like it":   {p.sign(map[string]any{"realm_access": map[string]any{"roles": []string{"developers"}}}, false), 403, api.CodeForbidden, "developer"},
	} {
		for _, path := range []string{"/versions/master/tables", "/", "/versions/candidates/x", "/metrics", "/nowhere"} {
			var header []string
			if c.token != "" {
				header = []string{"Authorization", "Bearer " + c.token}
			}
			a := v.get(path, header...)
			if a.status != c.status || !strings.Contains(a.body, `"code":"`+c.code+`"`) || !strings.Contains(a.body, c.part) || (c.status == 401) != strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: %s: got %d %s %v", name, path, a.status, a.body, a.header)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := v.get(path); a.status != 200 {
			t.Errorf("%s without a token: %d", path, a.status)
		}
	}
	v.wantLogged(`"user":"id1"`)
	v.wantLogged(`"user":"олена\\nforged"`)
	if strings.Contains(v.log.String(), good[len(good)-40:]) {
		t.Error("the log holds a token")
	}
}

// TestProviderDown: nobody is let in, nothing is remembered against it, and
// the server starts without it.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.sign(nil, false)
	v := newScene(t).serve(ofIssuer("http://127.0.0.1:1/")...)
	if a := v.get("/versions/master", "X-Access-Token", token); a.status != 503 || !strings.Contains(a.body, "provider cannot be asked") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := v.get("/healthz"); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// TestProviderGoes: while the provider or its keys cannot be had, that is what
// is said, not that a token is bad; when it comes back no restart is needed.
func TestProviderGoes(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.faults.Add(lab.Fault{Path: "/", Cut: true})
	v := newScene(t).serve(ofIssuer(p.issuer)...)
	good, forged := p.sign(nil, false), p.sign(nil, true)
	want := func(when, token string, status int, part string) {
		t.Helper()
		if a := v.get("/versions/master/tables", "X-Access-Token", token); a.status != status || !strings.Contains(a.body, part) {
			t.Errorf("%s: %d %s", when, a.status, a.body)
		}
	}
	const away, busy = "the OpenID provider cannot be asked", http.StatusServiceUnavailable
	want("down", good, busy, away)
	p.faults.Reset()
	p.faults.Add(lab.Fault{Path: "/keys", Status: 500})
	for end := time.Now().Add(20 * time.Second); p.faults.Count("", "/keys") == 0; time.Sleep(50 * time.Millisecond) { // it is found again
		if want("without keys", good, busy, away); time.Now().After(end) {
			t.Fatal("the provider is not asked again")
		}
	}
	want("without keys", forged, busy, away)
	p.faults.Reset()
	want("back", good, 200, "laboratory")
	want("forged", forged, 401, "not one of this issuer")
	p.faults.Add(lab.Fault{Path: "/", Cut: true})
	want("down, with a key that is known", good, 200, "laboratory")
	want("down, with one that is not", forged, busy, away)
	v.wantLogged(`"code":"SERVICE_BUSY"`)
}

// TestProxy: who comes through the named proxy is whom it names; nobody else
// is believed.
func TestProxy(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	named := s.serve("PATCHBAY_AUTH=proxy", "PATCHBAY_PROXY=127.0.0.0/8,10.9.9.9", "PATCHBAY_PROXY_USER_HEADER=X-Login")
	if a := named.get("/versions/master", "X-Login", "olena", "Host", "registry.example.org"); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	named.wantLogged(`"user":"olena"`)
	if a := named.get("/master", "X-Forwarded-User", "olena"); a.status != 401 || !strings.Contains(a.body, "X-Login") {
		t.Errorf("no user: %d %s", a.status, a.body)
	}
	other := s.serve("PATCHBAY_AUTH=proxy", "PATCHBAY_PROXY=10.9.9.9")
	if a := other.get("/", "X-Forwarded-User", "olena", "X-Forwarded-For", "10.9.9.9"); a.status != 403 || !strings.Contains(a.body, api.CodeForbidden) {
		t.Errorf("from elsewhere: %d %s", a.status, a.body)
	}
	p := newProvider(t)
	both := s.serve(append(ofIssuer(p.issuer), "PATCHBAY_AUTH=oidc,proxy", "PATCHBAY_PROXY=127.0.0.1")...)
	for _, header := range [][]string{{"X-Forwarded-User", "olena"}, {"X-Access-Token", p.sign(nil, false)}} {
		if a := both.get("/versions/master", header...); a.status != 200 {
			t.Errorf("%v: %d %s", header[0], a.status, a.body)
		}
	}
	if a := both.get("/versions/master"); a.status != 401 {
		t.Errorf("neither: %d %s", a.status, a.body)
	}
}

// TestOwnNames: without authentication a name that somebody lets point here is
// not answered.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	v := newScene(t).serve()
	port := v.URL[strings.LastIndexByte(v.URL, ':'):]
	for host, want := range map[string]int{"localhost" + port: 200, "127.0.0.1": 200, "[::1]" + port: 200, "evil.example.org": 403, "evil.example.org" + port: 403, "127.0.0.1.evil.example.org": 403, "10.0.0.1": 403} {
		if a := v.get("/versions/master", "Host", host); a.status != want {
			t.Errorf("%s: %d %s", host, a.status, a.body)
		}
	}
}

// TestOtherSites: scripts of the sites that are named may ask, others not.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := newProvider(t)
	v := s.serve(append(ofIssuer(p.issuer), "PATCHBAY_CORS_ORIGIN=https://portal.example.org,http://localhost:3000")...)
	for origin, want := range map[string]string{"https://portal.example.org": "https://portal.example.org", "http://localhost:3000": "http://localhost:3000", "https://evil.example.org": "", "https://portal.example.org.evil.org": "", "null": ""} {
		a := v.get("/versions/master", "Origin", origin, "X-Access-Token", p.sign(nil, false))
		if a.header.Get("Access-Control-Allow-Origin") != want || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", origin, a.header)
		}
		a = v.do(http.MethodOptions, "/versions/master", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-access-token")
		if a.header.Get("Access-Control-Allow-Origin") != want || want != "" && a.status/100 != 2 {
			t.Errorf("preflight of %s: %d %v", origin, a.status, a.header)
		}
	}
	if a := v.do(http.MethodOptions, "/versions/master", "Origin", "https://portal.example.org", "Access-Control-Request-Method", "DELETE"); a.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("DELETE: %v", a.header)
	}
}

// TestNoOtherSites: unless sites are named, no script of any may ask, whatever
// it asks and however it is let in.
func TestNoOtherSites(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := newProvider(t)
	for _, v := range []*served{s.serve(), s.serve(ofIssuer(p.issuer)...)} {
		for _, origin := range []string{"https://portal.example.org", "http://localhost:3000", "null", v.URL} {
			for _, path := range []string{"/versions/master", "/versions/candidates/x", "/nowhere", "/", "/healthz", "/openapi.json"} {
				answers := []answered{
					v.get(path, "Origin", origin, "X-Access-Token", p.sign(nil, false)),
					v.do(http.MethodOptions, path, "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-access-token"),
				}
				for _, a := range answers {
					for name := range a.header {
						if strings.HasPrefix(name, "Access-Control-") {
							t.Errorf("%s from %s: %v", path, origin, a.header)
						}
					}
					if a.header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
						t.Errorf("%s from %s: %v", path, origin, a.header)
					}
				}
			}
		}
	}
}

// TestOpenAddress: with a way to be let in, any address may be listened on.
func TestOpenAddress(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	v := newScene(t).serve(append(ofIssuer(p.issuer), "PATCHBAY_LISTEN=0.0.0.0:0")...)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(v.URL, "http://"))
	v.must(err)
	v.URL = "http://127.0.0.1:" + port
	if a := v.get("/versions/master"); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
	if a := v.get("/versions/master", "X-Access-Token", p.sign(nil, false), "Host", "registry.example.org"); a.status != 200 {
		t.Errorf("with a token: %d", a.status)
	}
}

// TestAccessRefused: what is missing or wrong is told before anything listens.
func TestAccessRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ env, want []string }{
		"oidc":   {[]string{"PATCHBAY_AUTH=oidc", "PATCHBAY_OIDC_ISSUER=sso"}, []string{"--oidc-issuer", "--oidc-audience", "--oidc-role "}},
		"proxy":  {[]string{"PATCHBAY_AUTH=proxy"}, []string{"--proxy"}},
		"what":   {[]string{"PATCHBAY_AUTH=basic", "PATCHBAY_PROXY=somewhere"}, []string{`"basic"`, `"somewhere"`}},
		"origin": {[]string{"PATCHBAY_CORS_ORIGIN=*,https://a.b/c"}, []string{`"*"`, `"https://a.b/c"`}},
	} {
		cmd := command(t.Context(), append([]string{"PATCHBAY_TEST_AS_STEP=1", "GERRIT_PROJECT=x", "GERRIT_URL=http://x"}, c.env...))
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("%s: exit status %d: %s", name, cmd.ProcessState.ExitCode(), out)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: no %q in: %s", name, want, out)
			}
		}
	}
}
