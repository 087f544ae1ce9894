package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// lock keeps two runs of one machine from writing to one target: the holder of
// the lock's file ends it, also by dying.
func (y *synchronisation) lock() (unlock func(), err error) {
	dir, err := y.reader.settings.Dir()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(y.to.URL))
	path := filepath.Join(dir, "asset-sync", fmt.Sprintf("%x.lock", sum[:6]))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, change.Failf(change.KindConfiguration, "another run writes to %s from this machine", y.To).WithHint("wait until it has ended")
	}
	return func() { file.Close() }, nil
}
