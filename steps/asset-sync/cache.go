package main

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// cache holds what an environment exported, by the time of its last change. It
// saves reads and decides nothing: whoever deletes it gets the same, slower.
type cache struct {
	path    string // "": there is none
	entries map[assets.Key]entry
}

type entry struct {
	ID        int
	ChangedOn string
	Members   []int // of a dashboard: its charts, whose coming and going does not change it
	Text      []byte
}

// cacheFormat changes when older files are of no use.
const cacheFormat = 1

type cacheFile struct {
	Format  int
	Entries map[assets.Key]entry
}

// openCache reads the cache of an environment and account; a broken one is
// none.
func openCache(dir string, e environment) *cache {
	sum := sha256.Sum256([]byte(e.URL + "\x00" + e.Login.Username + "\x00" + e.Login.Kind))
	c := &cache{path: filepath.Join(dir, "asset-sync", fmt.Sprintf("%s-%x.cache", e.name, sum[:6]))}
	file, err := os.Open(c.path)
	if err != nil {
		return c
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return c
	}
	var read cacheFile
	if gob.NewDecoder(unpacked).Decode(&read) == nil && read.Format == cacheFormat {
		c.entries = read.Entries
	}
	return c
}

// raw is what the cache has of a row, if it is of the same state.
func (c *cache) raw(row superset.Row, members []int) (assets.Raw, bool) {
	if row.Kind != assets.Chart && row.Kind != assets.Dashboard || row.ChangedOn == "" {
		return assets.Raw{}, false // databases and datasets change without a sign
	}
	e, ok := c.entries[row.Key()]
	if !ok || e.ID != row.ID || e.ChangedOn != row.ChangedOn || !slices.Equal(e.Members, members) {
		return assets.Raw{}, false
	}
	doc, err := document.ParseYAML(e.Text)
	if err != nil {
		return assets.Raw{}, false
	}
	return assets.Raw{Kind: row.Kind, ID: row.ID, UUID: row.UUID, Doc: doc, Text: e.Text}, true
}

// memory is a cache of what was read before, in the place of the file's.
func memory(t *site, raws map[assets.Key]assets.Raw, rows map[assets.Key]superset.Row) *cache {
	c := &cache{path: t.cache.path, entries: map[assets.Key]entry{}}
	now := t.rows
	t.rows = rows
	defer func() { t.rows = now }()
	for key, raw := range raws {
		if row, ok := rows[key]; ok {
			c.entries[key] = entry{row.ID, row.ChangedOn, t.members(row), raw.Text}
		}
	}
	return c
}

// write replaces the cache by what was read.
func (c *cache) write(t *site) (err error) {
	if c.path == "" {
		return nil
	}
	all := cacheFile{cacheFormat, map[assets.Key]entry{}}
	for key, raw := range t.raws {
		if row, ok := t.rows[key]; ok && (key.Kind == assets.Chart || key.Kind == assets.Dashboard) {
			all.Entries[key] = entry{row.ID, row.ChangedOn, t.members(row), raw.Text}
		}
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return fmt.Errorf("write the cache: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(c.path), ".cache-*")
	if err != nil {
		return fmt.Errorf("write the cache: %w", err)
	}
	defer os.Remove(file.Name())
	packed, _ := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if err := errors.Join(gob.NewEncoder(packed).Encode(all), packed.Close(), file.Close()); err != nil {
		return fmt.Errorf("write the cache: %w", err)
	}
	return os.Rename(file.Name(), c.path)
}
