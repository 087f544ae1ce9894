package steps_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// cutStep is a step whose way to PostgreSQL is cut at one statement after the
// other. What it does is repeatable on one registry.
type cutStep struct {
	name      string
	liquibase bool
	model     func(t *testing.T) (base, added map[string]string)
	// before makes what the step works on, for the n-th time.
	before func(s *cutScene)
	run    func(s *cutScene) stepRun // by way of the registry's DATABASE_URL
	// after checks what a step that was cut has left, and that the next run
	// puts it right.
	after func(s *cutScene, was stepRun)
}

// cutScene is one registry, a change of it, and a neighbour that nothing may
// happen to.
type cutScene struct {
	*registry
	through *registry // behind the proxy
	pushed  lab.Pushed
	dir     string // the run directory
	n       int
	doomed  []string // what reconcile is to drop
}

var cutSteps = []cutStep{
	{name: "create-temp-db", model: migrations, before: (*cutScene).begins, run: (*cutScene).createsTempDB, after: (*cutScene).pipelineRecovers},
	{name: "apply-changelog", model: migrations, before: (*cutScene).beginsAndCreates, run: (*cutScene).appliesChangelog, after: (*cutScene).pipelineRecovers},
	{name: "create-temp-db by Liquibase", liquibase: true, model: onePerson, before: (*cutScene).begins, run: (*cutScene).createsTempDB, after: (*cutScene).pipelineRecovers},
	{name: "apply-changelog by Liquibase", liquibase: true, model: wholeRegistry, before: (*cutScene).beginsAndCreates, run: (*cutScene).appliesChangelog, after: (*cutScene).pipelineRecovers},
	{name: "try-change", model: migrations, before: (*cutScene).checksOut, run: (*cutScene).tries, after: (*cutScene).tryRecovers},
	{name: "prepare-template", model: migrations, before: func(*cutScene) {}, run: (*cutScene).preparesTemplate, after: (*cutScene).templateRecovers},
	{name: "doctor", model: migrations, before: func(*cutScene) {}, run: (*cutScene).examines, after: (*cutScene).doctorRecovers},
	{name: "cleanup-registry", model: migrations, before: (*cutScene).pollutes, run: (*cutScene).cleansUp, after: (*cutScene).cleanUpRecovers},
	{name: "reconcile", model: migrations, before: (*cutScene).strews, run: (*cutScene).reconciles, after: (*cutScene).reconcileRecovers},
}

// newCutScene is a registry with a deployed neighbour and a change.
func newCutScene(t *testing.T, c cutStep) *cutScene {
	t.Helper()
	env := []string{"PATCHBAY_MAX_CANDIDATES=0", "PATCHBAY_LOCK_TIMEOUT=20s"}
	if !c.liquibase {
		env = append(env, "PATCHBAY_CHANGELOG=data-model")
	}
	files, added := c.model(t)
	s := &cutScene{registry: newRegistryIn(t, corner{env: env}, files)}
	s.site.Super(t, "postgres", fmt.Sprintf(`COMMENT ON DATABASE %s IS '{"formatVersion":1,"state":"template"}'`, pg.Ident(s.site.Names.Template)))
	if c.name == "prepare-template" { // sets the reader up, once
		result[change.PrepareTemplate](s.registry, lab.Pushed{}, t.TempDir(), "prepare-template", 0)
	}
	s.pushed = s.onMaster("to be cut", added)
	if c.name == "reconcile" {
		s.must(s.act(s.pushed, "POST", "abandon", "{}"))
	}
	if c.name != "cleanup-registry" {
		s.verified(s.registry.run(s.onMaster("a neighbour", map[string]string{"README.md": "no model"})), +1)
	}
	return s
}

func migrations(*testing.T) (base, added map[string]string) {
	return map[string]string{"data-model/00001_first.sql": migration("CREATE TABLE registry.first (id int PRIMARY KEY);")}, newTable("added")
}

func onePerson(*testing.T) (base, added map[string]string) { return people(""), people(table("added")) }

func wholeRegistry(t *testing.T) (base, added map[string]string) {
	base = laboratories(t)
	const file = "data-model/procedures.sql"
	return base, map[string]string{file: base[file] + "\n--changeset olena:sample-note\nALTER TABLE registry.sample ADD note text;\n"}
}

func (s *cutScene) begins() { s.dir = s.begin(s.pushed) }

