package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestOddRequests: whatever is asked for, the answer is none of ours to be
// ashamed of: no fault of the server, and of its kind.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("odd")
	s.publish(p, `CREATE TABLE "таблиця ї/ % ?" (id int)`)
	v := s.serve()
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	for path, status := range map[string]int{
		"/versions/candidates/%D9%A1%D9%A2":        400, // digits, but of another script
		"/versions/candidates/1e3":                 400,
		"/versions/candidates/0x10":                400,
		"/versions/candidates/1%00":                400,
		"/versions/candidates/%00/tables":          400,
		"/versions/candidates/+1":                  400,
		"/versions/candidates/%201":                400,
		"/versions/candidates/2147483648":          404, // beyond what Gerrit counts with
		"/versions/candidates/2147483648/tables":   404,
		"/versions/candidates/9999999999/snapshot": 404,
		of + "/tables/" + "%D1%82%D0%B0%D0%B1%D0%BB%D0%B8%D1%86%D1%8F%20%D1%97%2F%20%25%20%3F":                               200,
		"/candidates/" + fmt.Sprint(p.Number) + "/tables/%D1%82%D0%B0%D0%B1%D0%BB%D0%B8%D1%86%D1%8F%20%D1%97%2F%20%25%20%3F": 200,
		of + "/tables/" + strings.Repeat("%D1%97", 200):                                                                      404, // 200 characters, 400 bytes
		of + "/tables/" + strings.Repeat("x", 9000):                                                                          400,
		of + "/tables/%FF%FE":                                    404, // no UTF-8
		of + "/tables/%27%3B%20DROP%20TABLE%20x%3B--":            404,
		of + "/diff?against=%00":                                 400,
		of + "/diff?against=MASTER":                              400,
		of + "/diff?%00=1":                                       400,
		of + "/diff?;":                                           400,
		"/versions/master/tables?q=" + strings.Repeat("x", 9000): 400,
		"/master?q=" + strings.Repeat("%D1%97", 2000):            200,
		"/master?q=%00%FF&lang=uk":                               200,
		"/candidates/1e3":                                        400,
		"/candidates/2147483648":                                 404,
		"/candidates/%D9%A1":                                     400,
		"/assets/%2e%2e%2fpage.go":                               404,
		"/assets/":                                               404,
		"/":                                                      200,
	} {
		a := v.get(path)
		if a.status != status || strings.Contains(a.body, "goroutine") || !strings.Contains(a.header.Get("Content-Type"), "utf-8") && a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%.80s: %d %s %.200s, want %d", path, a.status, a.header.Get("Content-Type"), a.body, status)
		}
	}
	for _, header := range [][]string{
		{"Accept", "text/xml"},
		{"Accept", "application/cbor"},
		{"Accept", "*/*;q=0"},
		{"Accept", ";;;"},
		{"Accept-Encoding", "br, gzip;q=0"},
		{"Range", "bytes=0-3"},
		{"If-None-Match", `W/`},
		{"If-None-Match", `"`},
		{"If-Modified-Since", "yesterday"},
		{"Traceparent", "00-zz"},
		{"Content-Type", "text/xml"},
		{"Accept-Language", strings.Repeat("uk,", 500)},
	} {
		a := v.get("/versions/master/tables", header...)
		if a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.header.Get("Content-Encoding") != "" || !json.Valid([]byte(a.body)) {
			t.Errorf("%q: %d %v %s", header, a.status, a.header, a.body)
		}
	}
	for _, path := range []string{"/", "/master", "/versions/master", "/versions/candidates", of, of + "/tables", of + "/diff", of + "/snapshot", "/versions/master/tables/none", "/nowhere", "/healthz", "/openapi.json", "/assets/page.css"} {
		get, head := v.get(path, "Accept-Encoding", "identity"), v.do(http.MethodHead, path, "Accept-Encoding", "identity")
		if head.status != get.status || head.body != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") || head.header.Get("ETag") != get.header.Get("ETag") {
			t.Errorf("HEAD %s: %d %v, GET %d %v", path, head.status, head.header, get.status, get.header)
		}
	}
}

// TestSlowAndGone: who sends its request too slowly is let go, and who does not
// wait for the answer holds nothing up.
func TestSlowAndGone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	v := s.serve("PATCHBAY_MAX_REQUESTS=4")
	slow, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(v.URL, "http://"))
	s.must(err)
	defer slow.Close()
	_, err = io.WriteString(slow, "GET /versions/master HTTP/1.1\r\nHost: 127.0.0.1\r\n")
	s.must(err)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond/2)
			defer cancel()
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, v.URL+"/versions/master/tables", nil)
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		})
	}
	all.Wait()
	if a := v.get("/versions/master/tables"); a.status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
	s.must(slow.SetReadDeadline(time.Now().Add(20 * time.Second)))
	if answer, err := io.ReadAll(slow); err != nil {
		t.Errorf("half a request is still waited for: %q %v", answer, err)
	}
	if metrics := v.get("/metrics").body; strings.Contains(metrics, `code="RUNTIME_ERROR"`) || strings.Contains(metrics, `code="REGISTRY_DATA_BASE_CONNECTION_ERROR"`) {
		t.Errorf("those who left count as faults of the database:\n%s", metrics)
	}
}

