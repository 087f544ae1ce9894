package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// bench is the servers that all ways run against.
type bench struct {
	site    *lab.Site
	gerrit  *lab.GerritServer
	home    string // Liquibase
	bin     string
	cache   string
	work    string
	rounds  int
	remakes int
	memory  map[string]float64 // MiB by step
	before  []lab.Status       // servers of somebody else's, which stay
	retired []string           // databases of earlier rounds
}

func run(ctx context.Context, rounds, remakes int, only string) (err error) {
	b := &bench{rounds: rounds, remakes: remakes, memory: map[string]float64{}}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, c := range []struct {
		name        string
		base, delta map[string]string
		goose       bool
		wanted      wanted
	}{
		{"Liquibase, 50 tables", liquibaseModel(50), liquibaseCandidate(), false, wanted{first: "1 x", present: "5 x", unchanged: "50 x"}},
		{"Liquibase, 500 tables", liquibaseModel(500), liquibaseCandidate(), false, wanted{first: "1 x", present: "6.5 x", unchanged: "50 x"}},
		{"goose, 50 migrations", gooseModel(50), gooseCandidate(50), true, wanted{present: "0.3 s"}},
	} {
		b.memory = map[string]float64{}
		if !strings.Contains(c.name, only) {
			continue
		}
		m, err := b.model(ctx, c.base, c.delta, c.goose)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		m.wanted = c.wanted
		if err := b.compare(ctx, c.name, m); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if c.goose { // without a JVM, whose memory would be counted too
			if err := b.others(ctx, m); err != nil {
				return err
			}
		}
	}
	if strings.Contains("serve-versions", only) {
		if err := b.versions(ctx); err != nil {
			return fmt.Errorf("serve-versions: %w", err)
		}
	}
	if strings.Contains("watched", only) {
		if err := errors.Join(b.readerLogin(ctx), b.watched(ctx)); err != nil {
			return fmt.Errorf("watched: %w", err)
		}
	}
	return b.startUp(ctx)
}

func (b *bench) start(ctx context.Context) (err error) {
	if b.work, err = os.MkdirTemp("", "patchbay-bench-"); err != nil {
		return err
	}
	if b.before, err = lab.Servers(); err != nil {
		return err
	}
	if b.bin, err = filepath.Abs("bin"); err != nil {
		return err
	}
	server, err := lab.StartDurablePostgres(ctx, 15)
	if err != nil {
		return err
	}
	if b.site, err = lab.NewSite(ctx, server, "bench"); err != nil {
		return err
	}
	if b.gerrit, err = lab.StartGerrit(ctx); err != nil {
		return err
	}
	if b.home, err = lab.LiquibaseDistribution(ctx); err != nil {
		return err
	}
	b.cache = filepath.Join(b.work, "cache")
	for _, args := range [][]string{{"prepare-template"}, {"apply-changelog", "--warm-cache"}} {
		if _, err := b.step(ctx, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// model is a project whose master has the base and a change the candidate.
type model struct {
	env             []string // settings and patch set
	unchanged       []string // the same for a change that leaves the model alone
	public, other   string   // the databases of the two changes
	base, candidate string   // checkouts, for stock Liquibase
	clone           string
	wanted          wanted
}

func (b *bench) model(ctx context.Context, base, delta map[string]string, goose bool) (m *model, err error) {
	project := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if err := b.gerrit.CreateProject(ctx, project); err != nil {
		return nil, err
	}
	clone, err := b.gerrit.CloneTo(ctx, project, filepath.Join(b.work, project))
	if err != nil {
		return nil, err
	}
	if _, err := clone.PushBranch(ctx, "master", "base", base); err != nil {
		return nil, err
	}
	changed, err := clone.PushChange(ctx, "candidate", delta)
	if err != nil {
		return nil, err
	}
	if _, err := clone.RunGit(ctx, "checkout", "-q", "--detach", "HEAD~1"); err != nil {
		return nil, err
	}
	same, err := clone.PushChange(ctx, "no model", map[string]string{"README.md": project})
	if err != nil {
		return nil, err
	}
	m = &model{clone: clone.Dir, env: changed.Environment(), unchanged: same.Environment(), public: b.site.Names.Candidate(changed.Number), other: b.site.Names.Candidate(same.Number)}
	if goose {
		m.env = append(m.env, "PATCHBAY_CHANGELOG=data-model/migrations")
		m.unchanged = append(m.unchanged, "PATCHBAY_CHANGELOG=data-model/migrations")
		return m, nil
	}
	m.base, m.candidate = filepath.Join(b.work, project+"-base"), filepath.Join(b.work, project+"-candidate")
	both := maps.Clone(base)
	maps.Copy(both, delta)
	return m, errors.Join(lay(m.base, base), lay(m.candidate, both))
}

func lay(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// compare runs the ways in turn and prints each with its ratio to stock.
func (b *bench) compare(ctx context.Context, name string, m *model) error {
	ways := []way{
		{"patch set, base database made too", m.wanted.first, func(ctx context.Context) (float64, error) { return b.firstTime(ctx, m) }},
		{"patch set, base database present", m.wanted.present, func(ctx context.Context) (float64, error) { return b.patchSet(ctx, m.env, m.public) }},
		{"the same, and no spare of it", "", func(ctx context.Context) (float64, error) { return b.noSpare(ctx, m) }},
		{"patch set, model unchanged", m.wanted.unchanged, func(ctx context.Context) (float64, error) { return b.patchSet(ctx, m.unchanged, m.other) }},
	}
	if m.base != "" {
		ways = append([]way{{"stock: fresh database, two runs", "", func(ctx context.Context) (float64, error) { return b.stock(ctx, m) }}}, ways...)
	}
	times := make([][]float64, len(ways))
	if _, err := b.firstTime(ctx, m); err != nil { // not counted: everybody's caches are warm then
		return err
	}
	for range b.rounds {
		for i, w := range ways {
			seconds, err := w.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			times[i] = append(times[i], seconds)
		}
	}
	show(name, ways, times, m.base != "")
	return nil
}

type way struct {
	name   string
	wanted string
	run    func(context.Context) (float64, error)
}

// wanted is what the project set out to reach at least, in times as fast as
// stock, or at most, in seconds.
type wanted struct{ first, present, unchanged string }

// show prints medians; a ratio is the median of the rounds' ratios.
func show(name string, ways []way, times [][]float64, stock bool) {
	fmt.Printf("\n%s\n", name)
	for i, w := range ways {
		line := fmt.Sprintf("  %-34s %7.2f s", w.name, median(times[i]))
		if stock && i > 0 {
			var ratios []float64
			for round := range times[i] {
				ratios = append(ratios, times[0][round]/times[i][round])
			}
			line += fmt.Sprintf("  %6.1f x as fast", median(ratios))
		}
		if w.wanted != "" {
			line += "  (wanted: " + w.wanted + ")"
		}
		fmt.Println(line)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
