package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Browser starts a real headless Chromium for a test and gives a context for
// chromedp: a window of its own, 1280 by 900, in English unless told.
func Browser(t testing.TB, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(Missing("chromium", "chromium"))
	}
	all := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WindowSize(1280, 900), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("lang", "en"), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(all, options...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// axe is the accessibility checker that is run in pages.
const axe = "axe-core@4.14.1"

// Axe gives the text of axe-core, installed by npm into the lab's directory.
func Axe(t testing.TB) string {
	t.Helper()
	dir, err := NPM(t.Context(), axe)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	return string(must(t, text, err))
}

// NPM installs one package of the npm registry, pinned, without its scripts,
// into a folder of the lab and gives that folder.
func NPM(ctx context.Context, pinned string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, "npm-"+pinned)
	return target, Locked("npm-"+pinned, func() error {
		if _, err := os.Stat(target); err == nil {
			return nil
		}
		return install(ctx, target, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", pinned)
	})
}

// Python makes a virtual environment with one package of PyPI, pinned, and
// gives its folder.
func Python(ctx context.Context, pinned string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, "python-"+pinned)
	return target, Locked("python-"+pinned, func() error {
		if _, err := os.Stat(filepath.Join(target, "installed")); err == nil {
			return nil
		}
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		if out, err := exec.CommandContext(ctx, "python3", "-m", "venv", target).CombinedOutput(); err != nil {
			return fmt.Errorf("python3 -m venv: %w: %s; install it with: apt-get install -y python3-venv", err, out)
		}
		if out, err := exec.CommandContext(ctx, filepath.Join(target, "bin", "pip"), "install", "-q", pinned).CombinedOutput(); err != nil {
			return fmt.Errorf("pip install %s: %w: %s", pinned, err, out)
		}
		return os.WriteFile(filepath.Join(target, "installed"), nil, 0o600) // scripts name the folder: it cannot be moved
	})
}

// install runs a command in a folder that gets its name when all went well.
func install(ctx context.Context, target, program string, args ...string) error {
	if _, err := exec.LookPath(program); err != nil {
		return Missing(program, program)
	}
	work, err := os.MkdirTemp(filepath.Dir(target), "install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", program, args, err, out)
	}
	return os.Rename(work, target)
}
