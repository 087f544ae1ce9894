package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/message"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// TestMain makes the test binary the step when it is started as one: so the
// server under test is a process of its own, built like the tests.
func TestMain(m *testing.M) {
	if os.Getenv("PATCHBAY_TEST_AS_STEP") != "" {
		main()
	}
	os.Exit(m.Run())
}

// scene is a registry on Gerrit with master's database and a corner for
// candidates.
type scene struct {
	*testing.T
	site    *lab.Site
	server  *pg.Server
	gerrit  *lab.GerritServer
	project string
	clone   *lab.Clone
	master  string // database
}

// model is what master holds: the platform's kinds of tables among them.
const model = `
CREATE SCHEMA registry; SET search_path = registry;
CREATE DOMAIN edrpou AS text;
CREATE TYPE status AS ENUM ('NEW', 'ACTIVE');
CREATE TABLE subject (subject_id uuid CONSTRAINT pk_subject PRIMARY KEY);
COMMENT ON TABLE subject IS 'Суб’єкт';
CREATE TABLE laboratory (
	laboratory_id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_laboratory_id PRIMARY KEY,
	name text NOT NULL,
	edrpou edrpou CONSTRAINT ui_laboratory_edrpou UNIQUE,
	phone varchar(50),
	state status DEFAULT 'NEW',
	tags text[],
	subject_id uuid NOT NULL CONSTRAINT fk_laboratory_subject REFERENCES subject (subject_id),
	price numeric(12,2) CONSTRAINT ck_price CHECK (price > 0),
	number int GENERATED ALWAYS AS IDENTITY,
	ddm_created_at timestamptz, dcm_access_role text, ddmark text);
COMMENT ON TABLE laboratory IS 'Лабораторія';
COMMENT ON COLUMN laboratory.phone IS 'Телефон';
CREATE INDEX ix_laboratory_name ON laboratory (name DESC, phone);
CREATE INDEX ix_laboratory_lower ON laboratory (lower(name)) WHERE phone IS NOT NULL;
CREATE UNIQUE INDEX ui_laboratory_name ON laboratory (name);
CREATE INDEX ix_laboratory_tags_m2m ON laboratory USING gin (tags);
CREATE TABLE laboratory_hst (laboratory_id uuid);
CREATE TABLE ddm_settings (name text); CREATE TABLE ddmark (name text);
CREATE TABLE test_result (laboratory_id uuid CONSTRAINT fk_result_laboratory REFERENCES laboratory, value int);
CREATE TABLE nokey (a int); CREATE INDEX ix_nokey ON nokey (a);
CREATE VIEW laboratory_v AS SELECT name FROM laboratory;
CREATE TABLE databasechangelog (id text); CREATE TABLE databasechangeloglock (id int);
CREATE SCHEMA archive; CREATE TABLE archive.laboratory (id int);
`

func newScene(t *testing.T) *scene {
	t.Helper()
	return newSceneOf(t, lab.Postgres(t, 15), model)
}

