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
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// cache holds what an environment exported, by the time of its last change. It
// saves reads and decides nothing: whoever deletes it gets the same, slower.
type cache struct {
	path    string // "": there is none
	version string // of the server
	entries map[assets.Key]entry
}

type entry struct {
	ID        int
	ChangedOn string
	Members   []int              // of a dashboard: its charts, whose coming and going does not change it
	Refers    map[assets.Key]int // the ids of those that it names by UUID, which may be given others without a sign
	Text      []byte
}

// cacheFormat changes when older files are of no use.
const cacheFormat = 2

type cacheFile struct {
	Format  int
	Version string
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
		c.version, c.entries = read.Version, read.Entries
	}
	return c
}

// of forgets what another release of the server wrote.
func (c *cache) of(version string) {
	if c.version != version {
		c.version, c.entries = version, nil
	}
}

// raw is what the cache has of a row, if it is of the same state.
func (c *cache) raw(t *site, row superset.Row) (assets.Raw, bool) {
	if row.Kind != assets.Chart && row.Kind != assets.Dashboard || row.ChangedOn == "" {
		return assets.Raw{}, false // databases and datasets change without a sign
	}
	e, ok := c.entries[row.Key()]
	if !ok || e.ID != row.ID || e.ChangedOn != row.ChangedOn || !slices.Equal(e.Members, t.members(row)) {
		return assets.Raw{}, false
	}
	for key, id := range e.Refers {
		if t.rows[key].ID != id {
			return assets.Raw{}, false
		}
	}
	raw, err := assets.ReadRaw(row.Kind, e.Text)
	raw.ID = row.ID
	return raw, err == nil
}

// entry is what is kept of an asset as it was read.
func (t *site) entry(row superset.Row, raw assets.Raw) entry {
	e := entry{row.ID, row.ChangedOn, t.members(row), map[assets.Key]int{}, raw.Text}
	for _, key := range raw.Refers {
		if to, there := t.rows[key]; there {
			e.Refers[key] = to.ID
		}
	}
	return e
}

// memory is a cache of what was read before, in the place of the file's.
func memory(t *site, raws map[assets.Key]assets.Raw, rows map[assets.Key]superset.Row) *cache {
	c := &cache{path: t.cache.path, version: t.cache.version, entries: map[assets.Key]entry{}}
	now := t.rows
	t.rows = rows
	defer func() { t.rows = now }()
	for key, raw := range raws {
		if row, ok := rows[key]; ok {
			c.entries[key] = t.entry(row, raw)
		}
	}
	return c
}

// write replaces the cache by what was read.
func (c *cache) write(t *site) (err error) {
	if c.path == "" {
		return nil
	}
	all := cacheFile{cacheFormat, c.version, map[assets.Key]entry{}}
	for key, raw := range t.raws {
		if row, ok := t.rows[key]; ok && (key.Kind == assets.Chart || key.Kind == assets.Dashboard) {
			all.Entries[key] = t.entry(row, raw)
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
