// Command benchassets measures asset-sync on two real Supersets beside
// Superset's raw endpoints and superset-cli, in one run: export of everything,
// first sync, second sync without a change, sync after one changed chart;
// seconds, CPU seconds of both servers, requests, references that lead where
// they should. It fails where asset-sync misses what does not depend on the
// machine.
package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

func main() {
	charts := flag.Int("charts", 120, "charts of the site; a fifteenth as many datasets, a fifth as many dashboards")
	own := flag.Bool("own", false, "asset-sync alone, without what it is measured beside")
	rounds := flag.Int("rounds", 3, "of which the medians are shown; superset-cli runs once")
	flag.Parse()
	size := seed.Size{Datasets: max(10, *charts/15), Charts: *charts, Dashboards: *charts / 5, PerDashboard: 12}
	if err := measure(context.Background(), bench{size: size, own: *own, rounds: *rounds}); err != nil {
		fmt.Fprintln(os.Stderr, "benchassets:", err)
		os.Exit(1)
	}
}

// bench is one run of all ways.
type bench struct {
	pair   *lab.SupersetPair
	size   seed.Size
	dir    string
	bin    string
	own    bool // nothing else is measured
	rounds int
	kept   string          // what the sites are put back to
	cost   map[string]cost // by way
}

func measure(ctx context.Context, b bench) error {
	pair, err := lab.StartSupersets(ctx)
	if err != nil {
		return err
	}
	release, err := lab.LockSupersets()
	if err != nil {
		return err
	}
	defer release()
	dir, err := os.MkdirTemp("", "benchassets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := filepath.Abs("bin/asset-sync")
	if err != nil {
		return err
	}
	b.pair, b.dir, b.bin, b.cost = pair, dir, bin, map[string]cost{}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return b.ways(ctx)
}

// prepare makes the two sites once; a later run finds them kept.
func (b *bench) prepare(ctx context.Context) error {
	configuration := fmt.Sprintf("environments:\n  prod: {url: %q, login: {username: sync, password: \"${PASSWORD}\"}}\n  qa: {url: %q, login: {username: sync, password: \"${PASSWORD}\"}}\ndatabases:\n  Реєстри: {qa: \"Реєстри QA\"}\n", b.pair.Prod.URL, b.pair.QA.URL)
	if err := os.WriteFile(filepath.Join(b.dir, "asset-sync.yaml"), []byte(configuration), 0o600); err != nil {
		return err
	}
	fmt.Printf("%d datasets, %d charts, %d dashboards\n", b.size.Datasets, b.size.Charts, b.size.Dashboards)
	var err error
	b.kept, err = seed.Generated(ctx, b.pair, b.size)
	return err
}

// The ways that ratios are made of.
const (
	wayRaw   = "raw: export all, import all"
	wayCLI   = "superset-cli --split, first"
	wayFirst = "asset-sync sync, first"
	wayOne   = "asset-sync sync, one chart changed"
)

// way is one way to bring the assets over, or one run after it.
type way struct {
	name           string
	reset, compare bool
	run            func(context.Context) (cost, error)
	most           *aim // of asset-sync: what a run must keep to
}

func (b *bench) ways(ctx context.Context) error {
	sync := []string{"sync", "--from", "prod", "--to", "qa", "--yes", "--log-level", "warn"}
	fmt.Printf("%-34s %8s %8s %8s %9s %7s %8s  %s\n", "WAY", "SECONDS", "CPU SRC", "CPU TGT", "REQUESTS", "WRITES", "MIB", "REFERENCES RIGHT")
	if !b.own {
		err := b.measure(ctx, 1, []way{
			{wayCLI, true, true, b.cli, nil},
			{"superset-cli --split, no change", false, false, b.cli, nil},
		})
		if err != nil {
			return err
		}
	}
	ways := []way{
		{"asset-sync export", true, false, b.run("export", "--from", "prod", "--no-cache"), &aim{b.few(30), 0}},
		{wayFirst, false, true, b.run(sync...), &aim{b.few(80), 10}},
		{"asset-sync sync, no change", false, true, b.run(sync...), &aim{b.few(30), 0}},
		{"asset-sync sync, no change, cold", false, false, b.run(append(sync, "--no-cache")...), &aim{b.few(30), 0}},
		{wayOne, false, true, b.run(sync...), &aim{b.few(44), 3}},
	}
	if !b.own { // in the same rounds: what a server takes changes with its age
		ways = append([]way{{wayRaw, true, true, b.raw, nil}}, ways...)
	}
	err := b.measure(ctx, b.rounds, ways)
	if err == nil && !b.own {
		b.ratios()
	}
	return err
}

// measure goes several times through ways that follow each other, and takes
// of each the run of the median time.
func (b *bench) measure(ctx context.Context, rounds int, ways []way) error {
	costs := map[string][]cost{}
	var missed []error
	for range rounds {
		for _, w := range ways {
			c, err := b.once(ctx, w)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			if err := w.missed(c); err != nil {
				missed = append(missed, fmt.Errorf("%s: %w", w.name, err))
			}
			costs[w.name] = append(costs[w.name], c)
		}
	}
	for _, w := range ways {
		all := costs[w.name]
		slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.seconds, b.seconds) })
		c := all[len(all)/2]
		b.cost[w.name] = c
		fmt.Printf("%-34s %8.1f %8.1f %8.1f %9d %7d %8d  %s\n", w.name, c.seconds, c.source, c.target, c.requests, c.writes, c.mib, c.rightShown())
	}
	return errors.Join(missed...)
}

