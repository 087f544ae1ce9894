package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestEveryCodeIsShown: a code that the API can answer stands in the page's
// table of errors, and a test asks for it.
func TestEveryCodeIsShown(t *testing.T) {
	t.Parallel()
	read := func(pattern string) (text string) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			one, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text += string(one)
		}
		return text
	}
	codes := regexp.MustCompile(`\n\t(Code\w+) += "([^"]+)"`).FindAllStringSubmatch(read("../../internal/versions/api/*.go"), -1)
	_, rows, _ := strings.Cut(read("../../docs/serve-versions.md"), "\n## Errors\n")
	rows, _, _ = strings.Cut(rows, "\n## ")
	tests := read("*_test.go") + read("../../internal/versions/*_test.go")
	for _, code := range codes {
		if !strings.Contains(rows, "`"+code[2]+"`") {
			t.Errorf("%s has no row in docs/serve-versions.md", code[2])
		}
		if !regexp.MustCompile(`api\.` + code[1] + `\b`).MatchString(tests) {
			t.Errorf("no test asks for %s", code[2])
		}
	}
	for _, row := range regexp.MustCompile("`([A-Z_]{5,}|Bad Request)`").FindAllStringSubmatch(rows, -1) {
		if !strings.Contains(fmt.Sprint(codes), row[1]) {
			t.Errorf("docs/serve-versions.md tells of %s, which nobody answers", row[1])
		}
	}
	if len(codes) < 15 {
		t.Errorf("only %d codes were found", len(codes))
	}
}

// TestTooLarge: a structure of an absurd size is refused before it is read;
// lists are short all the same.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("absurd")
	s.publish(p, "")
	s.site.Super(t, s.site.Names.Candidate(p.Number), "DO $do$ BEGIN EXECUTE format('COMMENT ON TABLE registry.nokey IS %L', repeat('x', 40000000)); END $do$")
	v := s.serve()
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	v.wantErrors(
		errorRow{of + "/snapshot", 500, api.CodeTooLarge, false, "too large"},
		errorRow{of + "/tables/nokey", 500, api.CodeTooLarge, false, "too large"},
		errorRow{of + "/diff", 500, api.CodeTooLarge, false, "too large"},
	)
	if a := v.get(of + "/tables"); a.status != 200 || len(a.body) > 20_000 {
		t.Errorf("the list: %d, %d bytes", a.status, len(a.body))
	}
	for _, path := range []string{of, of + "/tables/nokey"} {
		page := strings.Replace(path, "/versions", "", 1)
		if a := v.get(page, "Accept", "text/html", "Accept-Language", "uk"); !strings.Contains(a.body, "Структура завелика") {
			t.Errorf("%s: %d %s", page, a.status, a.body)
		}
	}
}

// TestCandidateCannotBeRead: the reader may not enter.
func TestCandidateCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("closed to readers")
	s.publish(p, "")
	s.site.Super(t, "postgres", fmt.Sprintf("REVOKE CONNECT ON DATABASE %s FROM PUBLIC, %s", pg.Ident(s.site.Names.Candidate(p.Number)), pg.Ident(s.site.ReaderRole)))
	v := s.serve()
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	for _, below := range []string{"/tables", "/tables/nokey", "/diff", "/diff?against=base", "/snapshot"} {
		v.wantErrors(errorRow{of + below, 500, api.CodeCandidate, false, "may not be entered by the reader"})
		if known := v.get(of + below).header.Values(api.HeaderDatabase); known != nil {
			t.Errorf("%s: what is not known is told: %v", below, known)
		}
	}
	if d, _ := read[api.VersionInfoDetailed](v, of); !*d.Database {
		t.Errorf("it has a database: %+v", d)
	}
}

// TestDifferenceNotRecorded: one that is too large to be recorded, as
// apply-changelog leaves it out, and what cannot be read.
func TestDifferenceNotRecorded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	recorded := func(text string) func(*candidate.Provenance) {
		return func(p *candidate.Provenance) { p.Difference = text }
	}
	later, _ := schema.Encode(&schema.Difference{FormatVersion: 99}, 64<<10)
	large := s.push("large")
	s.publish(large, `DO $do$ BEGIN FOR t IN 1..6 LOOP EXECUTE (SELECT format('CREATE TABLE large_%s (%s)', t, string_agg(format('c_%s int', md5(t || '-' || c)), ', ')) FROM generate_series(1, 1000) c); END LOOP; END $do$`,
		func(p *candidate.Provenance) {
			if p.Difference != "" {
				t.Errorf("the difference is not too large: %d bytes", len(p.Difference))
			}
		})
	changes := map[string]lab.Pushed{"has no difference recorded": large}
	v := s.serve()
	for name, text := range map[string]string{"no base64": "***", "no gzip": "AAAA", "cut": later[:len(later)/2], "a later format": later} {
		p := s.push(name)
		s.publish(p, "", recorded(text))
		v.wantErrors(errorRow{fmt.Sprintf("/versions/candidates/%d/diff?against=base", p.Number), 404, api.CodeNoDifference, false, "cannot be read"})
		changes[name] = p
	}
	v.wantErrors(errorRow{fmt.Sprintf("/versions/candidates/%d/diff?against=base", large.Number), 404, api.CodeNoDifference, false, "too large"})
	for name, p := range changes { // against master it is read live
		if d, _ := read[api.Difference](v, fmt.Sprintf("/versions/candidates/%d/diff", p.Number)); (len(d.Changes) > 0) != (p.Number == large.Number) {
			t.Errorf("%s: %d changes", name, len(d.Changes))
		}
	}
}

// TestBusy: while one request waits for a lock, others wait for their turn;
// all end in time, each with what it waited for.
func TestBusy(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	v := s.serve("PATCHBAY_MAX_REQUESTS=1", "PATCHBAY_REQUEST_TIMEOUT=1500ms", "PATCHBAY_STATEMENT_TIMEOUT=60s")
	holder := lab.Connect(t, s.site.SuperURL(s.master))
	for _, sql := range []string{"BEGIN", "LOCK TABLE pg_catalog.pg_constraint IN ACCESS EXCLUSIVE MODE"} {
		_, err := holder.Exec(t.Context(), sql)
		s.must(err)
	}
	answers := make([]answered, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = v.get("/versions/master/tables") })
	}
	all.Wait()
	told := map[string]int{}
	for _, a := range answers {
		var got api.DetailedErrorResponse
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusServiceUnavailable || got.Code != api.CodeBusy || len(got.TraceID) != 32 {
			t.Errorf("%v: %+v", err, a)
		}
		if waits := got.Details == "too many requests at once"; waits != (a.header.Get("Retry-After") == "1") {
			t.Errorf("%+v", a)
		}
		told[got.Details]++
		v.wantLogged(got.TraceID)
	}
	if told["the answer took too long"] == 0 || told["too many requests at once"] == 0 || len(told) != 2 {
		t.Errorf("got %v", told)
	}
	_, err := holder.Exec(t.Context(), "ROLLBACK")
	s.must(err)
	if a := v.get("/versions/master/tables"); a.status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
}
