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
// left alone.
func TestMovedMeanwhile(t *testing.T) {
	s := syncedScene(t)
	if err := s.client(s.pair.Prod, "editor").Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", s.seeded.Charts["pie"]), map[string]any{"description": "нове"}, nil); err != nil {
		t.Fatal(err)
	}
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	row := s.rows(s.pair.QA, assets.Chart)["За областями"]
	editor := s.client(s.pair.QA, "editor")
	reads, last := 0, 2
	if versions[1] < "6" {
		last = 3 // its rights are asked first
	}
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/chart/", Before: func() {
		if reads++; reads == last { // the list is read again right before the batch
			if err := editor.Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", row.ID), map[string]any{"description": "тутешнє"}, nil); err != nil {
				t.Error(err)
			}
		}
	}})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if !strings.Contains(r.stdout, "Editor User changed it meanwhile") {
		t.Errorf("%s", r.stdout)
	}
}

// TestMissingLink: a dashboard whose layout arrived and whose link to a chart
// did not is told.
func TestMissingLink(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	admin := s.client(s.pair.QA, "admin")
	reads := 0
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/dashboard/", Exact: true, Before: func() {
		if reads++; reads == 3 { // the first round of dashboards has been written
			row := s.rows(s.pair.QA, assets.Chart)["Зарплати"]
			if err := admin.Send(t.Context(), http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", row.ID), map[string]any{"dashboards": []int{}}, nil); err != nil {
				t.Error(err)
			}
		}
	}})
	s.env = append(s.env, "QA_URL="+proxy.URL)
	r := s.must(1, "sync", "--from", "prod", "--to", "qa", "--yes")
	if !strings.Contains(r.stdout, `it shows the chart "Зарплати" and is not linked to it`) {
		t.Errorf("%s", r.stdout)
	}
}
