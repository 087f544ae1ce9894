package repo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// OpenCache opens the bare repository that stands for a remote address below
// the cache directory, and makes it when it is not there. It may be deleted
// at any time while no step runs; its file "description" names the address.
func OpenCache(ctx context.Context, cacheDir, remoteURL string) (*Repo, error) {
	folder, err := filepath.Abs(filepath.Join(cacheDir, "git"))
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "make the cache directory: %w", err).
			WithHint("set PATCHBAY_CACHE_DIR to a folder that can be written")
	}
	digest := sha256.Sum256([]byte(remoteURL))
	dir := filepath.Join(folder, hex.EncodeToString(digest[:8])+".git")
	r := &Repo{dir: dir, gitDir: dir, bare: true}
	return r, locked(ctx, dir+".lock", func() error { return makeBare(ctx, dir, remoteURL) })
}

// makeBare makes the repository beside its place and moves it there, so that
// a half-made one is never met.
func makeBare(ctx context.Context, dir, remoteURL string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return fmt.Errorf("make the cached repository: %w", err)
	}
	defer os.RemoveAll(work)
	if _, err := output(inFolder(ctx, work, "init", "--quiet", "--bare", "--template=", work)); err != nil {
		return fmt.Errorf("make the cached repository: %w", err)
	}
	if err := os.WriteFile(filepath.Join(work, "description"), []byte(withoutLogin(remoteURL)+"\n"), 0o600); err != nil {
		return fmt.Errorf("make the cached repository: %w", err)
	}
	return os.Rename(work, dir)
}

// locked runs do while this process alone holds the file's lock. The kernel
// gives the lock back when the process ends, however it ends.
func locked(ctx context.Context, path string, do func() error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return change.Failf(change.KindConfiguration, "lock the repository: %w", err).
			WithHint("git must be able to write there")
	}
	defer file.Close() // gives the lock back
	if err := flock(ctx, file); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	return do()
}

// flock asks again and again, since a waiting flock(2) cannot be cancelled.
func flock(ctx context.Context, file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
