package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// writer brings assets into an environment: datasets, charts, dashboards, each
// wholly in the environment's ids, in few bundles, and around what is broken.
type writer struct {
	*step.Session
	to    *site
	goOn  bool // with the rest when one is refused
	force bool // also what others use is deleted
	fix   bool // metadata is brought into the target's ids

	wanted map[assets.Key]*assets.Asset
	own    *assets.Set                 // what the target has, or will have, for the stubs
	plan   map[assets.Key]superset.Row // as they were when it was made
	sizes  map[assets.Kind]int
	done   map[assets.Key]bool
	failed map[assets.Key]string
	again  map[assets.Key]bool // they refer to assets of their own kind that had no id yet
	notes  []string
	fatal  error

	between  []assets.Key // dashboards with a slug that is neither the old one nor the new one
	silences int          // writes without an answer since one had one
}

func (y *synchronisation) writer() *writer {
	return &writer{
		Session: y.Session, to: y.to, goOn: y.Continue, fix: y.Fix, own: assets.NewSet(y.to.set.All()...), plan: maps.Clone(y.to.rows), wanted: map[assets.Key]*assets.Asset{},
		sizes: map[assets.Kind]int{}, done: map[assets.Key]bool{}, failed: map[assets.Key]string{}, again: map[assets.Key]bool{},
	}
}

// write does it all. What fails is noted; ctx ends it between two requests.
func (w *writer) write(ctx context.Context, wanted []*assets.Asset, doomed []assets.Step, create map[string]newDatabase) {
	for _, a := range wanted {
		w.wanted[a.Key()] = a
	}
	w.makeDatabases(ctx, create)
	for _, kind := range []assets.Kind{assets.Dataset, assets.Chart, assets.Dashboard} {
		if kind == assets.Dashboard {
			w.freeSlugs(ctx, doomed)
		}
		for _, round := range assets.Rounds(w.of(kind)) {
			w.round(ctx, kind, round)
		}
		w.secondPass(ctx, kind)
	}
	w.members(ctx)
	w.tags(ctx)
	w.people(ctx)
	w.remove(ctx, doomed)
	w.slugsBetween()
}

func (w *writer) of(kind assets.Kind) (all []*assets.Asset) {
	set := assets.NewSet()
	for _, a := range w.wanted {
		set.Add(a)
	}
	return set.Of(kind)
}

func (w *writer) stopped(ctx context.Context) bool {
	return ctx.Err() != nil || w.fatal != nil || !w.goOn && len(w.failed) > 0
}

func (w *writer) fail(k assets.Key, format string, args ...any) {
	if _, said := w.failed[k]; !said {
		w.failed[k] = fmt.Sprintf(format, args...)
	}
}

// round writes assets none of which refers to another of them, and reads their
// ids back.
func (w *writer) round(ctx context.Context, kind assets.Kind, round []*assets.Asset) {
	w.batches(ctx, kind, round)
	if err := w.relist(ctx, kind, w.unread(round)); err != nil && w.fatal == nil {
		w.fatal = err
	}
	if kind == assets.Chart && w.fatal == nil {
		w.layers(ctx)
	}
}

// batches sends a round batch by batch.
func (w *writer) batches(ctx context.Context, kind assets.Kind, round []*assets.Asset) {
	left, fair := round, w.fair(kind, len(round))
	for len(left) > 0 && !w.stopped(ctx) {
		batch := left[:w.size(kind, len(left), fair)]
		left = left[len(batch):]
		w.batch(ctx, kind, batch)
	}
}

func (w *writer) batch(ctx context.Context, kind assets.Kind, batch []*assets.Asset) {
	if err := w.unmoved(ctx, kind, batch); err != nil {
		w.fatal = err
		return
	}
	began := time.Now()
	w.push(ctx, kind, w.remaining(batch))
	w.resize(kind, len(batch), time.Since(began))
	w.Log.Info().Str("kind", string(kind)).Int("done", len(w.done)).Int("of", len(w.wanted)).Int("perSecond", int(float64(len(batch))/max(time.Since(began).Seconds(), 0.001))).Msg("written")
}

// secondPass writes those once more that refer to each other in a circle: now
// all of them have ids.
func (w *writer) secondPass(ctx context.Context, kind assets.Kind) {
	var circle []*assets.Asset
	for _, a := range w.of(kind) {
		if w.again[a.Key()] && w.done[a.Key()] {
			circle = append(circle, a)
		}
	}
	clear(w.again)
	if len(circle) > 0 {
		w.round(ctx, kind, circle)
	}
}

