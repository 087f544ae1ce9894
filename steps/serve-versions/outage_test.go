package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestSilentGerrit: while more wait for a Gerrit that does not answer than may
// be worked on at once, everything that needs none of it is answered, and the
// server is alive, ready and measured.
func TestSilentGerrit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p, without := s.push("couriers"), s.push("nothing yet")
	proxy := lab.NewFaultProxy(t, s.gerrit.URL)
	s.publish(p, "", func(pr *candidate.Provenance) { pr.Gerrit = proxy.URL })
	proxy.Add(lab.Fault{Path: "/a/", Silence: true})
	const most = 3
	v := s.serve("GERRIT_URL="+proxy.URL, fmt.Sprintf("PATCHBAY_MAX_REQUESTS=%d", most), "PATCHBAY_REQUEST_TIMEOUT=60s")
	ctx, cancel := context.WithCancel(t.Context())
	var answered atomic.Int64
	var waiting sync.WaitGroup
	for range 2 * most {
		for _, path := range []string{"/", "/master", fmt.Sprintf("/candidates/%d", p.Number), "/versions/candidates", fmt.Sprintf("/versions/candidates/%d/tables", without.Number)} {
			waiting.Go(func() {
				request, _ := http.NewRequestWithContext(ctx, http.MethodGet, v.URL+path, nil)
				if response, err := http.DefaultClient.Do(request); err == nil {
					response.Body.Close()
					answered.Add(1)
				}
			})
		}
	}
	for end := time.Now().Add(20 * time.Second); proxy.Count("", "/a/") < most; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only %d asked Gerrit", proxy.Count("", "/a/"))
		}
	}
	for _, path := range []string{
		"/healthz", "/readyz", "/metrics", "/openapi.json", "/versions/master/tables", "/versions/master/tables/laboratory",
		fmt.Sprintf("/versions/candidates/%d/tables", p.Number), fmt.Sprintf("/versions/candidates/%d/diff", p.Number),
	} {
		if a := v.get(path); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if n := answered.Load(); n > 0 {
		t.Errorf("%d of those that wait for Gerrit were answered: nothing is shown", n)
	}
	if n := proxy.Count("", "/a/"); n > 2*most { // each may try twice
		t.Errorf("%d asked Gerrit at once", n)
	}
	cancel()
	waiting.Wait()
}

// wantOwnWords: nothing of what drivers and Gerrit say, nor where it is.
func (v *served) wantOwnWords(what, text string) {
	v.Helper()
	for _, word := range []string{"dial", "tcp", "refused", "EOF", "deadline", "127.0.0.1", "secret of Gerrit", "pgconn", "SQLSTATE"} {
		if strings.Contains(text, word) {
			v.Errorf("%s tells %q: %s", what, word, text)
		}
	}
}

// TestGerritDown: with Gerrit down, whatever way, no answer and no page has
// more than our own words of it, and a candidate stands as UNKNOWN with the
// reason, whether it has a database or not.
func TestGerritDown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p, without := s.push("couriers"), s.push("nothing yet")
	proxy := lab.NewFaultProxy(t, s.gerrit.URL)
	s.publish(p, "", func(pr *candidate.Provenance) { pr.Gerrit = proxy.URL })
	settings := []string{"PATCHBAY_REQUEST_TIMEOUT=5s", "PATCHBAY_GERRIT_LINK=https://review.example.org"}
	up := s.serve(append(settings, "GERRIT_URL="+proxy.URL)...)
	gone := s.serve(append(settings, "GERRIT_URL=http://127.0.0.1:1")...)
	for _, c := range []struct {
		name, reason string
		v            *served
		fault        lab.Fault
	}{
		{"nobody there", "it does not answer", gone, lab.Fault{}},
		{"cut", "it does not answer", up, lab.Fault{Path: "/a/", Cut: true}},
		{"out of order", "it answers 500", up, lab.Fault{Path: "/a/", Status: 500, Body: "secret of Gerrit"}},
		{"not you", "it refuses our account", up, lab.Fault{Path: "/a/", Status: 401, Body: "secret of Gerrit"}},
		{"a page", "something else than its API", up, lab.Fault{Path: "/a/", Body: "<p>secret of Gerrit"}},
	} {
		proxy.Reset()
		proxy.Add(c.fault)
		for _, p := range []lab.Pushed{p, without} {
			path := fmt.Sprintf("/versions/candidates/%d", p.Number)
			d, _ := read[api.VersionInfoDetailed](c.v, path)
			link := fmt.Sprintf("https://review.example.org/c/%s/+/%d", s.project, p.Number)
			if got := d.Validations[0]; *got.ResultDetails != link || got.Result != api.Unknown || got.Reason.Value == nil || !strings.Contains(got.Reason.Value.Message, c.reason) || d.Name != nil {
				t.Errorf("%s: %+v", c.name, got)
			}
			c.v.wantOwnWords(c.name, c.v.get(path).body)
		}
		for path, status := range map[string]int{
			"/": 500, "/master": 200, "/master/tables/laboratory": 200, fmt.Sprintf("/candidates/%d", without.Number): 200,
			fmt.Sprintf("/candidates/%d/tables", p.Number): 200, "/versions/master": 200, "/versions/candidates": 500,
		} {
			a := c.v.get(path, "Accept-Language", "en")
			if a.status != status || !strings.Contains(a.body, "Gerrit cannot be asked") && path != "/master/tables/laboratory" {
				t.Errorf("%s: %s: %d %s", c.name, path, a.status, a.body)
			}
			c.v.wantOwnWords(c.name+": "+path, a.body)
		}
	}
}

