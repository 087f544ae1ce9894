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
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

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

// TestVersionsWhileRecreated: requests without pause while the pipeline makes
// the same candidate's database anew: 100 times, or 25 in the short run. Each answer is one patch set's
// whole structure, never an error, never a mix, and the pipeline hardly
// notices.
func TestVersionsWhileRecreated(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.onMaster("the candidate", wholeVersion(1))
	deploy := func(k int) (seconds float64) {
		if k > 1 {
			p = r.amend(p, "", wholeVersion(k))
		}
		dir := r.begin(p)
		r.create(p, dir, 0)
		return r.apply(p, dir, 0).Seconds
	}
	var alone, watched []float64
	times := 25
	if long {
		times = 100
	}
	for k := 1; k <= 10; k++ {
		alone = append(alone, deploy(k))
	}
	reader := newOnlooker(t, r.serveVersions(), p)
	for k := 11; k <= 10+times; k++ {
		watched = append(watched, deploy(k))
	}
	answers, seen := reader.stop()
	t.Logf("%d answers of %d patch sets; apply-changelog took %.2f s alone, %.2f s watched (medians), %.2f s at most",
		answers, seen, median(alone), median(watched), slices.Max(watched))
	if answers < 1000 || seen < times*9/10 {
		t.Errorf("only %d answers, of %d patch sets", answers, seen)
	}
	if delay := median(watched) - median(alone); delay > 1 {
		t.Errorf("apply-changelog is delayed by %.2f s", delay)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
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
	for range 2 {
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
