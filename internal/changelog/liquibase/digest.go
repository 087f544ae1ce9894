package liquibase

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Digest is a digest of the contents of all jars in the order of the class
// path. The digest of a jar is remembered in the cache directory by path, size
// and time of last change; without a cache every jar is read.
func (h *Home) Digest(cacheDir string) (string, error) {
	memory := remember(cacheDir)
	sum := sha256.New()
	for _, jar := range h.Jars {
		digest, err := memory.digest(jar)
		if err != nil {
			return "", change.Failf(change.KindConfiguration, "read jar: %w", err).WithHint(install)
		}
		fmt.Fprintf(sum, "%s %s\n", filepath.Base(jar), digest)
	}
	memory.keep()
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// memory is the file jars.json of the cache directory.
type memory struct {
	file    string
	jars    map[string]jarDigest
	changed bool
}

type jarDigest struct {
	Size    int64     `json:"size"`
	Changed time.Time `json:"changed"`
	Digest  string    `json:"sha256"`
}

// remember never fails: the cache may be deleted, cut or foreign at any time.
func remember(cacheDir string) *memory {
	m := &memory{jars: map[string]jarDigest{}}
	if cacheDir == "" {
		return m
	}
	m.file = filepath.Join(cacheDir, "jars.json")
	text, err := os.ReadFile(m.file)
	if err != nil {
		return m
	}
	if json.Unmarshal(text, &m.jars) != nil || m.jars == nil {
		m.jars = map[string]jarDigest{}
	}
	return m
}

func (m *memory) digest(jar string) (string, error) {
	info, err := os.Stat(jar)
	if err != nil {
		return "", err
	}
	if known := m.jars[jar]; known.Size == info.Size() && known.Changed.Equal(info.ModTime()) && known.Digest != "" {
		return known.Digest, nil
	}
	file, err := os.Open(jar)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	m.jars[jar], m.changed = jarDigest{Size: info.Size(), Changed: info.ModTime(), Digest: digest}, true
	return digest, nil
}

// keep writes the file in one rename. That it could not be written costs the
// next run 20 milliseconds and nothing else.
func (m *memory) keep() {
	if !m.changed || m.file == "" || os.MkdirAll(filepath.Dir(m.file), 0o700) != nil {
		return
	}
	text, err := json.Marshal(m.jars)
	if err != nil {
		return
	}
	file, err := os.CreateTemp(filepath.Dir(m.file), ".jars-")
	if err != nil {
		return
	}
	_, failed := file.Write(text)
	if file.Close() != nil || failed != nil || os.Rename(file.Name(), m.file) != nil {
		os.Remove(file.Name())
	}
}