func (s *cutScene) beginsAndCreates() {
	s.begins()
	s.create(s.pushed, s.dir, 0)
}

func (s *cutScene) createsTempDB() stepRun { return s.through.step(s.pushed, s.dir, "create-temp-db") }

func (s *cutScene) appliesChangelog() stepRun {
	return s.through.step(s.pushed, s.dir, "apply-changelog")
}

// pipelineRecovers: a cut is never the candidate's fault, and the next run of
// the pipeline deploys.
func (s *cutScene) pipelineRecovers(was stepRun) {
	s.wasInfrastructure(was)
	if was.status != 0 {
		s.report(s.pushed, s.dir, vote(0))
	}
	s.recovers(s.pushed)
}

// wasInfrastructure: the step has done its work in spite of the cut, or says
// whose fault it was.
func (s *cutScene) wasInfrastructure(was stepRun) {
	s.Helper()
	switch was.status {
	case 0:
	case 1:
		for _, name := range []string{"create-temp-db", "apply-changelog", "prepare-template", "cleanup-registry", "doctor", "reconcile"} {
			path := filepath.Join(s.dir, name+".json")
			if _, err := os.Stat(path); err != nil || !strings.Contains(was.stdout, `"step":"`+name+`"`) {
				continue
			}
			s.failedAs(read[change.Header](s.registry, path), change.KindInfrastructure)
		}
	default:
		s.Errorf("exit status %d\n%s", was.status, was.stderr)
	}
}

func (s *cutScene) checksOut() { s.clone.Git(s.T, "checkout", "-q", "--detach", s.pushed.Revision) }

func (s *cutScene) tries() stepRun { return s.through.try(s.clone) }

func (s *cutScene) tryRecovers(was stepRun) {
	s.wasInfrastructure(was)
	s.tried(s.try(s.clone), 0, "1 table added")
	s.tidy(0, true)
	s.quiet(0)
}

func (s *cutScene) preparesTemplate() stepRun {
	s.dir = s.TempDir()
	return s.through.step(s.pushed, s.dir, "prepare-template")
}

// templateRecovers: at any moment there is a template to clone.
func (s *cutScene) templateRecovers(was stepRun) {
	s.wasInfrastructure(was)
	for range 2 {
		if there := s.column("postgres", "SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2 AND datname = "+pg.Literal(s.site.Names.Template)); len(there) != 1 {
			s.Error("there is no template")
		}
		result[change.PrepareTemplate](s.registry, s.pushed, s.TempDir(), "prepare-template", 0)
	}
	s.nothingLeft()
}

func (s *cutScene) examines() stepRun {
	s.dir = s.TempDir()
	return s.through.step(s.pushed, s.dir, "doctor", "--only", "postgresql,engine")
}

func (s *cutScene) doctorRecovers(was stepRun) {
	s.wasInfrastructure(was)
	result[change.Doctor](s.registry, s.pushed, s.TempDir(), "doctor", 0, "--only", "postgresql,engine")
	s.nothingLeft()
}

// pollutes makes one of each that a teardown finds.
func (s *cutScene) pollutes() {
	server, err := pg.Connect(s.Context(), pg.Config{URL: s.site.URL})
	if err != nil {
		s.Fatal(err)
	}
	defer server.Close(s.Context())
	names := s.site.Names
	if there, err := server.Database(s.Context(), names.Template); err != nil || there == nil {
		result[change.PrepareTemplate](s.registry, s.pushed, s.TempDir(), "prepare-template", 0)
	}
	attempt := names.Attempt(7, 1, 0x6565aabb)
	for _, name := range []string{names.Candidate(7), attempt, names.Base("0123456789abcdef")} {
		if err := server.Clone(s.Context(), names.Template, name, pg.Access{Owner: s.site.OwnerRole}, nil); err != nil {
			s.Fatal(err)
		}
	}
	login := pg.NewLogin(names.Login(attempt), attempt, s.site.OwnerRole)
	if err := server.CreateLogin(s.Context(), login, pg.LoginLimits{ValidFor: time.Hour, Connections: 2}); err != nil {
		s.Fatal(err)
	}
	for _, database := range []string{attempt, "postgres"} { // it pins itself
		conn := lab.Connect(s.T, s.site.Server.URL(login.Role, login.Password, database))
		for _, sql := range []string{"SET ROLE NONE", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"} {
			if _, err := conn.Exec(s.Context(), sql); err != nil {
				s.Fatal(err)
			}
		}
		conn.Close(s.Context())
	}
}