// ratios are what does not depend on the machine.
func (b *bench) ratios() {
	raw, cli, first := b.cost[wayRaw], b.cost[wayCLI], b.cost[wayFirst]
	servers := first.source + first.target
	fmt.Printf("\nfirst sync: %.1f times as fast as superset-cli --split (raw: %.1f), with 1/%.1f of its CPU time of the servers; it takes %.2f times the CPU time of the servers in it, which is %.2f times that of the raw endpoints\n",
		cli.seconds/first.seconds, cli.seconds/raw.seconds, (cli.source+cli.target)/servers, first.seconds/servers, servers/(raw.source+raw.target))
}

// cost is what a way came to.
type cost struct {
	requests, writes        int
	mib                     int64
	seconds, source, target float64
	right, references       int // 0 where they were not counted
}

func (c cost) rightShown() string {
	if c.references == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d (%.0f %%)", c.right, c.references, 100*float64(c.right)/float64(c.references))
}

// once goes one way, from the sites as they were made if it is the first of
// several.
func (b *bench) once(ctx context.Context, w way) (c cost, err error) {
	if w.reset {
		if err := errors.Join(b.pair.Reset(b.kept), os.RemoveAll(filepath.Join(b.dir, "cache"))); err != nil {
			return c, err
		}
	}
	if w.name == wayOne {
		if err := b.changeOne(ctx); err != nil {
			return c, err
		}
	}
	source, target := cpu(b.pair.Prod), cpu(b.pair.QA)
	began := time.Now()
	if c, err = w.run(ctx); err != nil {
		return c, err
	}
	c.seconds, c.source, c.target = time.Since(began).Seconds(), cpu(b.pair.Prod)-source, cpu(b.pair.QA)-target
	if w.compare {
		c.right, c.references, err = seed.References(ctx, b.pair)
	}
	return c, err
}

// run runs the program and takes the figures from its result.
func (b *bench) run(args ...string) func(context.Context) (cost, error) {
	return func(ctx context.Context) (cost, error) {
		cmd := exec.CommandContext(ctx, b.bin, args...)
		cmd.Dir = b.dir
		cmd.Env = append(os.Environ(), "PASSWORD=sync-secret", "PATCHBAY_CACHE_DIR="+filepath.Join(b.dir, "cache"))
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			return cost{}, fmt.Errorf("%w: %s", err, said.String())
		}
		text, err := os.ReadFile(filepath.Join(b.dir, ".patchbay", "asset-sync.json"))
		if err != nil {
			return cost{}, err
		}
		var result change.AssetSync
		if err := json.Unmarshal(text, &result); err != nil {
			return cost{}, err
		}
		usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		return cost{requests: result.Requests, writes: result.Writes, mib: usage.Maxrss >> 10}, nil
	}
}

// raw is what the endpoints themselves do: everything out, the databases
// exchanged for the target's, everything in.
func (b *bench) raw(ctx context.Context) (cost, error) {
	prod, err := seed.Client(b.pair.Prod, "sync")
	if err != nil {
		return cost{}, err
	}
	qa, err := seed.Client(b.pair.QA, "sync")
	if err != nil {
		return cost{}, err
	}
	bundle, err := prod.ExportAll(ctx)
	if err != nil {
		return cost{}, err
	}
	from, err := database(ctx, prod, "Реєстри")
	if err != nil {
		return cost{}, err
	}
	to, err := database(ctx, qa, "Реєстри QA")
	if err != nil {
		return cost{}, err
	}
	out, err := exchanged(bundle, from, to)
	if err == nil {
		err = qa.Import(ctx, superset.Endpoint{Sparse: true}, out, nil)
	}
	a, _ := prod.Requests()
	z, written := qa.Requests()
	return cost{requests: a + z, writes: written}, err
}

// exchanged is an export as Superset wrote it, on another database, without the
// definitions of databases.
func exchanged(bundle []byte, from, to string) ([]byte, error) {
	files, err := assets.Unzip(bundle)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if strings.HasPrefix(name, "databases/") {
			continue
		}
		out, err := w.Create("export/" + name)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(bytes.ReplaceAll(text, []byte(from), []byte(to))); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// database finds the UUID of a database.
func database(ctx context.Context, client *superset.Client, name string) (string, error) {
	rows, err := client.List(ctx, assets.Database)
	for _, row := range rows {
		if row.Title == name {
			return row.UUID, nil
		}
	}
	return "", fmt.Errorf("there is no database %s: %w", name, err)
}

func (b *bench) changeOne(ctx context.Context) error {
	editor, err := seed.Client(b.pair.Prod, "editor")
	if err != nil {
		return err
	}
	rows, err := editor.List(ctx, assets.Chart)
	if err != nil {
		return err
	}
	return editor.Send(ctx, http.MethodPut, fmt.Sprintf("/api/v1/chart/%d", rows[0].ID), map[string]any{"description": "one change"}, nil)
}

// cpu is the time that a site's processes have used so far, in seconds.
func cpu(s *lab.SupersetSite) float64 {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	ticks := 0.0
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		at := strings.LastIndex(string(text), ") ")
		pid, _, _ := strings.Cut(string(text), " ")
		fields := strings.Fields(string(text)[at+2:])
		if pid == fmt.Sprint(s.PID) || fields[1] == fmt.Sprint(s.PID) {
			var user, system float64
			_, _ = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
			ticks += user + system
		}
	}
	return ticks / 100 // USER_HZ
}
