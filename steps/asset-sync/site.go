package main

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// site is one environment as it was read.
type site struct {
	environment
	session *step.Session
	client  *superset.Client
	config  *configuration
	me      superset.Me
	version assets.Version
	rows    map[assets.Key]superset.Row
	people  *assets.People // nil where owners are kept
	cache   *cache

	readRows map[assets.Key]superset.Row // as they were when raws was read
	raws     map[assets.Key]assets.Raw   // databases by UUID, with the environment's own definition
	fresh    map[assets.Key]assets.Raw   // exported to name the rows of the lists that are read now
	byKinds  bool                        // everything at once was not to be had
	named    map[assets.Kind]map[int]named
	oldest   assets.Version // by what its lists lack; the zero value for newer servers
	space    *assets.Space
	set      *assets.Set
	scalars  document.Pool // of all states that were read
}

// readSite reads a whole environment: its lists, and what changed since the
// cache was written.
func readSite(ctx context.Context, s *step.Session, c *configuration, e environment, cache *cache, readOnly bool) (*site, error) {
	client, err := e.client(s, readOnly)
	if err != nil {
		return nil, err
	}
	t := &site{environment: e, session: s, client: client, config: c, cache: cache, scalars: document.Pool{}}
	version, text := client.Version(ctx)
	t.version = version
	cache.of(text)
	if !readOnly || c.Owners == ownersMap {
		if t.me, err = client.Me(ctx); err != nil {
			return nil, err
		}
	}
	if c.Owners == ownersMap {
		if t.people, err = readPeople(ctx, client, t.me.ID); err != nil {
			return nil, err
		}
	}
	if err := t.list(ctx); err != nil {
		return nil, err
	}
	if t.version == (assets.Version{}) {
		t.version = t.oldest
	}
	s.Log.Info().Str("environment", e.name).Int("assets", len(t.rows)).Msg("listed")
	if err := t.export(ctx, cache, nil); err != nil {
		return nil, err
	}
	s.Log.Info().Str("environment", e.name).Int("assets", len(t.raws)).Str("cache", cache.path).Msg("read")
	return t, t.canonicalise(ctx)
}

// list reads the lists of all kinds.
func (t *site) list(ctx context.Context) error {
	t.rows = map[assets.Key]superset.Row{}
	return t.reread(ctx, question{whole: assets.Kinds})
}

// relist reads the list of a kind again.
func (t *site) relist(ctx context.Context, kind assets.Kind) error {
	return t.reread(ctx, question{whole: []assets.Kind{kind}})
}

// refresh reads the rows of some assets again.
func (t *site) refresh(ctx context.Context, keys []assets.Key) error {
	return t.reread(ctx, t.question(keys, nil))
}

// reread asks again for what was known and did not come: what somebody else
// asks a server at the same moment may narrow its answer, see ListWhere.
func (t *site) reread(ctx context.Context, q question) error {
	rows, err := q.ask(ctx, t.client)
	if err != nil {
		return err
	}
	if lost := t.absent(q, rows); len(lost) > 0 {
		again, err := t.question(lost, nil).ask(ctx, t.client)
		if err != nil {
			return err
		}
		rows = append(rows, again...)
	}
	return t.learn(ctx, q, rows)
}

// absent are the assets that were known, asked for and not given.
func (t *site) absent(q question, rows []superset.Row) (keys []assets.Key) {
	type place struct {
		kind assets.Kind
		id   int
	}
	given := map[place]bool{}
	for _, row := range rows {
		given[place{row.Kind, row.ID}] = true
	}
	for key, row := range t.rows {
		asked := slices.Contains(q.whole, key.Kind) || slices.Contains(q.some[key.Kind], key.UUID)
		if asked && !given[place{key.Kind, row.ID}] {
			keys = append(keys, key)
		}
	}
	return keys
}

// learn puts rows in the place of what was known of those that were asked for.
func (t *site) learn(ctx context.Context, q question, rows []superset.Row) error {
	t.fresh = map[assets.Key]assets.Raw{}
	for key := range t.rows {
		if slices.Contains(q.whole, key.Kind) {
			delete(t.rows, key)
		}
	}
	for kind, uuids := range q.some {
		for _, uuid := range uuids {
			delete(t.rows, assets.Key{Kind: kind, UUID: uuid})
		}
	}
	for _, kind := range assets.Kinds { // databases first: datasets are told by theirs
		some, err := t.identify(ctx, kind, slices.DeleteFunc(slices.Clone(rows), func(row superset.Row) bool { return row.Kind != kind }))
		if err != nil {
			return err
		}
		for _, row := range some {
			t.rows[row.Key()] = row
		}
	}
	return nil
}

// question is which rows are to be read: whole lists, or some by their UUIDs.
type question struct {
	whole []assets.Kind
	some  map[assets.Kind][]string
	names map[assets.Kind][]string // beside those of some: whatever has such a name, by the columns below
}

// nameColumn holds the name by which imports take another asset over.
var nameColumn = map[assets.Kind]string{assets.Dataset: "table_name", assets.Dashboard: "slug"}

// question asks for rows by their UUIDs where the server can and where that
// takes fewer requests than the whole list: each has a cost of its own beside
// that of its rows.
func (t *site) question(keys []assets.Key, names map[assets.Kind][]string) question {
	q := question{some: map[assets.Kind][]string{}, names: names}
	for _, key := range keys {
		q.some[key.Kind] = append(q.some[key.Kind], key.UUID)
	}
	for kind, uuids := range q.some {
		if t.pages(kind, uuids) <= superset.Lines(uuids)+superset.Lines(names[kind]) || kind == assets.Database || t.version.Before(assets.Version{Major: 6}) || t.version == (assets.Version{}) {
			delete(q.some, kind)
			q.whole = append(q.whole, kind)
		}
	}
	return q
}

// pages is how many requests the whole list of a kind takes, as far as its
// rows are known, and if there are those that are asked for.
func (t *site) pages(kind assets.Kind, uuids []string) int {
	rows := 0
	for _, uuid := range uuids {
		if _, known := t.rows[assets.Key{Kind: kind, UUID: uuid}]; !known {
			rows++
		}
	}
	for key := range t.rows {
		if key.Kind == kind {
			rows++
		}
	}
	return inParts(rows, cmp.Or(t.client.PageSize(), superset.PageSize))
}

// inParts is how many parts of a size hold n.
func inParts(n, size int) int { return (n + size - 1) / size }

// ask reads the kinds side by side.
func (q question) ask(ctx context.Context, client *superset.Client) ([]superset.Row, error) {
	var reads []func() ([]superset.Row, error)
	for _, kind := range q.whole {
		reads = append(reads, func() ([]superset.Row, error) { return client.List(ctx, kind) })
	}
	for kind, uuids := range q.some {
		reads = append(reads, func() ([]superset.Row, error) {
			rows, err := client.ListWhere(ctx, kind, "uuid", uuids)
			if names := q.names[kind]; err == nil && len(names) > 0 {
				var named []superset.Row
				named, err = client.ListWhere(ctx, kind, nameColumn[kind], names)
				rows = append(rows, named...)
			}
			return rows, err
		})
	}
	rows, faults := make([][]superset.Row, len(reads)), make([]error, len(reads))
	var all sync.WaitGroup
	for i, read := range reads {
		all.Go(func() { rows[i], faults[i] = read() })
	}
	all.Wait()
	return slices.Concat(rows...), firstOf(faults)
}

func firstOf(faults []error) error {
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}
