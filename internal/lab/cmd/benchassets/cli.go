package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

// cliVersion is what is measured beside us, of PyPI.
const cliVersion = "preset-cli==0.3.13"

// cli is what people do with superset-cli: export into a directory, put the
// target's database in the place of the source's, import asset by asset.
func (b *bench) cli(ctx context.Context) (cost, error) {
	installed, err := lab.Python(ctx, cliVersion)
	if err != nil {
		return cost{}, err
	}
	c := &counted{program: filepath.Join(installed, "bin", "superset-cli"), dir: filepath.Join(b.dir, "cli")}
	if err := errors.Join(os.RemoveAll(c.dir), os.MkdirAll(c.dir, 0o700)); err != nil {
		return cost{}, err
	}
	if err := c.run(ctx, b.pair.Prod.URL, "export-assets", c.dir, "--overwrite", "--disable-jinja-escaping"); err != nil {
		return cost{}, err
	}
	if err := b.mapDatabase(ctx, c.dir); err != nil {
		return cost{}, err
	}
	err = c.run(ctx, b.pair.QA.URL, "import-assets", c.dir, "--overwrite", "--split", "--disable-jinja-templating")
	return cost{requests: int(c.requests.Load()), writes: int(c.writes.Load()), mib: c.mib}, err
}

// mapDatabase writes the target's database over the source's in an export.
func (b *bench) mapDatabase(ctx context.Context, dir string) error {
	prod, err := seed.Client(b.pair.Prod, "sync")
	if err != nil {
		return err
	}
	qa, err := seed.Client(b.pair.QA, "sync")
	if err != nil {
		return err
	}
	from, err := database(ctx, prod, "Реєстри")
	if err != nil {
		return err
	}
	to, err := database(ctx, qa, "Реєстри QA")
	if err != nil {
		return err
	}
	change := strings.NewReplacer(from, to, "database_name: Реєстри\n", "database_name: Реєстри QA\n", b.pair.Prod.Home, b.pair.QA.Home, "site=prod-", "site=qa-")
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(change.Replace(string(text))), 0o600)
	})
}

// counted runs a program and counts what it sends to a server.
type counted struct {
	program, dir     string
	requests, writes atomic.Int64
	mib              int64 // of the largest run
}

func (c *counted) run(ctx context.Context, server string, args ...string) error {
	to, err := url.Parse(server)
	if err != nil {
		return err
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/login") {
			c.writes.Add(1)
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	cmd := exec.CommandContext(ctx, c.program, append([]string{"-u", "sync", "-p", "sync-secret", proxy.URL}, args...)...)
	cmd.Dir = c.dir // it keeps a log of its progress there
	out, err := cmd.CombinedOutput()
	if err != nil {
		text := string(out)
		return fmt.Errorf("superset-cli %s: %w: %s", args[0], err, text[max(0, len(text)-500):])
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.mib = max(c.mib, usage.Maxrss>>10)
	}
	return nil
}