func newSceneOf(t *testing.T, site *lab.Site, ddl string) *scene {
	t.Helper()
	s := &scene{T: t, site: site, gerrit: lab.Gerrit(t), master: site.Names.Template + "-master"}
	s.project = s.gerrit.NewProject(t)
	s.clone = s.gerrit.Clone(t, s.project)
	s.site.Template(t, ddl)
	server, err := pg.Connect(t.Context(), pg.Config{URL: s.site.URL})
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	t.Cleanup(func() { server.Close(context.Background()) })
	s.site.Super(t, "postgres", fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", pg.Ident(s.master), pg.Ident(s.site.Names.Template)))
	t.Cleanup(func() { s.drop(s.master) })
	return s
}

// drop is for the end of a test.
func (s *scene) drop(database string) {
	conn, err := pgx.Connect(context.Background(), s.site.SuperURL("postgres"))
	if err != nil {
		s.Error(err)
		return
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", pg.Ident(database))); err != nil {
		s.Error(err)
	}
}

// push makes a change on top of the branch.
func (s *scene) push(subject string) lab.Pushed {
	s.Helper()
	s.clone.Git(s.T, "checkout", "-q", "--detach", "origin/master")
	return s.clone.Push(s.T, subject, map[string]string{"data-model/" + strings.ReplaceAll(subject, " ", "-") + ".xml": subject})
}

// publish gives a change a database made of the template and some DDL, as the
// pipeline would.
func (s *scene) publish(p lab.Pushed, ddl string, spoil ...func(*candidate.Provenance)) {
	s.Helper()
	n := s.site.Names
	stamp := uint32(time.Now().UnixNano() >> 10)
	attempt, retired := n.Attempt(p.Number, p.PatchSet, stamp), n.Attempt(p.Number, p.PatchSet, stamp+1)
	s.must(s.server.Clone(s.Context(), n.Template, attempt, pg.Access{Owner: s.site.OwnerRole}, nil))
	base := s.snapshot(attempt)
	if ddl != "" {
		s.site.Super(s.T, attempt, "SET search_path = registry;"+ddl)
	}
	difference, _ := schema.Encode(schema.Compare(base, s.snapshot(attempt)), 64<<10)
	provenance := candidate.Provenance{
		State: candidate.StatePublished, Gerrit: s.gerrit.URL, Difference: difference,
		PatchSet: change.PatchSet{Project: p.Project, Change: p.Number, PatchSet: p.PatchSet, Revision: p.Revision},
	}
	for _, f := range spoil {
		f(&provenance)
	}
	comment, err := provenance.Comment()
	s.must(err)
	swap, err := s.server.Publish(s.Context(), pg.Publication{
		Attempt: attempt, Public: n.Candidate(p.Number), Retired: retired, Comment: comment, Owner: s.site.OwnerRole, Reader: s.site.ReaderRole,
	})
	s.must(err)
	if swap.Replaced {
		s.must(s.server.Drop(s.Context(), n, retired))
	}
}

func (s *scene) snapshot(database string) *schema.Snapshot {
	s.Helper()
	conn, err := s.server.Catalog(s.Context(), database)
	s.must(err)
	defer conn.Close(s.Context())
	snapshot, err := schema.Read(s.Context(), conn, schema.Options{})
	s.must(err)
	return snapshot
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// report votes as the pipeline does, with its message.
func (s *scene) report(p lab.Pushed, vote int, text string, file string, line int) {
	s.Helper()
	m := message.Marker{Revision: p.Revision, Attempt: fmt.Sprintf("%08x", time.Now().UnixNano()>>16), Vote: vote, File: file, Line: line}
	headline := map[int]string{1: "Deploys: ", 0: "Not verified: ", -1: "Does not deploy: "}[vote]
	failure := change.Failure{Message: text, File: file, Line: line}
	body, err := json.Marshal(map[string]any{
		"labels": map[string]int{"Verified": vote}, "tag": message.Tag("registry"),
		"message": headline + message.Plain(failure.Error()) + "\n\n" + m.String(),
	})
	s.must(err)
	s.gerrit.MustREST(s.T, s.gerrit.CI(), "POST", lab.ChangePath(p.Project, p.Number, "revisions", p.Revision, "review"), string(body))
}

// served is a running serve-versions.
type served struct {
	*scene
	URL string
	cmd *exec.Cmd
	log *syncBuffer
}

type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (s *scene) env() []string {
	return append(os.Environ(), "PATCHBAY_TEST_AS_STEP=1", "GITHUB_ACTIONS=", "JENKINS_URL=", "PATCHBAY_LOG_FORMAT=json",
		"DATABASE_URL="+s.site.ReaderURL("postgres"), "PATCHBAY_MASTER_URL="+s.site.ReaderURL(s.master), "PATCHBAY_PREFIX="+s.site.Names.Prefix,
		"GERRIT_URL="+s.gerrit.URL, "GERRIT_USERNAME="+s.gerrit.CI().Username, "GERRIT_PASSWORD="+s.gerrit.CI().Password,
		"GERRIT_PROJECT="+s.project, "PATCHBAY_LISTEN=127.0.0.1:0")
}

func command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = env
	return cmd
}

// serve starts the step with more settings and ends it with the test.
func (s *scene) serve(settings ...string) *served {
	s.Helper()
	v := &served{scene: s, log: &syncBuffer{}}
	v.cmd = command(context.Background(), append(s.env(), settings...))
	v.cmd.Stderr = v.log
	stdout, err := v.cmd.StdoutPipe()
	s.must(err)
	s.must(v.cmd.Start())
	s.Cleanup(v.stop)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		s.Fatalf("no address: %v\n%s", err, v.log)
	}
	v.URL = strings.TrimSpace(line)
	return v
}

func (v *served) stop() {
	if v.cmd.ProcessState != nil {
		return
	}
	_ = v.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	if err := v.cmd.Wait(); err != nil {
		v.Errorf("serve-versions: %v\n%s", err, v.log)
	}
}

// answered is what one request got.
type answered struct {
	status int
	header http.Header
	body   string
}

func (v *served) get(path string, header ...string) answered {
	v.Helper()
	return v.do(http.MethodGet, path, header...)
}

func (v *served) do(method, path string, header ...string) answered {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), method, v.URL+path, nil)
	v.must(err)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	v.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	v.must(err)
	return answered{response.StatusCode, response.Header, string(body)}
}

// read asks for JSON that must be answered with 200.
func read[T any](v *served, path string) (value T, header http.Header) {
	v.Helper()
	a := v.get(path)
	if a.status != http.StatusOK {
		v.Fatalf("%s: %d %s\n%s", path, a.status, a.body, v.log)
	}
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		v.Fatalf("%s: %v: %s", path, err, a.body)
	}
	return value, a.header
}
