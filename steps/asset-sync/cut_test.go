package main

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// cut is one place where a connection ends.
type cut struct {
	site  string
	after int  // requests that pass
	lost  bool // the server does it and the answer is lost; else it never comes
}

// TestCutAtEveryRequest: whichever connection of a run is cut, a second run
// ends in the same state as an undisturbed one.
func TestCutAtEveryRequest(t *testing.T) {
	s := newScene(t)
	if err := s.pair.Keep("cuts"); err != nil {
		t.Fatal(err)
	}
	requests, _ := s.cut(cut{after: 1 << 30})
	s.must(0, "export", "--from", "qa", "--dir", "undisturbed")
	want := s.tree("undisturbed")
	var cuts []cut
	for site, n := range requests {
		if n < 8 {
			t.Fatalf("only %d requests to %s", n, site)
		}
		for k := range n {
			cuts = append(cuts, cut{site, k, false}, cut{site, k, true})
		}
	}
	chance := rand.Uint64()
	t.Logf("%d places, seed %d", len(cuts), chance)
	if !long {
		rand.New(rand.NewPCG(chance, 1)).Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
		cuts = cuts[:4]
	}
	for _, c := range cuts {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			if err := s.pair.Reset("cuts"); err != nil {
				t.Fatal(err)
			}
			again := s.within(t)
			_, first := again.cut(c)
			if first.status != 0 && first.status != 1 || first.result.Failure == nil == (first.status != 0) {
				t.Errorf("exit status %d, %+v\n%s", first.status, first.result.Failure, first.stderr)
			}
			again.must(0, oneDashboard...)
			again.must(0, "export", "--from", "qa", "--dir", "again")
			again.same(want, again.tree("again"))
			if !long {
				return
			}
			if r := again.must(0, oneDashboard...); r.result.Writes != 0 {
				t.Errorf("a third run writes: %s", r.stdout)
			}
		})
	}
}

var oneDashboard = []string{"sync", "--from", "prod", "--to", "qa", "--yes", "--no-cache", "--only", "dashboard:loose"}

// within is the scene for a part of the test.
func (s *scene) within(t *testing.T) *scene {
	return &scene{T: t, pair: s.pair, seeded: s.seeded, dir: s.dir, env: s.env}
}

// cut runs a sync through a proxy for each site, one of which cuts a
// connection, and says how many requests each got.
func (s *scene) cut(c cut) (requests map[string]int, r ran) {
	s.Helper()
	proxies := map[string]*lab.FaultProxy{"PROD_URL": lab.NewFaultProxy(s.T, s.pair.Prod.URL), "QA_URL": lab.NewFaultProxy(s.T, s.pair.QA.URL)}
	proxied := s.within(s.T)
	for name, proxy := range proxies {
		proxied.env = append(append([]string{}, proxied.env...), name+"="+proxy.URL)
		if name == c.site {
			proxy.Add(lab.Fault{Skip: c.after, Times: 1, Cut: !c.lost, LoseAnswer: c.lost})
		}
	}
	r = proxied.run(oneDashboard...)
	requests = map[string]int{}
	for name := range proxies {
		requests[name] = proxies[name].Count("", "")
	}
	return requests, r
}
