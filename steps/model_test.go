package steps_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestModel lets people, pipelines, reconcile, killers and faults at one
// registry, at random, and looks after each step whether a database of an open
// change was lost or something was touched that is not ours. At the end, when
// all is well again, one run of each pipeline and one of reconcile must bring
// what is there to what should be.
//
// It takes a minute, or twenty in a long run; PATCHBAY_MODEL_TIME sets
// another time, PATCHBAY_MODEL_SEED repeats the choices of an earlier run.
func TestModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for end := time.Now().Add(modelTime(t)); time.Now().Before(end) && !t.Failed(); {
		w.step()
	}
	w.quietly(w.settle)
	t.Logf("%d steps, seed %d: %v; dropped %v", len(w.journal), w.seed, w.counts, w.dropped)
	if len(w.journal) > 100 && w.dropped["closed"] == 0 {
		t.Errorf("reconcile has dropped nothing that was closed: %v", w.dropped)
	}
	if t.Failed() {
		t.Logf("the last steps:\n%s", strings.Join(w.journal[max(0, len(w.journal)-40):], "\n"))
	}
}

func modelTime(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("PATCHBAY_MODEL_TIME"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if long {
		return 20 * time.Minute
	}
	return time.Minute
}

// world is one registry and what is known of it.
type world struct {
	*registry
	*rand.Rand
	seed    uint64
	server  *lab.OwnPostgres
	proxy   *lab.FaultProxy
	network *lab.TCPProxy
	planted map[string]string // databases that nobody may touch, with their OIDs
	changes []*modelled
	private bool // the account may view private changes
	version int  // of the last migration
	journal []string
	counts  map[string]int

	drops   sync.Mutex
	dropped map[string]int // by what they rested on
}

// modelled is a change as it should be.
type modelled struct {
	lab.Pushed
	state   string // NEW, MERGED, ABANDONED, or gone
	private bool
	bad     bool // its current patch set does not deploy
	path    string
}

const gone = "gone"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{seed: rand.Uint64(), version: 1, counts: map[string]int{}, dropped: map[string]int{}, planted: map[string]string{}}
	if text := os.Getenv("PATCHBAY_MODEL_SEED"); text != "" {
		var err error
		if w.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", w.seed)
	w.Rand = rand.New(rand.NewPCG(w.seed, 0))
	server, site := ownServer(t)
	w.server = server
	w.network = lab.NewTCPProxy(t, fmt.Sprintf("%s:%d", server.Host, server.Port))
	r, proxy := quick(t, corner{site: site}).behind()
	w.registry, w.proxy = r.with("DATABASE_URL="+site.ThroughProxy(w.network.Address()), "PATCHBAY_GERRIT_TIMEOUT=2s"), proxy
	w.plant()
	return w
}

// say notes a step.
func (w *world) say(action, format string, args ...any) {
	w.counts[action]++
	w.journal = append(w.journal, fmt.Sprintf("%4d %s %s", len(w.journal), action, fmt.Sprintf(format, args...)))
}

// choose picks one of the changes that fit; nil when there is none.
func (w *world) choose(fits func(*modelled) bool) *modelled {
	var some []*modelled
	for _, c := range w.changes {
		if fits(c) {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[w.IntN(len(some))]
}

func isOpen(c *modelled) bool      { return c.state == "NEW" }
func isPublic(c *modelled) bool    { return c.state == "NEW" && !c.private }
func isAbandoned(c *modelled) bool { return c.state == "ABANDONED" }
func isDeletable(c *modelled) bool { return c.state == "NEW" || c.state == "ABANDONED" }
func isThere(c *modelled) bool     { return c.state != gone }
func anyOne(*modelled) bool        { return true }

// deed is something that people do, and how likely.
type deed struct {
	name   string
	weight int
	fits   func(*modelled) bool // nil: no change is needed
	do     func(*world, *modelled) error
}

var deeds = []deed{
	{"push", 12, nil, func(w *world, _ *modelled) error { return w.push() }},
	{"amend", 6, isOpen, func(w *world, c *modelled) error { return w.amendTo(c, w.IntN(5) == 0) }},
	{"reword", 2, isOpen, func(w *world, c *modelled) error {
		return w.changed(c, "PUT", "message", `{"message":"reworded `+fmt.Sprint(w.Uint32())+`\n\nChange-Id: `+w.changeID(c)+`\n"}`)
	}},
	{"rebase", 3, isPublic, (*world).rebase},
	{"merge", 3, isPublic, (*world).merge},
	{"abandon", 4, isOpen, func(w *world, c *modelled) error { return w.become(c, "ABANDONED", "abandon") }},
	{"restore", 4, isAbandoned, func(w *world, c *modelled) error { return w.become(c, "NEW", "restore") }},
	{"delete", 3, isDeletable, (*world).remove},
	{"private", 5, isPublic, (*world).hide},
	{"public", 2, func(c *modelled) bool { return isOpen(c) && c.private }, func(w *world, c *modelled) error {
		c.private = false
		return w.act(c.Pushed, "DELETE", "private", "")
	}},
	{"sight", 2, nil, func(w *world, _ *modelled) error { return w.view(!w.private) }},
}

// step does one thing, or several at once, and looks at what became of it.
func (w *world) step() {
	switch w.IntN(20) {
	case 0, 1, 2, 3, 4, 5:
		w.people()
	case 6, 7, 8, 9:
		w.pipelineRun()
	case 10, 11, 12, 13:
		w.reconcileRun()
	case 14, 15, 16:
		w.together()
	case 17, 18:
		w.faulty()
	case 19:
		w.killed()
	}
}

// people do one deed that can be done.
func (w *world) people() {
	var can []deed
	for _, d := range deeds {
		if d.fits == nil || w.choose(d.fits) != nil {
			can = append(can, slices.Repeat([]deed{d}, d.weight)...)
		}
	}
	w.deed(can[w.IntN(len(can))])
}

func (w *world) deed(d deed) {
	var c *modelled
	if d.fits != nil {
		c = w.choose(d.fits)
		w.say(d.name, "change %d", c.Number)
	} else {
		w.say(d.name, "")
	}
	before := w.standing()
	if err := d.do(w, c); err != nil {
		w.Fatalf("seed %d: %s: %v", w.seed, d.name, err)
	}
	w.check(before, nil)
}

// push makes a change, unless there are many already.
func (w *world) push() error {
	if len(slices.DeleteFunc(slices.Clone(w.changes), func(c *modelled) bool { return !isOpen(c) })) >= 8 {
		return nil
	}
	w.version++
	c := &modelled{state: "NEW", path: migrationPath(w.version), bad: w.IntN(8) == 0}
	c.Pushed = w.onMaster(fmt.Sprint("change ", w.version), map[string]string{c.path: migrationText(w.version, c.bad)})
	w.changes = append(w.changes, c)
	return nil
}

func migrationPath(version int) string { return fmt.Sprintf("data-model/%05d_t.sql", version) }

func migrationText(version int, bad bool) string {
	if bad {
		return migration("SELECT 1/0;")
	}
	return migration(fmt.Sprintf("CREATE TABLE registry.t_%05d (id int PRIMARY KEY);", version))
}

// amendTo gives a change another migration in the place of its own: a later
// one, since goose refuses one that comes before what the base has.
func (w *world) amendTo(c *modelled, bad bool) error {
	w.version++
	old := c.path
	c.path, c.bad = migrationPath(w.version), bad
	content := `{"binary_content":"data:text/plain;base64,` + base64.StdEncoding.EncodeToString([]byte(migrationText(w.version, bad))) + `"}`
	for _, call := range [][3]string{{"PUT", "edit/" + url.PathEscape(c.path), content}, {"DELETE", "edit/" + url.PathEscape(old), ""}, {"POST", "edit:publish", "{}"}} {
		if err := w.act(c.Pushed, call[0], call[1], call[2]); err != nil {
			return err
		}
	}
	return w.refresh(c)
}

func (w *world) changed(c *modelled, method, below, body string) error {
	if err := w.act(c.Pushed, method, below, body); err != nil {
		return err
	}
	return w.refresh(c)
}

// rebase is done by Gerrit; the migration is renewed for the new base.
func (w *world) rebase(c *modelled) error {
	err := w.act(c.Pushed, "POST", "rebase", "{}")
	if err != nil && strings.Contains(err.Error(), "409") { // up to date already
		return nil
	}
	if err != nil {
		return err
	}
	return w.amendTo(c, c.bad)
}

// merge renews the migration first: what is on the branch must deploy.
func (w *world) merge(c *modelled) error {
	if err := w.rebase(c); err != nil {
		return err
	}
	if c.bad {
		if err := w.amendTo(c, false); err != nil {
			return err
		}
	}
	c.state = "MERGED"
	return w.submit(c.Pushed)
}

func (w *world) become(c *modelled, state, below string) error {
	c.state = state
	return w.act(c.Pushed, "POST", below, "{}")
}

// hide makes a change private. The account is a reviewer of what it voted on
// and goes on seeing it, unless it is removed.
func (w *world) hide(c *modelled) error {
	if w.IntN(3) > 0 {
		status, answer, err := w.gerrit.Call(context.Background(), w.gerrit.Admin(), "DELETE", lab.ChangePath(c.Project, c.Number, "reviewers/ci"), "")
		if err == nil && status != 204 && status != 404 { // it is none
			err = fmt.Errorf("remove the reviewer: %d %s", status, answer)
		}
		if err != nil {
			return err
		}
	}
	c.private = true
	return w.act(c.Pushed, "POST", "private", "{}")
}

func (w *world) remove(c *modelled) error {
	c.state = gone
	as := w.gerrit.Admin()
	if c.private { // whom the administrator cannot see
		if err := w.act(c.Pushed, "DELETE", "private", ""); err != nil {
			return err
		}
	}
	status, answer, err := w.gerrit.Call(context.Background(), as, "DELETE", lab.ChangePath(c.Project, c.Number), "")
	if err == nil && status != 204 {
		err = fmt.Errorf("delete: %d %s", status, answer)
	}
	return err
}

// view gives the account the right to view private changes, or takes it away.
func (w *world) view(may bool) error {
	w.private = may
	body := `{"remove":{"refs/heads/*":{"permissions":{"viewPrivateChanges":{"rules":{}}}}}}`
	if may {
		body = `{"add":{"refs/heads/*":{"permissions":{"viewPrivateChanges":{"rules":{"Verifiers":{"action":"ALLOW"}}}}}}}`
	}
	status, answer, err := w.gerrit.Call(context.Background(), w.gerrit.Admin(), "POST", "/projects/"+w.project+"/access", body)
	if err == nil && status != 200 {
		err = fmt.Errorf("access: %d %s", status, answer)
	}
	return err
}

// detail is a change as its owner sees it.
type detail struct {
	Status    string
	ChangeID  string `json:"change_id"`
	Current   string `json:"current_revision"`
	Revisions map[string]struct {
		Number int `json:"_number"`
	}
}

func (w *world) detail(c *modelled) (d detail, err error) {
	_, answer, err := w.gerrit.Call(context.Background(), w.gerrit.Dev(), "GET", lab.ChangePath(c.Project, c.Number, "detail?o=CURRENT_REVISION"), "")
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(answer), &d)
}

func (w *world) refresh(c *modelled) error {
	d, err := w.detail(c)
	c.Revision, c.PatchSet = d.Current, d.Revisions[d.Current].Number
	return err
}

func (w *world) changeID(c *modelled) string {
	d, err := w.detail(c)
	if err != nil {
		w.Fatal(err)
	}
	return d.ChangeID
}

// pipelineRun runs the pipeline of any change: of a closed or an overtaken one
// too, as a late event does.
func (w *world) pipelineRun() {
	c := w.choose(isThere)
	if c == nil {
		return
	}
	p, overtaken := c.Pushed, w.IntN(6) == 0 && c.PatchSet > 1
	if overtaken {
		p.PatchSet--
		p.Revision = strings.Repeat("0", 40)
	}
	w.say("pipeline", "change %d, patch set %d (%s, private %t, bad %t)", c.Number, p.PatchSet, c.state, c.private, c.bad)
	before := w.standing()
	run := w.run(p)
	w.check(before, []*modelled{c})
	if !overtaken {
		w.deployed(c, logs(run))
	}
}

// arguments are those of any reconcile.
func (w *world) arguments() []string {
	args := []string{"--grace", "1s", "--keep-base", fmt.Sprint(w.IntN(3))}
	for _, some := range [][]string{{"--yes"}, {"--max-drop", "2"}, {"--dry-run"}, {"--attempt-age", "1s"}} {
		if w.IntN(3) == 0 {
			args = append(args, some...)
		}
	}
	if c := w.choose(anyOne); c != nil && w.IntN(4) == 0 {
		args = append(args, "--change", fmt.Sprint(c.Number))
	}
	return args
}

func (w *world) reconcileRun() {
	args := w.arguments()
	w.say("reconcile", "%v", args)
	before := w.standing()
	got := w.reconcileAny(args)
	w.check(before, nil)
	if got.status > 1 || strings.Contains(got.stderr, "panic") {
		w.Errorf("seed %d: reconcile: exit status %d\n%s", w.seed, got.status, got.stderr)
	}
	if slices.Contains(args, "--dry-run") && !slices.Equal(names(before), names(w.standing())) {
		w.Errorf("seed %d: a dry run changed something", w.seed)
	}
}

// together runs pipelines, reconcile and a person at the same time.
func (w *world) together() {
	before := w.standing()
	var all sync.WaitGroup
	var running []*modelled
	for range 1 + w.IntN(3) {
		if c := w.choose(isOpen); c != nil {
			running = append(running, c)
			dir, p := w.TempDir(), c.Pushed
			all.Go(func() { _, _ = w.pipeline.Run(context.Background(), p, dir) }) // two of one change may hinder each other
		}
	}
	args := append(w.arguments(), "--attempt-age", "1h", "--drop-every", "100ms") // no step waits for an hour
	w.say("together", "%v %v", numbersOf(running), args)
	all.Go(func() { w.reconcileAny(args) })
	time.Sleep(w.some(500 * time.Millisecond))
	w.meanwhile()
	all.Wait()
	w.check(before, running)
}

// meanwhile somebody abandons a change, or opens one again and its pipeline
// runs: then its database must be there at the end, whatever reconcile thought
// when it began.
func (w *world) meanwhile() {
	var err error
	if c := w.choose(isPublic); c != nil && w.IntN(3) == 0 {
		w.say("abandon", "change %d, meanwhile", c.Number)
		err = w.become(c, "ABANDONED", "abandon")
	} else if c := w.choose(func(c *modelled) bool { return isAbandoned(c) && !c.private }); c != nil && w.IntN(2) == 0 {
		w.say("restore", "change %d, meanwhile, and its pipeline", c.Number)
		if err = w.become(c, "NEW", "restore"); err == nil {
			w.deployed(c, logs(w.run(c.Pushed)))
		}
	}
	if err != nil {
		w.Errorf("meanwhile: %v", err)
	}
}

func (w *world) some(longest time.Duration) time.Duration {
	return time.Duration(w.Int64N(int64(longest)))
}

// faulty runs one of them while a server is out of order.
func (w *world) faulty() {
	before := w.standing()
	c := w.choose(isOpen)
	end := w.disturb()
	if w.IntN(2) == 0 || c == nil {
		args := w.arguments()
		w.say("faulty reconcile", "%v", args)
		w.reconcileAny(args)
		c = nil
	} else {
		w.say("faulty pipeline", "change %d", c.Number)
		_, _ = w.pipeline.Run(context.Background(), c.Pushed, w.TempDir()) // may come to nothing
	}
	end()
	w.check(before, []*modelled{c})
}

// disturb puts something out of order until the end is called.
func (w *world) disturb() (end func()) {
	if w.IntN(2) == 0 {
		kinds := slices.Sorted(keys(answers))
		name := kinds[w.IntN(len(kinds))]
		fault := answers[name]
		fault.Path, fault.Times = []string{lists, reads, checks, "/a/"}[w.IntN(4)], w.IntN(4)
		w.say("fault", "%s to %s, %d times", name, fault.Path, fault.Times)
		w.proxy.Add(fault)
		return w.proxy.Reset
	}
	after := w.some(700 * time.Millisecond)
	var done sync.WaitGroup
	switch w.IntN(3) {
	case 0:
		w.say("fault", "PostgreSQL restarts after %s", after)
		done.Go(func() {
			time.Sleep(after)
			if err := w.server.Restart(context.Background()); err != nil {
				w.Error(err)
			}
		})
	case 1:
		w.say("fault", "the network is cut after %s", after)
		done.Go(func() { time.Sleep(after); w.network.Cut() })
	default:
		bytes := w.IntN(40_000)
		w.say("fault", "the network is cut after %d bytes", bytes)
		w.network.CutAfter(bytes)
		return func() { w.network.CutAfter(1 << 40) }
	}
	return done.Wait
}

// killed ends one of them at any moment.
func (w *world) killed() {
	before := w.standing()
	ctx, cancel := context.WithTimeout(context.Background(), w.some(1500*time.Millisecond))
	defer cancel()
	c := w.choose(isOpen)
	if w.IntN(3) == 0 || c == nil {
		args := w.arguments()
		w.say("killed reconcile", "%v", args)
		cmd := w.reconciling(w.TempDir(), args...)
		if err := cmd.Start(); err != nil {
			w.Fatal(err)
		}
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		stop()
		c = nil
	} else {
		w.say("killed pipeline", "change %d", c.Number)
		_, _ = w.pipeline.Run(ctx, c.Pushed, w.TempDir())
	}
	w.check(before, []*modelled{c})
}

func numbersOf(all []*modelled) (numbers []int) {
	for _, c := range all {
		numbers = append(numbers, c.Number)
	}
	return numbers
}

// plant makes databases that nobody may touch: look-alikes, and strangers.
func (w *world) plant() {
	prefix := w.site.Names.Prefix
	stranger := w.origin(999_999, month)
	stranger.Project = "other"
	strange := w.site.Names.Candidate(999_999)
	w.place(strange, &stranger)
	for _, name := range []string{strings.ReplaceAll(prefix, "-", "_") + "1", prefix + "elopers", "other-" + prefix + "1", prefix, prefix + "12x", prefix + "01"} {
		w.asService("CREATE DATABASE " + pg.Ident(name) + " TEMPLATE template0")
		w.planted[name] = ""
	}
	w.planted[strange] = ""
	for name := range w.planted {
		w.planted[name] = w.oid(name)
		w.Cleanup(func() { w.dropNow(name) })
	}
}