func keysOf(all []*assets.Asset) (keys []assets.Key) {
	for _, a := range all {
		keys = append(keys, a.Key())
	}
	return keys
}

func (w *writer) remaining(all []*assets.Asset) (rest []*assets.Asset) {
	for _, a := range all {
		if _, bad := w.failed[a.Key()]; !bad {
			rest = append(rest, a)
		}
	}
	return rest
}

// The time that one request should take: below the minute that many servers
// and proxies allow.
const goodTime = 15 * time.Second

// firstSize is what an idle server takes in two seconds.
var firstSize = map[assets.Kind]int{assets.Dataset: 50, assets.Chart: 300, assets.Dashboard: 60}

// fair is the size by which all batches of a round are alike.
func (w *writer) fair(kind assets.Kind, round int) int {
	if w.sizes[kind] == 0 {
		w.sizes[kind] = firstSize[kind]
	}
	most := w.sizes[kind] * 3 / 2
	return inParts(round, inParts(round, most))
}

// size is that of the next batch: the fair one, unless the server has turned
// out to be slower.
func (w *writer) size(kind assets.Kind, left, fair int) int {
	n := min(left, fair)
	if w.sizes[kind]*3/2 < n {
		n = w.sizes[kind]
	}
	return n
}

// resize follows the server's pace, within reason.
func (w *writer) resize(kind assets.Kind, n int, took time.Duration) {
	if n < w.sizes[kind]/2 || took <= 0 {
		return
	}
	fit := int(float64(n) * float64(goodTime) / float64(took))
	w.sizes[kind] = min(max(fit, n/4, 1), n*3, 600)
}

// unmoved reads the rows of a batch again right before it is written: what
// somebody changed since the plan was made becomes a conflict, and so does a
// new name that somebody gave to another asset.
func (w *writer) unmoved(ctx context.Context, kind assets.Kind, batch []*assets.Asset) error {
	q := w.to.question(keysOf(batch), map[assets.Kind][]string{kind: w.newNames(batch)})
	if err := w.to.reread(ctx, q); err != nil {
		return err
	}
	var others []*assets.Asset
	if len(q.names[kind]) > 0 {
		others = w.to.bare(kind)
	}
	for _, a := range batch {
		if moved := w.moved(a.Key()); moved != "" {
			w.fail(a.Key(), "%s meanwhile: a conflict", moved)
		} else if taken := assets.Collision(a, others); taken != "" {
			w.fail(a.Key(), "%s", taken)
		}
	}
	return nil
}

// newNames are the slugs or tables that assets do not have yet.
func (w *writer) newNames(batch []*assets.Asset) (names []string) {
	for _, a := range batch {
		was := w.plan[a.Key()]
		switch {
		case w.done[a.Key()]:
		case a.Kind == assets.Dashboard && a.Slug() != "" && a.Slug() != was.Slug:
			names = append(names, a.Slug())
		case a.Kind == assets.Dataset && (a.Title() != was.Title || a.Doc.Get("schema").Str() != was.Schema || a.Doc.Get("catalog").Str() != was.Catalog):
			names = append(names, a.Title())
		}
	}
	return names
}

// moved says what somebody did to an asset since the plan was made. What was
// written since then was last changed by the account.
func (w *writer) moved(k assets.Key) string {
	was, had := w.plan[k]
	is, has := w.to.rows[k]
	switch {
	case !has && had:
		return "somebody deleted it"
	case w.done[k] && (w.to.me.ID == 0 || is.ChangedBy == w.to.me.ID):
	case has && !had && !w.done[k]:
		return "somebody made it"
	case has && was.ChangedOn != is.ChangedOn:
		return is.By + " changed it"
	}
	return ""
}

// unread are those that were not seen since they were written: the list that is
// read before a batch tells of the batches before it.
func (w *writer) unread(written []*assets.Asset) (keys []assets.Key) {
	for _, a := range written {
		if row, there := w.to.rows[a.Key()]; !there || row.ChangedOn == w.plan[a.Key()].ChangedOn {
			keys = append(keys, a.Key())
		}
	}
	return keys
}

// relist learns the ids of what was written.
func (w *writer) relist(ctx context.Context, kind assets.Kind, keys []assets.Key) error {
	if err := w.to.refresh(context.WithoutCancel(ctx), keys); err != nil {
		return err
	}
	for key, row := range w.to.rows {
		if key.Kind == kind {
			w.to.space.Add(kind, row.ID, row.UUID)
		}
	}
	return nil
}