func (s *cutScene) cleansUp() stepRun {
	s.dir = s.TempDir()
	return s.through.step(s.pushed, s.dir, "cleanup-registry", "--yes", s.site.Names.Prefix)
}

func (s *cutScene) cleanUpRecovers(was stepRun) {
	s.wasInfrastructure(was)
	result[change.CleanupRegistry](s.registry, s.pushed, s.TempDir(), "cleanup-registry", 0, "--yes", s.site.Names.Prefix)
	candidates, leftovers := s.databases()
	if left := append(candidates, leftovers...); len(left) > 0 {
		s.Errorf("left: %v", left)
	}
}

// unneededDigest is that of a base database which nobody needs.
const unneededDigest = "0123456789abcdef"

// strews makes one of each that reconcile finds for the abandoned change.
func (s *cutScene) strews() {
	names, number := s.site.Names, s.pushed.Number
	attempt := names.Attempt(number, 1, stamped(2*time.Hour))
	s.doomed = []string{
		s.candidateOf(number, 0), attempt, s.base(unneededDigest, strings.Repeat("b", 40)),
		s.pinnedLogin(attempt), s.pinnedLogin(names.Attempt(number, 2, stamped(0))),
	}
	s.place(attempt, nil)
}

func (s *cutScene) reconciles() stepRun {
	s.dir = s.TempDir()
	return s.through.reconcileIn(s.dir, "--keep-base", "0")
}

// reconcileRecovers: a session that was cut holds its lock until its statement
// has ended, and reconcile leaves what is locked to its next run.
func (s *cutScene) reconcileRecovers(was stepRun) {
	s.wasInfrastructure(was)
	for end := time.Now().Add(20 * time.Second); len(s.reconcile(0, "--keep-base", "0").Locked) > 0 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	left := s.all()
	for _, name := range s.doomed {
		if slices.Contains(left, name) {
			s.Errorf("%s is left", name)
		}
	}
}

// rest is all of the registry that a run of the change has no business with:
// databases and roles, each with what is set on it.
func (s *cutScene) rest(c cutStep) map[string]string {
	s.Helper()
	lines := map[string]string{}
	name := strings.TrimSuffix(s.site.Names.Prefix, "dev-")
	for _, line := range s.column("postgres", fmt.Sprintf(`
		SELECT 'database ' || datname || chr(10) || concat_ws(' ', oid, datdba::regrole, datacl, datallowconn, datistemplate, datconnlimit, md5(shobj_description(oid, 'pg_database')))
		FROM pg_database WHERE starts_with(datname, %[1]s) OR datname = %[2]s
		UNION ALL SELECT 'role ' || rolname || chr(10) || concat_ws(' ', r.oid, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolinherit, rolconfig,
			(SELECT array_agg(m.member::regrole ORDER BY 1) FROM pg_auth_members m WHERE m.roleid = r.oid AND m.member::regrole::text !~ 'login')) FROM pg_roles r WHERE starts_with(rolname, %[2]s)`,
		pg.Literal(name), pg.Literal(strings.TrimSuffix(name, "-")))) {
		what, state, _ := strings.Cut(line, "\n")
		if !s.own(c, what) {
			lines[what] = state
		}
	}
	return lines
}

// own says that a database or role is the step's own business.
func (s *cutScene) own(c cutStep, what string) bool {
	_, name, _ := strings.Cut(what, " ")
	if of, login := s.site.Names.LoginOf(name); login {
		name = of
	}
	parsed, number := s.site.Names.Parse(name), s.pushed.Number
	switch c.name {
	case "cleanup-registry":
		return parsed.Kind != pg.Foreign
	case "prepare-template":
		return parsed.Kind == pg.Template || parsed.Kind == pg.BaseAttempt
	case "try-change":
		number = 0
	}
	own := (parsed.Kind == pg.Candidate || parsed.Kind == pg.Attempt) && parsed.Change == number
	return own || parsed.Kind == pg.BaseAttempt || parsed.Kind == pg.Spare || c.name == "reconcile" && name == s.site.Names.Base(unneededDigest)
}

