package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// push sends a batch. Files that the server names are left out and the rest is
// sent again; where it names none the batch is halved until the culprit stands
// alone.
func (w *writer) push(ctx context.Context, kind assets.Kind, batch []*assets.Asset) {
	for silent := 0; len(batch) > 0 && !w.stopped(ctx); {
		locals := w.localise(batch)
		sparse := w.sparse(kind, batch)
		began := time.Now()
		err := w.send(ctx, kind, locals, sparse)
		var refused *superset.Refused
		switch {
		case err == nil:
			w.arrived(batch)
			return
		case errors.Is(err, superset.ErrUnknown):
			batch = w.unanswered(ctx, kind, batch, unanswered{err, silent, time.Since(began)})
			silent++
			continue
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
	w.silences = 0
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
		databases, err := w.databases(ctx)
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
func (w *writer) databases(ctx context.Context) (map[string]*document.Value, error) {
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
