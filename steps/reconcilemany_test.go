package steps_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestReconcileMany: 2,000 changes and 300 databases take less than a dozen
// requests, besides those by which each drop is proven. The short run has
// fewer changes, on pages that are as much shorter.
func TestReconcileMany(t *testing.T) {
	t.Parallel()
	changes, page := 320, 80
	if long {
		changes, page = 2000, 500
	}
	r := newRegistryIn(t, corner{site: throwaway(t)}, nil)
	r.many(changes)
	proxy := lab.NewFaultProxy(t, r.gerrit.URL)
	to, err := url.Parse(proxy.URL)
	r.must(err)
	r = r.with("GERRIT_URL=" + lab.NewRewriter(t, to, func(request *http.Request) {
		if query := request.URL.Query(); strings.Contains(query.Get("q"), "status:open") {
			query.Set("n", fmt.Sprint(page))
			request.URL.RawQuery = query.Encode()
		}
	}))
	numbers := r.open()
	r.placeMany(numbers[:300])
	abandoned := []string{}
	for _, number := range numbers[:3] {
		r.must(r.act(lab.Pushed{Project: r.project, Number: number}, "POST", "abandon", "{}"))
		abandoned = append(abandoned, r.site.Names.Candidate(number))
	}
	began := time.Now()
	got := r.reconcile(0)
	r.wanted("dropped", got.Dropped, abandoned...)
	if got.Counts.Candidates != 300 || len(got.Missing) != changes-300 || len(got.Outdated) != 297 {
		t.Errorf("%+v, %d missing, %d outdated", got.Counts, len(got.Missing), len(got.Outdated))
	}
	asked := slices.DeleteFunc(proxy.Requests(), func(request string) bool { return strings.Contains(request, "~") })
	if len(asked) >= 12 {
		t.Errorf("%d requests besides the proofs:\n%s", len(asked), strings.Join(asked, "\n"))
	}
	t.Logf("%d changes, 300 databases: %d requests, %.1f s", changes, len(asked), time.Since(began).Seconds())
}

// throwaway is a site on a server of its own, which goes as a whole: 300 drops
// take a while.
func throwaway(t *testing.T) *lab.Site {
	t.Helper()
	server, err := lab.StartOwnPostgres(t.Context(), 15)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	site, err := lab.NewSite(t.Context(), server.PostgresServer, "many")
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// many pushes a stack of changes without files, made by one git fast-import.
func (r *registry) many(n int) {
	r.Helper()
	var stream strings.Builder
	base := r.clone.Git(r.T, "rev-parse", "HEAD")
	for i := range n {
		message := fmt.Sprintf("change %d\n\nChange-Id: I%040x\n", i, i+1)
		fmt.Fprintf(&stream, "commit refs/heads/many\ncommitter dev <dev@example.com> 1700000000 +0000\ndata %d\n%s\n", len(message), message)
		if i == 0 {
			fmt.Fprintf(&stream, "from %s\n", base)
		}
	}
	cmd := exec.CommandContext(r.Context(), "git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = r.clone.Dir, strings.NewReader(stream.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("git fast-import: %v: %s", err, out)
	}
	const batch = 250 // of one push; their changes are made in one transaction
	for last := batch; last < n+batch; last += batch {
		r.clone.Git(r.T, "push", "-q", "origin", fmt.Sprintf("many~%d:refs/for/master", max(0, n-last)))
	}
}

// open are the numbers of the open changes, as the administrator sees them.
func (r *registry) open() (numbers []int) {
	r.Helper()
	for _, number := range r.numbers() {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers
}

func (r *registry) placeMany(numbers []int) {
	r.Helper()
	var all sync.WaitGroup
	for some := range slices.Chunk(numbers, (len(numbers)+3)/4) {
		all.Go(func() {
			for _, number := range some {
				r.candidateOf(number, 0)
			}
		})
	}
	all.Wait()
}