// TestOddGerrit: a Gerrit that answers with something else is one that cannot
// be asked, and one that does not answer leaves time to say so.
func TestOddGerrit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("odd")
	proxy := lab.NewFaultProxy(t, s.gerrit.URL)
	s.publish(p, "", func(pr *candidate.Provenance) { pr.Gerrit = proxy.URL })
	v := s.serve("GERRIT_URL="+proxy.URL, "PATCHBAY_REQUEST_TIMEOUT=5s")
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	for name, fault := range map[string]lab.Fault{
		"a page":       {Path: "/a/", Body: "<html><title>Log in</title></html>"},
		"nothing":      {Path: "/a/", Empty: true},
		"a login":      {Path: "/a/", Status: 302, Header: map[string]string{"Location": "/login/"}},
		"not you":      {Path: "/a/", Status: 401, Body: "Unauthorized"},
		"half of it":   {Path: "/a/", CutBody: true},
		"other JSON":   {Path: "/a/", Body: ")]}'\n{\"a\":1}"},
		"cut":          {Path: "/a/", Cut: true},
		"no answer":    {Path: "/a/", Silence: true},
		"out of order": {Path: "/a/", Status: 503, Header: map[string]string{"Retry-After": "60"}, Body: "<html>"},
	} {
		proxy.Reset()
		proxy.Add(fault)
		v.wantErrors(errorRow{"/versions/candidates", 500, api.CodeGerrit, false, "Gerrit cannot be asked"})
		d, _ := read[api.VersionInfoDetailed](v, of)
		if got := d.Validations[0]; got.Result != api.Unknown || got.Reason.Value == nil || strings.ContainsAny(got.Reason.Value.Message, "<>\n") {
			t.Errorf("%s: %+v", name, got)
		}
		if tables, _ := read[[]api.TableInfoShort](v, of+"/tables"); len(tables) == 0 {
			t.Errorf("%s: no tables", name)
		}
	}
}

// TestOddDatabases: a password that is refused, a schema that is not there, a
// database that is dropped while it is read.
func TestOddDatabases(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("odd")
	s.publish(p, "")
	secret := strings.Split(strings.Split(s.site.ReaderURL("x"), ":")[2], "@")[0]
	wrong := s.serve("PATCHBAY_MASTER_URL=" + strings.Replace(s.site.ReaderURL(s.master), secret, "not-"+secret, 1))
	wrong.wantErrors(errorRow{"/versions/master/tables", 500, api.CodeMasterDatabase, false, "refuses the reader's login"})
	if a := wrong.get("/readyz"); a.status != 503 || strings.Contains(a.body+wrong.log.String(), secret) {
		t.Errorf("%+v\n%s", a, wrong.log)
	}

	missing := s.serve("PATCHBAY_SCHEMAS=registry,registri")
	missing.wantLogged("master's database has no schema registri")
	if tables, _ := read[[]api.TableInfoShort](missing, "/versions/master/tables"); len(tables) == 0 {
		t.Error("the other schema is not shown")
	}

	v := s.serve()
	database := s.site.Names.Candidate(p.Number)
	holder := lab.Connect(t, s.site.SuperURL(database))
	for _, sql := range []string{"BEGIN", "LOCK TABLE pg_catalog.pg_constraint IN ACCESS EXCLUSIVE MODE"} {
		_, err := holder.Exec(t.Context(), sql)
		s.must(err)
	}
	answer := make(chan answered, 1)
	go func() { answer <- v.get(fmt.Sprintf("/versions/candidates/%d/tables", p.Number)) }()
	looks := lab.Connect(t, s.site.SuperURL("postgres"))
	for waits, end := 0, time.Now().Add(20*time.Second); waits == 0; time.Sleep(10 * time.Millisecond) {
		s.must(looks.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'", database).Scan(&waits))
		if time.Now().After(end) {
			t.Fatal("the request does not wait for the lock")
		}
	}
	s.site.Super(t, "postgres", fmt.Sprintf("DROP DATABASE %q WITH (FORCE)", database))
	if a := <-answer; a.status != 200 || strings.TrimSpace(a.body) != "[]" || a.header.Get(api.HeaderDatabase) != "absent" {
		t.Errorf("dropped in the middle: %+v", a)
	}
}
