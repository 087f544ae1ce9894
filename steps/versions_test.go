package steps_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// wholeVersion is what patch set k of the candidate holds: tables that tell a
// mix of two patch sets, and half of one.
func wholeVersion(k int) map[string]string {
	sql := ""
	for _, part := range []string{"a", "b", "c"} {
		sql += fmt.Sprintf("CREATE TABLE registry.v%d_%s (id int PRIMARY KEY);\n", k, part)
	}
	return map[string]string{second: migration(sql)}
}

// roundsInASecond is how often apply-changelog ends sessions at the least while
// its swap is blocked for a second: every 20 ms, but for what a round itself
// takes.
const roundsInASecond = 40

// TestVersionsWhileRecreated: requests without pause while the pipeline makes
// the same candidate's database anew: 100 times, or 25 in the short run. Each
// answer is one patch set's whole structure, never an error, never a mix, and
// no swap is kept waiting for the readers. That is counted and not timed: how
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
	t.Logf("%d answers of %d patch sets; a swap waited for %d rounds at most", answers, seen, most)
	if answers < 1000 || seen < times*9/10 {
		t.Errorf("only %d answers, of %d patch sets", answers, seen)
	}
	if most > roundsInASecond {
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

// onlooker asks without pause.
type onlooker struct {
	t       *testing.T
	url     string
	end     context.CancelFunc
	running sync.WaitGroup
	answers atomic.Int64
	mu      sync.Mutex
	seen    map[string]bool
}

func newOnlooker(t *testing.T, url string, p lab.Pushed) *onlooker {
	ctx, end := context.WithCancel(context.Background())
	o := &onlooker{t: t, url: fmt.Sprintf("%s/versions/candidates/%d/tables", url, p.Number), end: end, seen: map[string]bool{}}
	for range 6 { // more than there are sessions: some wait for one
		o.running.Go(func() { o.look(ctx) })
	}
	return o
}

func (o *onlooker) stop() (answers int64, seen int) {
	o.end()
	o.running.Wait()
	return o.answers.Load(), len(o.seen)
}

func (o *onlooker) look(ctx context.Context) {
	for ctx.Err() == nil && !o.t.Failed() {
		tables, patchSet, err := o.ask(ctx, o.url)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			o.t.Error(err)
		case !whole(tables, patchSet):
			o.t.Errorf("patch set %s: %v", patchSet, tables)
		}
		o.answers.Add(1)
		o.mu.Lock()
		o.seen[patchSet] = true
		o.mu.Unlock()
	}
}

func whole(tables []string, patchSet string) bool {
	return slices.Equal(tables, []string{"first", "v" + patchSet + "_a", "v" + patchSet + "_b", "v" + patchSet + "_c"})
}

func (o *onlooker) ask(ctx context.Context, url string) (tables []string, patchSet string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%d %s %w", response.StatusCode, body, err)
	}
	var list []struct{ Name string }
	err = json.Unmarshal(body, &list)
	for _, table := range list {
		tables = append(tables, table.Name)
	}
	patchSet = response.Header.Get("X-Patchbay-Patchset")
	if _, bad := strconv.Atoi(patchSet); err == nil && bad != nil {
		err = fmt.Errorf("no patch set: %v", response.Header)
	}
	return tables, patchSet, err
}
