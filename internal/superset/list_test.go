package superset_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// TestPages: a server that gives fewer rows than asked for, without a word.
func TestPages(t *testing.T) {
	pair := lab.Supersets(t)
	if _, err := seed.Fixture(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	whole, err := client(t, pair.QA.URL, password("admin")).List(t.Context(), assets.Chart)
	if err != nil || len(whole) != 12 {
		t.Fatalf("%d rows, %v", len(whole), err)
	}
	to, err := url.Parse(pair.QA.URL)
	if err != nil {
		t.Fatal(err)
	}
	capped := httptest.NewServer(&cap5{to.Host})
	t.Cleanup(capped.Close)
	cut := client(t, capped.URL, password("admin"))
	rows, err := cut.List(t.Context(), assets.Chart)
	if err != nil || len(rows) != 12 || cut.PageSize() != 5 {
		t.Errorf("%d rows of 12 through a cap of 5, noticed as %d, %v", len(rows), cut.PageSize(), err)
	}
	titles := []string{"Зовсім інша", "it's! new"}
	for _, row := range whole {
		titles = append(titles, row.Title)
	}
	if rows, err := cut.ListWhere(t.Context(), assets.Chart, "slice_name", titles); err != nil || len(rows) != 12 {
		t.Errorf("%d rows of 12 by their names, %v", len(rows), err)
	}
}

// TestLongQuestions go out in lines that a server takes.
func TestLongQuestions(t *testing.T) {
	pair := lab.Supersets(t)
	if _, err := seed.Fixture(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	uuids := make([]string, 250)
	for i := range uuids {
		uuids[i] = fmt.Sprintf("11111111-2222-4333-8444-%012d", i)
	}
	proxy := lab.NewFaultProxy(t, pair.Prod.URL)
	c := client(t, proxy.URL, password("admin"))
	all, err := c.List(t.Context(), assets.Dashboard)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		uuids = append(uuids, row.UUID)
	}
	if rows, err := c.ListWhere(t.Context(), assets.Dashboard, "uuid", uuids); err != nil || len(rows) != 4 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for _, line := range proxy.Requests() {
		if len(line)+len(" HTTP/1.1\r\n") > 4094 {
			t.Errorf("%d bytes: %.80s", len(line), line)
		}
	}
	if n := proxy.Count("GET", "/api/v1/dashboard/"); n > 5 {
		t.Errorf("%d requests", n)
	}
}

// TestRowsThatMove between two pages: the list is read again.
func TestRowsThatMove(t *testing.T) {
	pair := lab.Supersets(t)
	if _, err := seed.Fixture(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	admin := client(t, pair.QA.URL, password("admin"))
	charts, err := admin.List(t.Context(), assets.Chart)
	if err != nil {
		t.Fatal(err)
	}
	proxy := lab.NewFaultProxy(t, pair.QA.URL)
	proxy.Add(lab.Fault{Method: "GET", Path: "/api/v1/chart/", Exact: true, Skip: 1, Times: 1, Before: func() {
		if err := admin.Delete(t.Context(), assets.Chart, []int{charts[0].ID}); err != nil { // it was on the first page
			t.Error(err)
		}
	}})
	to, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	capped := httptest.NewServer(&cap5{to.Host})
	t.Cleanup(capped.Close)
	rows, err := client(t, capped.URL, password("admin")).List(t.Context(), assets.Chart)
	if err != nil || len(rows) != 11 || slices.ContainsFunc(rows, func(r superset.Row) bool { return r.ID == charts[0].ID }) {
		t.Errorf("%d rows of 11, %v", len(rows), err)
	}
}

// cap5 lowers the size of every page that is asked for to 5, as a server's
// FAB_API_MAX_PAGE_SIZE does.
type cap5 struct{ host string }

func (c *cap5) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if text := q.Get("q"); strings.Contains(text, "page_size:100") {
		q.Set("q", strings.ReplaceAll(text, "page_size:100", "page_size:5"))
		r.URL.RawQuery = q.Encode()
	}
	r.URL.Scheme, r.URL.Host, r.Host, r.RequestURI = "http", c.host, c.host, ""
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}
