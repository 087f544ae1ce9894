package steps_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// serveVersions runs serve-versions for the registry until the test ends.
func (r *registry) serveVersions() (url string) {
	r.Helper()
	cmd := exec.CommandContext(context.Background(), filepath.Join(bin, "serve-versions"), "--listen", "127.0.0.1:0")
	cmd.Env = append(slices.Clone(r.pipeline.Env), "GERRIT_PROJECT="+r.project, "DATABASE_URL="+r.site.ReaderURL("postgres"), "PATCHBAY_LOG_LEVEL=warn")
	var log strings.Builder
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		if err := cmd.Wait(); err != nil {
			r.Errorf("serve-versions: %v\n%s", err, log.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		r.Fatalf("serve-versions: no address: %v\n%s", err, log.String())
	}
	return strings.TrimSpace(line)
}

// wholeVersion is what patch set k of the candidate holds: tables and columns
// that tell a mix of two patch sets, and half of one.
func wholeVersion(k int) map[string]string {
	sql := fmt.Sprintf("CREATE TABLE registry.mark (v%d_x int, v%d_y int);\n", k, k)
	for _, part := range []string{"a", "b", "c"} {
		sql += fmt.Sprintf("CREATE TABLE registry.v%d_%s (id int PRIMARY KEY);\n", k, part)
	}
	return map[string]string{second: migration(sql)}
}

// mostRounds is how often apply-changelog may end sessions while its swap
// waits: a round is 20 ms, and up to 50 more for each of two databases whose
// sessions take their time to end, so these are less than a second.
const mostRounds = 8

// TestVersionsWhileRecreated: requests without pause while the pipeline makes
// the same candidate's database anew: 100 times, or 25 in the short run. Each
// answer and page is of one patch set's whole structure, never an error, never a
// mix, and no swap is kept waiting for the readers. That is counted and not timed: how
// long a run takes beside clients that never rest is a matter of processors,
// and `make bench` measures it where nothing else runs.
func TestVersionsWhileRecreated(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("the candidate", wholeVersion(1))
	deploy := func(k int) (rounds int) {
		if k > 1 {
			p = r.amend(p, "", wholeVersion(k))
		}
		dir := r.begin(p)
		r.create(p, dir, 0)
		return r.swapRounds(p, dir)
	}
	deploy(1)
	times := 25
	if long {
		times = 100
	}
	most := 0
	reader := newOnlooker(t, r.serveVersions(), p)
	for k := 2; k <= 1+times; k++ {
		most = max(most, deploy(k))
	}
	answers, seen := reader.stop()
	t.Logf("%v answers of %d patch sets; a swap waited for %d rounds at most", answers, seen, most)
	for _, view := range views {
		if answers[view.below] < 5*times || seen < times*9/10 {
			t.Errorf("%s: only %d answers, of %d patch sets", view.below, answers[view.below], seen)
		}
	}
	if most > mostRounds {
		t.Errorf("a swap was kept waiting for %d rounds", most)
	}
	r.leaveLate(p)
	if deploy(2+times) == 0 {
		t.Error("a swap that was kept waiting is not told of")
	}
}

// leaveLate has a session in a candidate's database that the pipeline may not
// end, until a swap has waited for it.
func (r *registry) leaveLate(p lab.Pushed) {
	stays, looks := lab.Connect(r.T, r.site.SuperURL(r.site.Names.Candidate(p.Number))), lab.Connect(r.T, r.site.SuperURL("postgres"))
	go func() {
		const rename = `SELECT count(*) > 0 FROM pg_stat_activity
			WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE 'ALTER DATABASE%' || $1 || '%RENAME%' AND clock_timestamp() > query_start + '0.3 s'`
		for waits := false; !waits; time.Sleep(10 * time.Millisecond) {
			if looks.QueryRow(r.Context(), rename, r.site.Names.Candidate(p.Number)).Scan(&waits) != nil {
				break // the test has ended
			}
		}
		_ = stays.Close(context.Background())
	}()
}

var waited = regexp.MustCompile(`the swap of \S+ had to wait for sessions to end: (\d+) rounds`)

// swapRounds runs apply-changelog and says for how many rounds its swap was
// kept waiting.
func (r *registry) swapRounds(p lab.Pushed, dir string) (rounds int) {
	r.Helper()
	run := r.step(p, dir, "apply-changelog")
	if run.status != 0 || read[change.ApplyChangelog](r, filepath.Join(dir, "apply-changelog.json")).Outcome != change.Applied {
		r.Fatalf("apply-changelog: exit status %d\n%s", run.status, run.stderr)
	}
	if found := waited.FindStringSubmatch(run.stderr); found != nil {
		rounds, _ = strconv.Atoi(found[1]) // digits
	}
	return rounds
}

// views are what onlookers look at, with the parts of a patch set that each
// shows.
var views = []struct{ below, parts string }{
	{"/versions%s", ""},
	{"/versions%s/tables", "abc"},
	{"/versions%s/tables/mark", "xy"},
	{"/versions%s/snapshot", "abcxy"},
	{"/versions%s/diff?against=base", "abcxy"},
	{"%s?against=base", "abcxy"},
	{"%s/tables", "abc"},
	{"%s/tables/mark", "xy"},
}

// onlooker asks without pause.
type onlooker struct {
	t       *testing.T
	url, of string // the server; the candidate
	end     context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	answers map[string]int
	seen    map[string]bool
}

func newOnlooker(t *testing.T, url string, p lab.Pushed) *onlooker {
	ctx, end := context.WithCancel(context.Background())
	o := &onlooker{t: t, url: url, of: fmt.Sprintf("/candidates/%d", p.Number), end: end, answers: map[string]int{}, seen: map[string]bool{}}
	for i := range 6 { // more than there are sessions: some wait for one
		o.running.Go(func() { o.look(ctx, i) })
	}
	return o
}

func (o *onlooker) stop() (answers map[string]int, seen int) {
	o.end()
	o.running.Wait()
	return o.answers, len(o.seen)
}

func (o *onlooker) look(ctx context.Context, first int) {
	for i := first; ctx.Err() == nil && !o.t.Failed(); i++ {
		view := views[i%len(views)]
		header, body, err := o.ask(ctx, o.url+fmt.Sprintf(view.below, o.of))
		if ctx.Err() != nil {
			return
		}
		patchSet, whole := wholeOf(header, body, view.parts)
		if err != nil || !whole {
			o.t.Errorf("%s: %v of patch set %s: %s", view.below, err, patchSet, body)
		}
		o.mu.Lock()
		o.answers[view.below]++
		o.seen[patchSet] = true
		o.mu.Unlock()
	}
}

var (
	partOf  = regexp.MustCompile(`v(\d+)_([abcxy])`)
	staleOf = regexp.MustCompile(`The database is of patch set (\d+)`)
)

// wholeOf says which patch set an answer is of, and whether all of it is, and
// all that it must show.
func wholeOf(header http.Header, body, parts string) (patchSet string, whole bool) {
	patchSet = header.Get("X-Patchbay-Patchset") // pages have none
	one := func(of string) bool {
		patchSet = cmp.Or(patchSet, of)
		return of == patchSet
	}
	shown := map[string]bool{}
	for _, found := range append(partOf.FindAllStringSubmatch(body, -1), staleOf.FindAllStringSubmatch(body, -1)...) {
		if !one(found[1]) {
			return patchSet, false
		}
		if len(found) > 2 {
			shown[found[2]] = true
		}
	}
	there := header.Get("X-Patchbay-Database") == "present" || strings.Contains(body, "has a database")
	return patchSet, there && patchSet != "" && strings.Join(slices.Sorted(maps.Keys(shown)), "") == parts
}

func (o *onlooker) ask(ctx context.Context, url string) (http.Header, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Accept-Language", "en")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return response.Header, string(body), err
}

// TestVersionsOfThePipeline: what serve-versions tells is what the pipeline's
// own steps left: the difference in the database's comment and the reason in
// the message of the vote, also of a base that does not deploy.
func TestVersionsOfThePipeline(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	good := r.onMaster("Wards", wholeVersion(1))
	bad := r.onMaster("Failing", badMigrations[0].files)
	r.verified(r.run(good), +1)
	r.verified(r.run(bad), -1)
	r.land("Broken", map[string]string{"data-model/00002_broken.sql": migration("CREATE TABLE nowhere.at_all (id int);")})
	above := r.onMaster("On a broken base", map[string]string{"data-model/00009_more.sql": migration(ward)})
	r.verified(r.run(above), 0)
	url := r.serveVersions()
	diff := fetch[struct {
		Changes []struct{ Action, Object, Name string }
	}](r, fmt.Sprintf("%s/versions/candidates/%d/diff?against=base", url, good.Number))
	var added []string
	for _, c := range diff.Changes {
		added = append(added, c.Action+" "+c.Object+" "+c.Name)
	}
	if want := []string{"add table registry.mark", "add table registry.v1_a", "add table registry.v1_b", "add table registry.v1_c"}; !slices.Equal(added, want) {
		t.Errorf("the recorded difference is %q", added)
	}
	type reason struct {
		Message, File string
		Line          int
	}
	for _, c := range []struct {
		p      lab.Pushed
		result string
		want   reason
	}{
		{good, "SUCCESS", reason{}},
		{bad, "FAILED", reason{badMigrations[0].want.Message, second, badMigrations[0].want.Line}},
		{above, "UNKNOWN", reason{`schema "nowhere" does not exist`, "data-model/00002_broken.sql", 2}},
	} {
		d := fetch[struct {
			Validations []struct {
				Result string
				Reason *reason
			}
		}](r, fmt.Sprintf("%s/versions/candidates/%d", url, c.p.Number))
		got := d.Validations[0]
		if got.Result != c.result || (got.Reason == nil) != (c.want == reason{}) ||
			got.Reason != nil && (got.Reason.File != c.want.File || got.Reason.Line != c.want.Line || !strings.Contains(got.Reason.Message, c.want.Message)) {
			t.Errorf("%s %+v, want %+v", got.Result, got.Reason, c)
		}
	}
}

func fetch[T any](r *registry, url string) (value T) {
	r.Helper()
	response, err := http.Get(url)
	if err == nil {
		defer response.Body.Close()
		err = json.NewDecoder(response.Body).Decode(&value)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		r.Fatalf("%s: %v", url, err)
	}
	return value
}