// TestCandidatesServerDown: which candidates there are is Gerrit's to say, and
// master may lie elsewhere: both are answered, of a candidate's database it is
// said that nobody knows.
func TestCandidatesServerDown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "")
	address := fmt.Sprintf("%s:%d", s.site.Server.Host, s.site.Server.Port)
	cut := lab.NewTCPProxy(t, address)
	v := s.serve("DATABASE_URL=" + strings.Replace(s.site.ReaderURL("postgres"), "@"+address+"/", "@"+cut.Address()+"/", 1))
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	if d, header := read[api.VersionInfoDetailed](v, of); !*d.Database || header.Get(api.HeaderDatabase) != "present" {
		t.Errorf("up: %+v, %v", d, header)
	}
	cut.Refuse(true)
	for _, below := range []string{"/tables", "/tables/nokey", "/diff", "/diff?against=base", "/snapshot"} {
		v.wantErrors(errorRow{of + below, 500, api.CodeCandidate, false, "does not answer"})
		v.wantOwnWords(below, v.get(of+below).body)
	}
	if a := v.get("/versions/candidates"); a.status != 200 || !strings.Contains(a.body, `"database":null`) {
		t.Errorf("the list: %d %s", a.status, a.body)
	}
	a := v.get(of)
	if d, header := read[api.VersionInfoDetailed](v, of); d.Database != nil || header.Values(api.HeaderDatabase) != nil || *d.Name != "couriers" || !strings.Contains(a.body, `"database":null`) {
		t.Errorf("the candidate: %s, %v", a.body, header)
	}
	read[[]api.TableInfoShort](v, "/versions/master/tables")
	if a := v.get("/readyz"); a.status != 200 {
		t.Errorf("ready: %+v", a)
	}
	const down = "the database server does not answer"
	for path, c := range map[string]struct {
		status int
		part   string
	}{
		"/": {200, down}, fmt.Sprintf("/candidates/%d", p.Number): {200, down}, "/master": {200, "laboratory"},
		fmt.Sprintf("/candidates/%d/tables", p.Number):       {500, "does not answer"},
		fmt.Sprintf("/candidates/%d/tables/nokey", p.Number): {500, "does not answer"},
	} {
		if a := v.get(path, "Accept-Language", "en"); a.status != c.status || !strings.Contains(a.body, c.part) || strings.Contains(a.body, cut.Address()) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	cut.Refuse(false)
	read[[]api.TableInfoShort](v, of+"/tables")
}

// TestServersDown: what still can be answered is.
func TestServersDown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "")
	proxy := lab.NewFaultProxy(t, s.gerrit.URL)
	cut := lab.NewTCPProxy(t, fmt.Sprintf("%s:%d", s.site.Server.Host, s.site.Server.Port))
	through := func(url string) string {
		return strings.Replace(url, fmt.Sprintf("@%s:%d/", s.site.Server.Host, s.site.Server.Port), "@"+cut.Address()+"/", 1)
	}
	// Provenance names the real Gerrit; the proxy stands in front of it.
	s.publish(p, "", func(pr *candidate.Provenance) { pr.Gerrit = proxy.URL })
	v := s.serve("GERRIT_URL="+proxy.URL, "PATCHBAY_MASTER_URL="+through(s.site.ReaderURL(s.master)))
	of := func(below string) string { return fmt.Sprintf("/versions/candidates/%d%s", p.Number, below) }
	read[[]api.TableInfoShort](v, "/versions/master/tables")

	proxy.Add(lab.Fault{Path: "/a/", Status: 500, Body: "secret of Gerrit"})
	v.wantErrors(errorRow{"/versions/candidates", 500, api.CodeGerrit, false, "Gerrit cannot be asked: it answers 500"})
	if tables, _ := read[[]api.TableInfoShort](v, of("/tables")); len(tables) == 0 {
		t.Error("without Gerrit the tables are not answered")
	}
	if tables, header := read[[]api.TableInfoShort](v, "/versions/candidates/777777/tables"); len(tables) != 0 || header.Get(api.HeaderDatabase) != "absent" {
		t.Errorf("without Gerrit nobody knows the change: %v, %v", tables, header)
	}
	detailed, _ := read[api.VersionInfoDetailed](v, of(""))
	if got := detailed.Validations[0]; got.Result != api.Unknown || got.Reason.Value == nil || !strings.Contains(got.Reason.Value.Message, "Gerrit cannot be asked") {
		t.Errorf("without Gerrit: %+v", got)
	}
	master, _ := read[api.MasterVersionInfoDetailed](v, "/versions/master")
	if *master.Status != api.Unknown || master.Reason.Value == nil || master.ID != nil {
		t.Errorf("without Gerrit: %+v", master)
	}

	if a := v.get("/readyz"); a.status != 200 {
		t.Errorf("ready: %+v", a)
	}
	cut.Refuse(true)
	v.wantErrors(
		errorRow{"/versions/master/tables", 500, api.CodeMasterDatabase, false, "does not answer"},
		errorRow{"/versions/master/tables/laboratory", 500, api.CodeMasterDatabase, false, "does not answer"},
		errorRow{of("/diff"), 500, api.CodeMasterDatabase, false, "does not answer"},
		errorRow{"/readyz", 503, api.CodeMasterDatabase, false, "does not answer"},
	)
	if a := v.get("/healthz"); a.status != 200 {
		t.Errorf("alive: %+v", a)
	}
	for _, secret := range []string{s.gerrit.CI().Password, strings.Split(strings.Split(s.site.ReaderURL("x"), ":")[2], "@")[0]} {
		if strings.Contains(v.log.String(), secret) {
			t.Errorf("the log holds a secret:\n%s", v.log)
		}
	}
	cut.Refuse(false)
	read[[]api.TableInfoShort](v, "/versions/master/tables")
}
