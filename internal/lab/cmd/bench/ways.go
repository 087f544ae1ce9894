package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// step runs one step and gives its seconds.
func (b *bench) step(ctx context.Context, env []string, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, args[0]), args[1:]...)
	cmd.Env = append(append(append(os.Environ(), b.site.Env()...), b.gerrit.Environment()...), env...)
	cmd.Env = append(cmd.Env, "LIQUIBASE_HOME="+b.home, "PATCHBAY_CACHE_DIR="+b.cache, "PATCHBAY_RUN_DIR="+filepath.Join(b.work, "run"),
		"PATCHBAY_MAX_CANDIDATES=0")
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	seconds := time.Since(began).Seconds()
	b.memory[args[0]] = max(b.memory[args[0]], peak(cmd))
	return seconds, nil
}

// peak is the most memory that a process, or a child that it waited for, held
// at once, in MiB.
func peak(cmd *exec.Cmd) float64 {
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(usage.Maxrss) / 1024
}

// patchSet measures create-temp-db and apply-changelog, from nothing to the
// published database; get-changes is not counted, stock has no such thing.
func (b *bench) patchSet(ctx context.Context, env []string, public string) (float64, error) {
	if err := b.retire(ctx, public); err != nil {
		return 0, err
	}
	if _, err := b.step(ctx, env, "get-changes"); err != nil {
		return 0, err
	}
	created, err := b.step(ctx, env, "create-temp-db")
	if err != nil {
		return 0, err
	}
	applied, err := b.step(ctx, env, "apply-changelog")
	return created + applied, err
}

// firstTime is a patch set whose base database does not exist yet.
func (b *bench) firstTime(ctx context.Context, m *model) (float64, error) {
	return b.without(ctx, m, "base-%")
}

// noSpare is one whose base database has no clone that waits for it.
func (b *bench) noSpare(ctx context.Context, m *model) (float64, error) {
	return b.without(ctx, m, "base-%-spare")
}

func (b *bench) without(ctx context.Context, m *model, pattern string) (float64, error) {
	bases, err := b.query(ctx, "SELECT datname FROM pg_database WHERE datname LIKE '"+b.site.Names.Prefix+pattern+"'")
	if err != nil {
		return 0, err
	}
	if err := b.retire(ctx, bases...); err != nil {
		return 0, err
	}
	return b.patchSet(ctx, m.env, m.public)
}

// others runs the other steps, for their memory.
func (b *bench) others(ctx context.Context, m *model) error {
	for _, args := range [][]string{
		{"report-verified"},
		{"reconcile", "--dry-run"},
		{"cleanup-registry", "--environment=dev", "--dry-run"},
		{"prepare-template"},
		{"try-change", "--workspace=" + m.clone, "--base=HEAD~1"},
		{"try-change", "--workspace=" + m.clone, "--drop"},
	} {
		if _, err := b.step(ctx, m.env, args...); err != nil {
			return err
		}
	}
	return nil
}

// stock is what people run today.
func (b *bench) stock(ctx context.Context, m *model) (float64, error) {
	const name = "bench-stock"
	if err := b.retire(ctx, name); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := b.query(ctx, fmt.Sprintf("CREATE DATABASE %q TEMPLATE %q", name, b.site.Names.Template)); err != nil {
		return 0, err
	}
	for _, tree := range []string{m.base, m.candidate} {
		if err := b.liquibase(ctx, tree, name); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds(), nil
}

// liquibase is a plain update by the installation's own starter, as the
// superuser: the way of least trouble.
func (b *bench) liquibase(ctx context.Context, tree, database string) error {
	server := b.site.Server
	cmd := exec.CommandContext(ctx, filepath.Join(b.home, "liquibase"), "--search-path="+tree, "--show-banner=false",
		"update", "--changelog-file="+rootChangelog, fmt.Sprintf("--url=jdbc:postgresql://%s:%d/%s", server.Host, server.Port, database))
	cmd.Dir = b.work
	cmd.Env = append(os.Environ(), "LIQUIBASE_COMMAND_USERNAME=postgres", "LIQUIBASE_COMMAND_PASSWORD="+server.Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stock liquibase: %w: %s", err, out)
	}
	return nil
}

// retire takes what an earlier round left out of the way, and lets the server
// come to rest. It drops nothing: for a minute after files were removed, ext4
// looks for room around them, and every CREATE DATABASE takes several times as
// long (recently_deleted in Linux's fs/ext4/ialloc.c). No way is to pay for that
// of another.
func (b *bench) retire(ctx context.Context, databases ...string) error {
	for _, name := range databases {
		found, err := b.query(ctx, fmt.Sprintf("SELECT datname FROM pg_database WHERE datname = '%s'", name))
		if err != nil {
			return err
		}
		for range found {
			b.retired = append(b.retired, fmt.Sprintf("bench-retired-%d", len(b.retired)))
			rename := fmt.Sprintf("ALTER DATABASE %q RENAME TO %q", name, b.retired[len(b.retired)-1])
			if _, err := b.query(ctx, rename); err != nil {
				return err
			}
		}
	}
	_, err := b.query(ctx, "CHECKPOINT")
	time.Sleep(time.Second)
	return err
}

// query runs a statement as the superuser and gives its first column.
func (b *bench) query(ctx context.Context, sql string) ([]string, error) {
	conn, err := pgx.Connect(ctx, b.site.SuperURL("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// startUp measures the start of each binary, and shows what memory the steps
// took in the rounds of goose: those of Liquibase hold a JVM.
func (b *bench) startUp(ctx context.Context) error {
	fmt.Printf("\nStart of a binary (--version, fastest of 20), and the most memory of a run without a JVM\n")
	binaries, err := filepath.Glob(filepath.Join(b.bin, "*"))
	if err != nil {
		return err
	}
	for _, binary := range binaries {
		fastest := time.Hour
		for range 20 {
			began := time.Now()
			if err := exec.CommandContext(ctx, binary, "--version").Run(); err != nil {
				return fmt.Errorf("%s --version: %w", filepath.Base(binary), err)
			}
			fastest = min(fastest, time.Since(began))
		}
		name := filepath.Base(binary)
		line := fmt.Sprintf("  %-34s %7.1f ms", name, float64(fastest.Microseconds())/1000)
		if memory := b.memory[name]; memory > 0 {
			line += fmt.Sprintf("  %6.1f MiB", memory)
		}
		fmt.Println(line)
	}
	return nil
}

func (b *bench) close(ctx context.Context) error {
	var removed error
	if b.site != nil {
		removed = b.removeRetired(context.WithoutCancel(ctx))
		removed = errors.Join(removed, b.site.Close(context.WithoutCancel(ctx)))
	}
	return errors.Join(removed, os.RemoveAll(b.work), lab.Stop(b.before...))
}

func (b *bench) removeRetired(ctx context.Context) error {
	for _, name := range append(b.retired, "bench-stock") {
		if _, err := b.query(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %q WITH (FORCE)", name)); err != nil {
			return err
		}
	}
	return nil
}
