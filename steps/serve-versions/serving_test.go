package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestConditional: an answer that did not change is not sent again.
func TestConditional(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "CREATE TABLE courier (id int)")
	v := s.serve()
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	for _, path := range []string{"/versions/master", "/versions/master/tables", "/versions/master/tables/laboratory", "/versions/candidates", of, of + "/tables", of + "/diff", of + "/snapshot"} {
		first := v.get(path)
		etag := first.header.Get("ETag")
		again := v.get(path, "If-None-Match", `"x", `+etag)
		if !strings.HasPrefix(etag, `W/"`) || first.status != 200 || again.status != 304 || again.body != "" || again.header.Get("ETag") != etag || first.header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %q, then %d %q", path, first.status, etag, again.status, again.body)
		}
	}
	etag := v.get(of + "/tables").header.Get("ETag")
	s.publish(p, "CREATE TABLE courier (id int); CREATE TABLE other (id int)")
	if a := v.get(of+"/tables", "If-None-Match", etag); a.status != 200 || !strings.Contains(a.body, "other") {
		t.Errorf("after a swap: %+v", a)
	}
	if head := v.do(http.MethodHead, of+"/tables"); head.status != 200 || head.body != "" || head.header.Get("ETag") == "" {
		t.Errorf("HEAD: %+v\n%s", head, v.log)
	}
}

func TestCompressed(t *testing.T) {
	t.Parallel()
	v := newScene(t).serve()
	plain := v.get("/versions/master/tables/laboratory", "Accept-Encoding", "identity")
	packed := v.get("/versions/master/tables/laboratory", "Accept-Encoding", "gzip")
	if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Vary") == "" || len(packed.body) >= len(plain.body) || packed.header.Get("ETag") != plain.header.Get("ETag") {
		t.Fatalf("got %v, %d of %d bytes", packed.header, len(packed.body), len(plain.body))
	}
	reader, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != plain.body {
		t.Errorf("%v: %s", err, text)
	}
}

