package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

var asJSON = map[string]string{"Content-Type": "application/json"}

// TestFaultsOnTheWay: each ends in the same state as an undisturbed run, at
// once or by a second run.
func TestFaultsOnTheWay(t *testing.T) {
	s := newScene(t)
	if err := s.pair.Keep("faults"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		fault  lab.Fault
		first  int // exit status of the first run
		second string
	}{
		"a lost CSRF token":      {lab.Fault{Method: "POST", Path: "/chart/import/", Status: 400, Header: asJSON, Body: `{"errors":[{"message":"400 Bad Request: The CSRF token is missing."}]}`, Times: 1}, 0, "nothing-to-do"},
		"302 to the login":       {lab.Fault{Method: "POST", Path: "/dataset/import/", Status: 302, Header: map[string]string{"Location": "/login/"}, Times: 1}, 0, "nothing-to-do"},
		"timeout after commit":   {lab.Fault{Method: "POST", Path: "/chart/import/", LoseAnswer: true, Times: 1}, 0, "nothing-to-do"},
		"cut before the request": {lab.Fault{Method: "POST", Path: "/dashboard/import/", Cut: true, Times: 1}, 0, "nothing-to-do"},
		"an expired token":       {lab.Fault{Method: "POST", Path: "/dashboard/import/", Status: 401, Header: asJSON, Body: `{"msg":"Token has expired"}`, Times: 1}, 0, "nothing-to-do"},
		"HTML 500 once":          {lab.Fault{Method: "POST", Path: "/chart/import/", Status: 500, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>Internal</html>", Times: 1}, 0, "nothing-to-do"},
		"a token revoked":        {lab.Fault{Method: "POST", Path: "/dashboard/import/", Status: 401, Header: asJSON, Body: `{"msg":"Token has been revoked"}`}, 1, "synced"},
		"a right taken away":     {lab.Fault{Method: "POST", Path: "/chart/import/", Status: 403, Header: asJSON, Body: `{"message":"Forbidden"}`}, 1, "synced"},
		"a sign-on page":         {lab.Fault{Method: "POST", Path: "/dataset/import/", Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>log in</html>"}, 1, "synced"},
		"HTML 500 for ever":      {lab.Fault{Method: "POST", Path: "/dashboard/import/", Status: 500, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>Internal</html>"}, 1, "synced"},
		"unavailable at times":   {lab.Fault{Method: "POST", Path: "/import/", Status: 503, Times: 2}, 0, "nothing-to-do"},
		"unavailable for layers": {lab.Fault{Method: "PUT", Path: "/api/v1/chart/", Status: 503, Times: 2}, 0, "nothing-to-do"},
		"unavailable for ever":   {lab.Fault{Method: "POST", Path: "/chart/import/", Status: 503}, 1, "synced"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.pair.Reset("faults"); err != nil {
				t.Fatal(err)
			}
			proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
			proxy.Add(test.fault)
			proxied := s.within(t)
			proxied.env = append(append([]string{}, s.env...), "QA_URL="+proxy.URL)
			proxied.must(test.first, "sync", "--from", "prod", "--to", "qa", "--yes")
			direct := s.within(t)
			r := direct.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
			if string(r.result.Outcome) != test.second {
				t.Errorf("the second run: %s, want %s\n%s", r.result.Outcome, test.second, r.stdout)
			}
			if r.result.Writes > 0 {
				r = direct.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code")
			}
			if r.result.Counts["unchanged"] != 21 {
				t.Errorf("%+v", r.result.Counts)
			}
		})
	}
}

// TestAnswerLostEarly: a proxy gives up while the server goes on with a write.
// It is waited for, and nothing is sent twice.
func TestAnswerLostEarly(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/chart/import/", Times: 1, Late: func() {
		looked := make(chan bool)
		proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/chart/", Exact: true, Times: 1, Before: func() { close(looked) }})
		<-looked // in vain: the server begins only now
	}})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Outcome != "synced" {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	if n := proxy.Count("POST", "/chart/import/"); n != 2 { // the second is for the chart of charts
		t.Errorf("charts were sent %d times", n)
	}
}

// TestAloneWithoutAnswer: an asset to which there is never an answer fails
// alone, after it was sent twice; the rest goes on.
func TestAloneWithoutAnswer(t *testing.T) {
	s := syncedScene(t)
	s.describe(s.pair.Prod, "За областями", "нове")
	s.edit(s.pair.Prod, assets.Dashboard, "Мапа", map[string]any{"css": ".x {}"})
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	proxy.Add(lab.Fault{Method: "POST", Path: "/chart/import/", Cut: true})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if r.result.Outcome != "partial" || !strings.Contains(r.stdout, `chart "За областями" FAILED: qa: POST /api/v1/chart/import/: no answer`) || strings.Count(r.stdout, "FAILED") != 1 || proxy.Count("POST", "/chart/import/") != 2 {
		t.Errorf("%s, sent %d times\n%s", r.result.Outcome, proxy.Count("POST", "/chart/import/"), r.stdout)
	}
}

// TestRefusedAsset: one that the server refuses is found in its batch and told
// by the server's reason; the rest arrives.
func TestRefusedAsset(t *testing.T) {
	s := newScene(t)
	s.must(0, "export", "--from", "prod")
	row := s.rows(s.pair.Prod, assets.Chart)["За областями"]
	for name, text := range s.tree("assets") {
		if strings.Contains(name, row.UUID[:8]) {
			s.write("assets/"+name, strings.Replace(text, "viz_type: pie", "viz_type: 12", 1))
		}
	}
	r := s.must(1, "sync", "--from", "assets", "--to", "qa", "--yes")
	if r.result.Outcome != "partial" || !strings.Contains(r.stdout, "viz_type: Not a valid string") || strings.Count(r.stdout, "FAILED") != 2 || !strings.Contains(r.stdout, `it arrived without chart "За областями", which failed`) {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	if rows := s.rows(s.pair.QA, assets.Chart); len(rows) != 21 { // 12 + 11 - 1, two have one title
		t.Errorf("%d charts", len(rows))
	}
}

// TestMovedMeanwhile: what somebody changes between the plan and the write is
// left alone, in the first batch and in a later one, whichever rows are read
// for it.
func TestMovedMeanwhile(t *testing.T) {
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("version told %v", told), func(t *testing.T) { movedMeanwhile(t, told) })
	}
}

func movedMeanwhile(t *testing.T, told bool) {
	s := syncedScene(t)
	for _, title := range []string{"За областями", "Точки", "Мапа лабораторій"} { // the last stands on the one before
		s.describe(s.pair.Prod, title, "нове")
	}
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	if !told { // then whole lists are read
		proxy.Add(lab.Fault{Method: "GET", Path: "/version", Exact: true, Status: 404})
		proxy.Add(lab.Fault{Method: "GET", Path: "/login/", Exact: true, Status: 404})
	}
	reads := 0
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/chart/", Exact: true, Before: func() {
		if reads++; reads == 2 { // the list is read again right before the first batch
			s.describe(s.pair.QA, "За областями", "тутешнє")
			s.describe(s.pair.QA, "Мапа лабораторій", "тутешнє")
		}
	}})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if strings.Count(r.stdout, "Editor User changed it meanwhile") != 2 || strings.Count(r.stdout, "FAILED") != 2 {
		t.Errorf("%s", r.stdout)
	}
}

// TestMissingLink: a dashboard whose layout arrived and whose link to a chart
// did not is told.
func TestMissingLink(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	admin := s.client(s.pair.QA, "admin")
	unlink := func() {
		row := s.rows(s.pair.QA, assets.Chart)["Зарплати"]
		if err := admin.Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", row.ID), map[string]any{"dashboards": []int{}}, nil); err != nil {
			t.Error(err)
		}
	}
	proxy.Add(lab.Fault{Method: "POST", Path: "/api/v1/dashboard/import/", Times: 1, Before: func() { // when the list is read next, it has been done
		proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/dashboard/", Exact: true, Times: 1, Before: unlink})
	}})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if !strings.Contains(r.stdout, `it shows the chart "Зарплати" and is not linked to it`) {
		t.Errorf("%s", r.stdout)
	}
}
