// Command benchassets measures asset-sync on two real Supersets against the
// raw endpoints: export of everything, first sync, second sync without a
// change, sync after one changed chart; seconds, CPU seconds of both servers,
// requests, references that lead where they should.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

func main() {
	if err := measure(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "benchassets:", err)
		os.Exit(1)
	}
}

// bench is one run of all ways.
type bench struct {
	pair *lab.SupersetPair
	dir  string
	bin  string
}

func measure(ctx context.Context) error {
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
	b := &bench{pair, dir, bin}
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
	if err := b.pair.Reset(""); err != nil {
		return err
	}
	fmt.Println("making 40 datasets, 600 charts, 120 dashboards …")
	if err := seed.Generate(ctx, b.pair, seed.Large, 1); err != nil {
		return err
	}
	return b.pair.Keep("bench")
}

func (b *bench) ways(ctx context.Context) error {
	fmt.Printf("%-34s %8s %8s %8s %9s %7s %8s  %s\n", "WAY", "SECONDS", "CPU SRC", "CPU TGT", "REQUESTS", "WRITES", "MIB", "REFERENCES RIGHT")
	if err := b.way(ctx, "raw: export all, import all", true, b.raw); err != nil {
		return err
	}
	if err := b.pair.Reset("bench"); err != nil {
		return err
	}
	if err := b.way(ctx, "asset-sync export", false, b.run("export", "--from", "prod", "--no-cache")); err != nil {
		return err
	}
	sync := b.run("sync", "--from", "prod", "--to", "qa", "--yes", "--log-level", "warn")
	if err := b.way(ctx, "asset-sync sync, first", true, sync); err != nil {
		return err
	}
	if err := b.way(ctx, "asset-sync sync, no change", false, sync); err != nil {
		return err
	}
	if err := b.way(ctx, "asset-sync sync, no change, cold", false, b.run("sync", "--from", "prod", "--to", "qa", "--yes", "--no-cache", "--log-level", "warn")); err != nil {
		return err
	}
	if err := b.changeOne(ctx); err != nil {
		return err
	}
	return b.way(ctx, "asset-sync sync, one chart changed", true, sync)
}

// cost is what a way came to beside its time.
type cost struct {
	requests, writes int
	mib              int64
}

func (b *bench) way(ctx context.Context, name string, compare bool, run func(context.Context) (cost, error)) error {
	source, target := cpu(b.pair.Prod), cpu(b.pair.QA)
	began := time.Now()
	c, err := run(ctx)
	took := time.Since(began)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	source, target = cpu(b.pair.Prod)-source, cpu(b.pair.QA)-target
	text := "-"
	if compare {
		right, total, err := seed.References(ctx, b.pair)
		if err != nil {
			return err
		}
		text = fmt.Sprintf("%d of %d (%.0f %%)", right, total, 100*float64(right)/float64(total))
	}
	fmt.Printf("%-34s %8.1f %8.1f %8.1f %9d %7d %8d  %s\n", name, took.Seconds(), source, target, c.requests, c.writes, c.mib, text)
	return nil
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
		return cost{result.Requests, result.Writes, usage.Maxrss >> 10}, nil
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
	databases, err := qa.List(ctx, assets.Database)
	if err != nil {
		return cost{}, err
	}
	to := ""
	for _, row := range databases {
		if row.Title == "Реєстри QA" {
			to = row.UUID
		}
	}
	raws, err := assets.ReadExport(bundle)
	if err != nil {
		return cost{}, err
	}
	var files []assets.File
	for _, raw := range raws {
		if raw.Kind == assets.Database {
			continue
		}
		if raw.Kind == assets.Dataset {
			raw.Doc.Set("database_uuid", document.Text(to))
		}
		files = append(files, assets.File{Name: assets.FileOf(assets.Key{Kind: raw.Kind, UUID: raw.UUID}), Doc: raw.Doc})
	}
	out, err := assets.Bundle("", files, time.Now())
	if err == nil {
		err = qa.Import(ctx, superset.Endpoint{Sparse: true}, out, nil)
	}
	a, _ := prod.Requests()
	z, written := qa.Requests()
	return cost{requests: a + z, writes: written}, err
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