func TestHeadersAndOperations(t *testing.T) {
	t.Parallel()
	v := newScene(t).serve()
	for _, path := range []string{"/versions/master/tables", "/nowhere", "/healthz", "/openapi.json"} {
		h := v.get(path).header
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("X-Frame-Options") != "DENY" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	var described struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Responses map[string]any
			Summary   string
		}
	}
	if err := json.Unmarshal([]byte(v.get("/openapi.json").body), &described); err != nil {
		t.Fatal(err)
	}
	if described.OpenAPI != "3.1.0" || len(described.Paths) != 9 {
		t.Errorf("got %s, %d paths", described.OpenAPI, len(described.Paths))
	}
	for path, operations := range described.Paths {
		get := operations["get"]
		if get.Summary == "" || get.Responses["200"] == nil || get.Responses["400"] == nil || get.Responses["422"] != nil {
			t.Errorf("%s: %+v", path, get)
		}
	}
	v.get("/versions/master/tables/laboratory?secret=hunter2", "Authorization", "Bearer hunter3", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	metrics := v.get("/metrics").body
	for _, want := range []string{`patchbay_versions_request_seconds_count{route="/versions/master/tables",status="200"} 1`, `patchbay_versions_faults_total{code="Bad Request"} 1`, "patchbay_versions_sessions_open 1", `route="other",status="404"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics have no %s:\n%s", want, metrics)
		}
	}
	v.wantLogged(`"trace":"4bf92f3577b34da6a3ce929d0e0e4736"`)
	if log := v.log.String(); strings.Contains(log, "hunter") {
		t.Errorf("the log holds what a request carried:\n%s", log)
	}
}

// TestDescribed: every parameter and every member whose form its type does not
// say has an example.
func TestDescribed(t *testing.T) {
	t.Parallel()
	type schema struct {
		Type       any
		Format     string
		Ref        string `json:"$ref"`
		Enum       []any
		Examples   []any
		Properties map[string]schema
	}
	var described struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name, In string
					Example  any
					Schema   schema
				}
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal([]byte(newScene(t).serve().get("/openapi.json").body), &described); err != nil {
		t.Fatal(err)
	}
	told := 0
	for path, p := range described.Paths {
		for _, q := range p.Get.Parameters {
			if told++; q.In == "path" && q.Example == nil && len(q.Schema.Examples) == 0 {
				t.Errorf("%s: %s has no example", path, q.Name)
			}
		}
	}
	for name, c := range described.Components.Schemas {
		if strings.HasPrefix(name, "Snapshot") {
			continue // schema.json has a page of its own
		}
		for member, m := range c.Properties {
			text := fmt.Sprint(m.Type)
			if told++; (strings.Contains(text, "string") || strings.Contains(text, "integer")) && len(m.Examples) == 0 && len(m.Enum) == 0 && m.Ref == "" {
				t.Errorf("%s.%s has no example", name, member)
			}
		}
	}
	if told < 60 {
		t.Errorf("only %d parameters and members", told)
	}
}

// TestRequestLimits: what is too large is refused.
func TestRequestLimits(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	v := s.serve()
	if a := v.get("/versions/master", "X-Large", strings.Repeat("x", 40<<10)); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("large headers: %d", a.status)
	}
	if a := v.get("/versions/master/tables/" + strings.Repeat("x", 300)); a.status != 400 {
		t.Errorf("a long name: %d %s", a.status, a.body)
	}
}

// TestGracefulStop: what is being answered is answered, then the step ends
// with status 0 and without sessions.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	v := s.serve()
	holder := lab.Connect(t, s.site.SuperURL(s.master))
	for _, sql := range []string{"BEGIN", "LOCK TABLE pg_catalog.pg_constraint IN ACCESS EXCLUSIVE MODE"} {
		if _, err := holder.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	answer := make(chan int, 1)
	go func() { answer <- v.get("/versions/master/tables").status }()
	time.Sleep(500 * time.Millisecond)
	s.must(v.cmd.Process.Signal(syscall.SIGTERM))
	time.Sleep(300 * time.Millisecond)
	if response, err := http.Get(v.URL + "/healthz"); err == nil {
		response.Body.Close()
		t.Error("a new request was taken after the signal")
	}
	if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if status := <-answer; status != 200 {
		t.Errorf("the request at work: %d", status)
	}
	if err := v.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, v.log)
	}
	sessions := 0
	s.must(holder.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", s.site.ReaderRole).Scan(&sessions))
	if sessions != 0 {
		t.Errorf("%d sessions are left", sessions)
	}
}

// TestRefused: all faults of the input are told together, with exit status 2.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want []string
	}{
		"nothing given": {nil, []string{"GERRIT_PROJECT", "GERRIT_URL"}},
		"open to all":   {[]string{"PATCHBAY_LISTEN=0.0.0.0:0", "GERRIT_PROJECT=x", "GERRIT_URL=http://x"}, []string{"--auth"}},
		"a name":        {[]string{"PATCHBAY_LISTEN=example.org:80", "GERRIT_PROJECT=x", "GERRIT_URL=http://x"}, []string{"--auth"}},
		"many":          {[]string{"PATCHBAY_LISTEN=8080", "PATCHBAY_POOLS=-1", "PATCHBAY_IDLE=0s", "PATCHBAY_PREFIX=X"}, []string{"--listen", "--pools", "--idle", "--prefix"}},
		"pending":       {[]string{"PATCHBAY_PENDING_NAME=WAITING", "GERRIT_PROJECT=x", "GERRIT_URL=http://x"}, []string{"PATCHBAY_PENDING_NAME"}},
		"a bad URL":     {[]string{"DATABASE_URL=postgres://u:geheim@h:x/", "GERRIT_PROJECT=x", "GERRIT_URL=http://x"}, []string{"DATABASE_URL"}},
	} {
		cmd := command(t.Context(), append([]string{"PATCHBAY_TEST_AS_STEP=1"}, c.env...))
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 || strings.Contains(string(out), "geheim") {
			t.Errorf("%s: exit status %d: %s", name, cmd.ProcessState.ExitCode(), out)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: no %q in: %s", name, want, out)
			}
		}
	}
	cmd := command(t.Context(), []string{"PATCHBAY_TEST_AS_STEP=1"}, "--help")
	out, err := cmd.CombinedOutput()
	if err != nil || !regexp.MustCompile(`(?s)Reads:.*--listen.*DATABASE_URL.*Examples:`).Match(out) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestPortTaken is told with a remedy.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	v := s.serve()
	cmd := command(t.Context(), append(s.env(), "PATCHBAY_LISTEN="+strings.TrimPrefix(v.URL, "http://")))
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "another port") {
		t.Errorf("exit status %d: %s", cmd.ProcessState.ExitCode(), out)
	}
}

// TestReaderSeesNoRow: with the login that serves all this, not one row of one
// table can be read, in master and in a candidate, nor the samples of values
// that the planner keeps.
func TestReaderSeesNoRow(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("couriers")
	s.publish(p, "CREATE TABLE courier (id int); INSERT INTO courier VALUES (1)")
	s.site.Super(t, s.master, "INSERT INTO registry.nokey VALUES (1)")
	for _, database := range []string{s.master, s.site.Names.Candidate(p.Number)} {
		s.site.Super(t, database, "ANALYZE")
		all := lab.Connect(t, s.site.SuperURL(database))
		var tables []string
		s.must(all.QueryRow(t.Context(), "SELECT array_agg(format('%I.%I', n.nspname, c.relname)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname IN ('registry', 'archive')").Scan(&tables))
		if len(tables) < 10 {
			t.Fatalf("only %v", tables)
		}
		reader := lab.Connect(t, s.site.ReaderURL(database))
		for _, table := range tables {
			if rows, err := reader.Exec(t.Context(), "TABLE "+table); err == nil || !strings.Contains(err.Error(), "42501") {
				t.Errorf("%s of %s was read: %v, %v", table, database, rows, err)
			}
		}
		const samples = "SELECT count(*) FROM pg_stats WHERE schemaname IN ('registry', 'archive')"
		var some, none int
		s.must(errors.Join(all.QueryRow(t.Context(), samples).Scan(&some), reader.QueryRow(t.Context(), samples).Scan(&none)))
		if some == 0 || none != 0 {
			t.Errorf("samples of %s: %d for a superuser, %d for the reader", database, some, none)
		}
		all.Close(t.Context())
		reader.Close(t.Context())
	}
}

// TestNoRowIsShown: a candidate that grants to PUBLIC opens its rows to the
// reader's login, which its difference warns of; no answer shows them.
func TestNoRowIsShown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("opens")
	s.publish(p, "CREATE TABLE courier (name text); INSERT INTO courier VALUES ('a-row'); ANALYZE courier; GRANT USAGE ON SCHEMA registry TO PUBLIC; GRANT SELECT ON courier TO PUBLIC")
	var row string
	s.must(lab.Connect(t, s.site.ReaderURL(s.site.Names.Candidate(p.Number))).QueryRow(t.Context(), "SELECT name FROM registry.courier").Scan(&row))
	v := s.serve()
	of := fmt.Sprintf("/candidates/%d", p.Number)
	for _, path := range []string{"", "/tables", "/tables/courier", "/diff", "/diff?against=base", "/snapshot"} {
		if a := v.get("/versions" + of + path); a.status != 200 || strings.Contains(a.body, row) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"", "?against=base", "/tables", "/tables/courier"} {
		if a := v.get(of + path); a.status != 200 || strings.Contains(a.body, row) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := v.get("/versions" + of + "/diff?against=base"); !strings.Contains(a.body, "granted to PUBLIC") {
		t.Errorf("nobody is warned: %s", a.body)
	}
}

// TestReaderWithRights: a reader with more rights than it needs is told of at
// the start, by what it has them, and in /readyz.
func TestReaderWithRights(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	reader, owner := pg.Ident(s.site.ReaderRole), pg.Ident(s.site.OwnerRole)
	s.site.Super(t, s.master, "ALTER TABLE registry.subject OWNER TO "+owner)
	v := s.serve()
	if a := v.get("/readyz"); a.body != "ok\n" {
		t.Errorf("a reader as it should be: %q", a.body)
	}
	const schema = "GRANT USAGE ON SCHEMA registry TO PUBLIC;"
	for _, c := range []struct{ grant, revoke, want string }{
		{"ALTER ROLE " + reader + " SUPERUSER", "ALTER ROLE " + reader + " NOSUPERUSER", "it is a superuser"},
		{"ALTER ROLE " + reader + " BYPASSRLS", "ALTER ROLE " + reader + " NOBYPASSRLS", "it has BYPASSRLS"},
		{"GRANT pg_read_all_data TO " + reader, "REVOKE pg_read_all_data FROM " + reader, "it can act as pg_read_all_data"},
		{"GRANT pg_write_all_data TO " + reader, "REVOKE pg_write_all_data FROM " + reader, "it can act as pg_write_all_data"},
		{"GRANT " + owner + " TO " + reader, "REVOKE " + owner + " FROM " + reader, "it can act as " + s.site.OwnerRole + ", which owns tables"},
		{schema + "GRANT SELECT ON registry.nokey TO " + reader, "REVOKE SELECT ON registry.nokey FROM " + reader, "it has rights on 1 tables or views, registry.nokey among them"},
		{schema + "GRANT SELECT (a) ON registry.nokey TO " + reader, "REVOKE SELECT (a) ON registry.nokey FROM " + reader, "it has rights on 1 tables or views, registry.nokey among them"},
		{schema + "GRANT SELECT ON ALL TABLES IN SCHEMA registry TO PUBLIC", "REVOKE SELECT ON ALL TABLES IN SCHEMA registry FROM PUBLIC", "it has rights on 10 tables or views, "},
	} {
		s.site.Super(t, s.master, c.grant)
		with := s.serve()
		with.wantLogged("the reader has rights to rows: " + c.want)
		if a := with.get("/readyz"); a.status != 200 || !strings.HasPrefix(a.body, "ok\nwarning: ") || strings.Contains(a.body, "nokey") {
			t.Errorf("%s: %+v", c.grant, a)
		}
		with.stop()
		s.site.Super(t, s.master, c.revoke)
	}
	if a := v.get("/readyz"); a.body != "ok\n" {
		t.Errorf("after all is taken back: %q", a.body)
	}
}
