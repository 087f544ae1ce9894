package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/change"
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
	own    *assets.Set // what the target has, or will have, for the stubs
	sizes  map[assets.Kind]int
	done   map[assets.Key]bool
	failed map[assets.Key]string
	again  map[assets.Key]bool // they refer to assets of their own kind that had no id yet
	notes  []string
	fatal  error
}

func (y *synchronisation) writer() *writer {
	return &writer{
		Session: y.Session, to: y.to, goOn: y.Continue, fix: y.Fix, own: assets.NewSet(y.to.set.All()...), wanted: map[assets.Key]*assets.Asset{},
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
		for _, round := range assets.Rounds(w.of(kind)) {
			w.round(ctx, kind, round)
		}
		w.secondPass(ctx, kind)
	}
	w.people(ctx)
	w.remove(ctx, doomed)
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
	all := round
	for len(round) > 0 && !w.stopped(ctx) {
		n := min(w.size(kind, len(round)), len(round))
		if err := w.unmoved(ctx, kind, round[:n]); err != nil {
			w.fatal = err
			return
		}
		began := time.Now()
		w.push(ctx, kind, w.remaining(round[:n]))
		w.resize(kind, n, time.Since(began))
		round = round[n:]
		w.Log.Info().Str("kind", string(kind)).Int("done", len(w.done)).Int("of", len(w.wanted)).Msg("written")
	}
	if err := w.relist(ctx, kind, keysOf(all)); err != nil && w.fatal == nil {
		w.fatal = err
	}
	if kind == assets.Chart && w.fatal == nil {
		w.layers(ctx)
	}
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

var firstSize = map[assets.Kind]int{assets.Dataset: 50, assets.Chart: 100, assets.Dashboard: 40}

func (w *writer) size(kind assets.Kind, left int) int {
	if w.sizes[kind] == 0 {
		w.sizes[kind] = firstSize[kind]
	}
	if size := w.sizes[kind]; left > size*3/2 {
		return size
	}
	return left
}

// resize follows the server's pace, within reason.
func (w *writer) resize(kind assets.Kind, n int, took time.Duration) {
	if n < w.sizes[kind]/2 || took <= 0 {
		return
	}
	fit := int(float64(n) * float64(goodTime) / float64(took))
	w.sizes[kind] = min(max(fit, n/4, 1), n*3, 600)
}

// unmoved lists the kind again right before it is written: what somebody
// changed since it was read becomes a conflict.
func (w *writer) unmoved(ctx context.Context, kind assets.Kind, batch []*assets.Asset) error {
	before := maps.Clone(w.to.rows)
	if err := w.to.refresh(ctx, keysOf(batch)); err != nil {
		return err
	}
	for _, a := range batch {
		was, had := before[a.Key()]
		is, has := w.to.rows[a.Key()]
		switch {
		case w.done[a.Key()]:
		case had && !has:
			w.fail(a.Key(), "somebody deleted it meanwhile: a conflict")
		case !had && has:
			w.fail(a.Key(), "somebody made it meanwhile: a conflict")
		case had && was.ChangedOn != is.ChangedOn:
			w.fail(a.Key(), "%s changed it meanwhile: a conflict", is.By)
		}
	}
	return nil
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

// push sends a batch. Files that the server names are left out and the rest is
// sent again; where it names none the batch is halved until the culprit stands
// alone.
func (w *writer) push(ctx context.Context, kind assets.Kind, batch []*assets.Asset) {
	for len(batch) > 0 && !w.stopped(ctx) {
		locals := w.localise(batch)
		sparse := w.sparse(kind, batch)
		err := w.send(ctx, kind, locals, sparse)
		var refused *superset.Refused
		switch {
		case err == nil:
			w.arrived(batch)
			return
		case errors.Is(err, superset.ErrUnknown):
			rest, lookup := w.lookUp(ctx, kind, batch)
			if lookup != nil || len(rest) == len(batch) && len(batch) == 1 {
				w.stop(batch, errors.Join(err, lookup))
				return
			}
			w.halves(ctx, kind, rest)
			return
		case !errors.As(err, &refused):
			w.stop(batch, err)
			return
		}
		named := w.named(kind, batch, refused)
		switch {
		case len(named) > 0:
			batch = slices.DeleteFunc(slices.Clone(batch), func(a *assets.Asset) bool { return slices.Contains(named, a.Key()) })
		case len(batch) == 1 && sparse: // this endpoint gives no reasons
			if err := w.send(ctx, kind, locals, false); err == nil {
				w.arrived(batch)
			} else {
				w.fail(batch[0].Key(), "%v", err)
			}
			return
		case len(batch) == 1:
			w.fail(batch[0].Key(), "%v", refused)
			return
		default:
			w.halves(ctx, kind, batch)
			return
		}
	}
}

func (w *writer) halves(ctx context.Context, kind assets.Kind, batch []*assets.Asset) {
	if len(batch) < 2 {
		w.push(ctx, kind, batch)
		return
	}
	w.push(ctx, kind, batch[:len(batch)/2])
	w.push(ctx, kind, batch[len(batch)/2:])
}

// stop ends the run: what failed is no asset's fault.
func (w *writer) stop(batch []*assets.Asset, err error) {
	w.fatal = err
	for _, a := range batch {
		w.fail(a.Key(), "%v", err)
	}
}

func (w *writer) arrived(batch []*assets.Asset) {
	for _, a := range batch {
		w.done[a.Key()] = true
		w.own.Add(a)
	}
}

// named fails the assets whose files the server names.
func (w *writer) named(kind assets.Kind, batch []*assets.Asset, refused *superset.Refused) (keys []assets.Key) {
	for _, a := range batch {
		if reason, ok := refused.Files[assets.FileOf(a.Key())]; ok {
			w.fail(a.Key(), "%s refused it: %s", w.to.name, reason)
			keys = append(keys, a.Key())
		}
	}
	return keys
}

func (w *writer) localise(batch []*assets.Asset) (locals []assets.Local) {
	for _, a := range batch {
		bring := w.to.space.Localise
		if !w.fix {
			bring = w.to.space.LocaliseForImporter
		}
		l := bring(a, w.to.version)
		if w.waits(a) {
			w.again[a.Key()] = true
			l.Lost = nil
		}
		for _, lost := range append(l.Lost, l.Notes...) {
			if !w.namesFailed(lost) { // that is told already
				w.notes = append(w.notes, fmt.Sprintf("%s: %s has nothing for %s", a, w.to.name, lost))
			}
		}
		locals = append(locals, l)
	}
	return locals
}

// waits says that an asset refers to another that is to be made and has no id
// yet: one of a circle.
func (w *writer) waits(a *assets.Asset) bool {
	return slices.ContainsFunc(a.RefersTo(), func(k assets.Key) bool {
		_, there := w.to.space.ID(k.Kind, k.UUID)
		return w.wanted[k] != nil && !there && k.Kind == a.Kind
	})
}

// namesFailed says that a text is about an asset that failed.
func (w *writer) namesFailed(text string) bool {
	for key := range w.failed {
		if strings.Contains(text, key.UUID) {
			return true
		}
	}
	return false
}

// sparse says that the endpoint for all assets takes the batch: quicker for
// many, but it knows no tags, gives no reasons, and wants every asset to be
// ours.
func (w *writer) sparse(kind assets.Kind, batch []*assets.Asset) bool {
	if len(batch) < 20 || w.to.version.Before(assets.Version{Major: 6}) || w.to.version == (assets.Version{}) || !w.to.me.May("can_import", "ImportExportRestApi") {
		return false
	}
	existing := w.to.existing()
	for _, a := range batch {
		e, there := existing[a.Key()]
		if len(a.Tags()) > 0 || len(w.to.rows[a.Key()].Tags) > 0 || there && !e.Owned || kind == assets.Dashboard && len(a.Charts()) == 0 {
			return false
		}
	}
	return true
}

func (w *writer) send(ctx context.Context, kind assets.Kind, locals []assets.Local, sparse bool) error {
	endpoint := superset.Endpoint{Kind: kind}
	var files []assets.File
	for _, l := range locals {
		files = append(files, assets.File{Name: assets.FileOf(l.Key), Doc: l.Doc})
	}
	if sparse {
		endpoint = superset.Endpoint{Sparse: true}
	} else {
		databases, err := w.databases(ctx, locals)
		if err != nil {
			return err
		}
		files = append(files, assets.Dependencies(locals, w.own, databases, w.to.space)...)
	}
	bundle, err := assets.Bundle(endpoint.Kind, files, time.Now())
	if err != nil {
		return err
	}
	return w.to.client.Import(context.WithoutCancel(ctx), endpoint, bundle, nil)
}

// databases gives the target's own definitions.
func (w *writer) databases(ctx context.Context, _ []assets.Local) (map[string]*document.Value, error) {
	docs := map[string]*document.Value{}
	for key, row := range w.to.rows {
		if key.Kind != assets.Database {
			continue
		}
		if _, known := w.to.raws[key]; !known {
			if err := w.to.exportKind(ctx, assets.Database, []int{row.ID}); err != nil {
				return nil, err
			}
		}
		if raw, known := w.to.raws[key]; known {
			docs[key.UUID] = raw.Doc
		}
	}
	return docs, nil
}

// lookUp finds out what of a batch arrived although no answer came.
func (w *writer) lookUp(ctx context.Context, kind assets.Kind, batch []*assets.Asset) (rest []*assets.Asset, err error) {
	w.Log.Warn().Int("assets", len(batch)).Msg("no answer to a write: looking up what arrived")
	ctx = context.WithoutCancel(ctx)
	for wait := time.Second; ; wait *= 2 {
		if err = w.relist(ctx, kind, keysOf(batch)); err == nil || wait > 30*time.Second {
			break
		}
		time.Sleep(wait)
	}
	if err != nil {
		return nil, err
	}
	if err := w.to.client.RenewCSRF(ctx); err != nil {
		return nil, err
	}
	if err := w.to.readKeys(ctx, batch); err != nil {
		return nil, err
	}
	for _, a := range batch {
		if w.to.equal(a) {
			w.arrived([]*assets.Asset{a})
			continue
		}
		rest = append(rest, a)
	}
	return rest, nil
}

// readKeys reads assets of one kind again.
func (t *site) readKeys(ctx context.Context, batch []*assets.Asset) error {
	var ids []int
	for _, a := range batch {
		if row, ok := t.rows[a.Key()]; ok {
			ids = append(ids, row.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := t.exportKind(ctx, batch[0].Kind, ids); err != nil {
		return err
	}
	for _, a := range batch {
		raw, ok := t.raws[a.Key()]
		if row, listed := t.rows[a.Key()]; ok && listed {
			t.set.Add(t.asset(raw, row))
		}
	}
	return nil
}

// layers puts back the annotation layers that imports drop, all but formulas.
func (w *writer) layers(ctx context.Context) {
	for _, a := range w.of(assets.Chart) {
		if !w.done[a.Key()] || w.stopped(ctx) {
			continue
		}
		l := w.to.space.Localise(a, w.to.version)
		id, known := w.to.space.ID(assets.Chart, a.UUID)
		if !l.Layers || !known {
			continue
		}
		if w.to.space.NeedsLayers(a) {
			if err := w.to.addLayers(ctx); err != nil {
				w.fail(a.Key(), "its annotation layers: %v", err)
				continue
			}
			l = w.to.space.Localise(a, w.to.version)
		}
		body := map[string]any{"params": l.Doc.Get("params").JSON()}
		if context := l.Doc.Get("query_context").Str(); context != "" {
			body["query_context"] = context
		}
		path := fmt.Sprintf("/api/v1/chart/%d", id)
		if err := w.to.client.Send(context.WithoutCancel(ctx), http.MethodPut, path, body, nil); err != nil {
			w.fail(a.Key(), "its annotation layers: %v", err)
		}
	}
}

// makeDatabases makes those that the configuration allows to be made.
func (w *writer) makeDatabases(ctx context.Context, create map[string]newDatabase) {
	for _, a := range w.of(assets.Database) {
		if w.stopped(ctx) {
			return
		}
		uuid := assets.NewUUID(w.to.URL, a.UUID)
		key := assets.Key{Kind: assets.Database, UUID: uuid}
		file := assets.FileOf(key)
		doc := document.NewMap(document.Field{Key: "database_name", Value: document.Text(a.UUID)}, document.Field{Key: "sqlalchemy_uri", Value: document.Text(create[a.UUID].URI)},
			document.Field{Key: "uuid", Value: document.Text(uuid)}, document.Field{Key: "extra", Value: document.NewMap()}, document.Field{Key: "version", Value: document.Text("1.0.0")})
		var passwords map[string]string
		if secret := create[a.UUID].Password; secret != "" {
			passwords = map[string]string{file: secret}
		}
		bundle, err := assets.Bundle(assets.Database, []assets.File{{Name: file, Doc: doc}}, time.Now())
		if err == nil {
			err = w.to.client.Import(context.WithoutCancel(ctx), superset.Endpoint{Kind: assets.Database}, bundle, passwords)
		}
		if err != nil {
			w.fail(a.Key(), "%v", err)
			w.fatal = change.Failf(change.KindInfrastructure, "make the database %q: %w", a.UUID, err)
			return
		}
		w.done[a.Key()] = true
		w.to.space.AddDatabase(uuid, a.UUID)
		w.fatal = w.to.relist(ctx, assets.Database)
	}
}

// remove deletes what the plan says, dashboards first.
func (w *writer) remove(ctx context.Context, doomed []assets.Step) {
	for _, kind := range []assets.Kind{assets.Dashboard, assets.Chart, assets.Dataset} {
		for _, s := range doomed {
			if s.Key.Kind != kind || w.stopped(ctx) {
				continue
			}
			if reason := w.used(s.Key); reason != "" && !w.force {
				w.fail(s.Key, "%s", reason)
				continue
			}
			id, ok := w.to.space.ID(kind, s.Key.UUID)
			if !ok {
				continue
			}
			if err := w.to.client.Delete(context.WithoutCancel(ctx), kind, []int{id}); err != nil && !errors.Is(err, superset.ErrNotFound) {
				w.fail(s.Key, "%v", err)
				continue
			}
			w.done[s.Key] = true
			w.own.Remove(s.Key)
			w.to.space.Forget(kind, s.Key.UUID)
		}
	}
}

// used says what would lose the asset: Superset deletes it all the same.
func (w *writer) used(k assets.Key) string {
	for _, a := range w.own.All() {
		if a.Key() != k && slices.Contains(a.Needs(), k) {
			return fmt.Sprintf("%s uses it", a)
		}
	}
	return ""
}

// verify reads back what was written and compares: a server answers 200 for
// what it left out.
func (w *writer) verify(ctx context.Context) error {
	if len(w.done) == 0 {
		return nil
	}
	before := w.to.raws
	rows := w.to.readRows
	if err := w.to.refresh(ctx, w.touched()); err != nil {
		return err
	}
	if err := w.to.export(ctx, memory(w.to, before, rows)); err != nil {
		return err
	}
	if err := w.to.canonicalise(ctx); err != nil {
		return err
	}
	for key := range w.done {
		if key.Kind != assets.Database {
			w.compare(key)
		}
	}
	return nil
}

// touched are the assets whose rows the run has changed: what was written, and
// the charts that came to or left a dashboard.
func (w *writer) touched() []assets.Key {
	keys := map[assets.Key]bool{}
	for key := range w.done {
		keys[key] = true
		for _, a := range []*assets.Asset{w.wanted[key], w.to.set.Get(key)} {
			if a != nil && key.Kind == assets.Dashboard {
				for _, uuid := range a.Charts() {
					keys[assets.Key{Kind: assets.Chart, UUID: uuid}] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(keys))
}

func (w *writer) compare(key assets.Key) {
	wanted, there := w.wanted[key], w.to.set.Get(key)
	switch {
	case wanted == nil && there != nil:
		w.fail(key, "it is still there")
	case wanted == nil:
	case there == nil:
		w.fail(key, "the server said OK and did not make it")
	case document.Equal(there.Doc, wanted.Doc):
	case w.without(wanted) != "":
		w.fail(key, "it arrived without %s, which failed", w.without(wanted))
	case !w.fix && key.Kind == assets.Dashboard && assets.SameButReferences(there, wanted):
		w.notes = append(w.notes, fmt.Sprintf("%s: the importer left references that asset-sync repair mends: %s", wanted, w.differences(there, wanted)))
	default:
		w.fail(key, "it is not as sent: %s", w.differences(there, wanted))
	}
}

func (w *writer) differences(there, wanted *assets.Asset) string {
	var all []string
	for _, d := range assets.Differences(there, wanted, w.title) {
		all = append(all, d.What)
	}
	return strings.Join(all, "; ")
}

// without names what an asset needs and what failed, of those that are not in
// the target at all.
func (w *writer) without(a *assets.Asset) string {
	var names []string
	for _, need := range a.Needs() {
		if _, bad := w.failed[need]; bad && w.to.set.Get(need) == nil {
			names = append(names, fmt.Sprint(w.wanted[need]))
		}
	}
	return strings.Join(names, ", ")
}

func (w *writer) title(k assets.Key) string {
	if a := w.own.Get(k); a != nil {
		return a.Title()
	}
	return ""
}