// sameRest wants everything else to be as it was; base databases may have
// been added.
func (s *cutScene) sameRest(c cutStep, before map[string]string, when string) {
	s.Helper()
	now := s.rest(c)
	for what, state := range before {
		if now[what] != state {
			s.Errorf("%s: %s was\n%s\nand is\n%s", when, what, state, now[what])
		}
	}
	for what := range now {
		_, name, _ := strings.Cut(what, " ")
		kind := s.site.Names.Parse(name).Kind
		if _, was := before[what]; !was && kind != pg.Base && kind != pg.Spare {
			s.Errorf("%s: %s has come", when, what)
		}
	}
}

// cut is one run of the step, cut there, and what follows.
func (s *cutScene) cut(c cutStep, cut lab.StatementCut) (seen int) {
	s.n++
	// A setting of its own gives each run a base database of its own.
	inner := s.registry.with(fmt.Sprint("PATCHBAY_PARAMETERS=cut=", s.n)).alone()
	scene := &cutScene{registry: inner, pushed: s.pushed, n: s.n}
	proxy := lab.NewStatementProxy(s.T, fmt.Sprintf("%s:%d", s.site.Server.Host, s.site.Server.Port), cut)
	scene.through = inner.with("DATABASE_URL=" + s.site.ThroughProxy(proxy.Address()))
	c.before(scene)
	before := scene.rest(c)
	was := c.run(scene)
	proxy.Back()
	seen, struck := proxy.Seen()
	if struck == "" && was.status != 0 {
		s.Errorf("exit status %d without a cut\n%s", was.status, was.stderr)
	}
	s.Logf("cut at statement %d (%s): exit status %d", cut.At, strings.Join(strings.Fields(struck), " "), was.status)
	scene.sameRest(c, before, "after the cut")
	c.after(scene, was)
	scene.sameRest(c, before, "after the next run")
	s.dropBases(before)
	return seen
}

// dropBases makes room: every run has made a base database, some a spare.
func (s *cutScene) dropBases(before map[string]string) {
	s.Helper()
	for _, name := range s.column("postgres", "SELECT datname FROM pg_database") {
		kind := s.site.Names.Parse(name).Kind
		if kind == pg.Spare || kind == pg.Base && before["database "+name] == "" {
			s.site.Super(s.T, "postgres", "DROP DATABASE "+pg.Ident(name))
		}
	}
}

// TestStatementCuts cuts every step at its k-th statement, so that it never
// arrives, or its answer is lost, or the server cannot be reached any more
// either: for some k, drawn by a seed, or all in a long run.
// PATCHBAY_CUTS_SEED repeats the choices of an earlier run.
func TestStatementCuts(t *testing.T) {
	t.Parallel()
	seed := cutSeed(t)
	for i, c := range cutSteps {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newCutScene(t, c)
			all := s.cut(c, lab.StatementCut{})
			t.Logf("seed %d, %d statements", seed, all)
			if all < 5 {
				t.Fatalf("only %d statements were seen", all)
			}
			for _, cut := range cutsOf(c, all, rand.New(rand.NewPCG(seed, uint64(i)))) {
				s.Run(fmt.Sprintf("%+v", cut), func(t *testing.T) {
					inner := *s
					inner.registry = s.in(t)
					inner.cut(c, cut)
					s.n = inner.n
				})
			}
		})
	}
}

func cutSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("PATCHBAY_CUTS_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// cutsOf are all statements in both ways in a long run (in one of them with
// Liquibase), else some in one way. Whether the server comes back takes turns.
func cutsOf(c cutStep, all int, random *rand.Rand) (cuts []lab.StatementCut) {
	turn := random.IntN(4)
	for i, at := range cutPoints(c, all, random) {
		turn := turn + i
		ways := []lab.StatementCut{{At: at, Away: turn%4 > 1}, {At: at, Lost: true, Away: turn%4 < 2}}
		if !long || c.liquibase {
			ways = ways[turn%2:][:1]
		}
		cuts = append(cuts, ways...)
	}
	return cuts
}

// cutPoints are all statements in a long run, else one of each stretch, which
// are shorter towards the end, where names are swapped.
func cutPoints(c cutStep, all int, random *rand.Rand) (points []int) {
	if long {
		for at := range all + 2 { // what waits asks once more or less
			points = append(points, at+1)
		}
		return points
	}
	ends := []int{30, 60, 80, 95, 100}
	if c.liquibase { // takes seconds
		ends = []int{70, 100}
	}
	from := 0
	for _, end := range ends {
		to := max(from+1, all*end/100)
		points = append(points, from+1+random.IntN(to-from))
		from = to
	}
	return points
}
