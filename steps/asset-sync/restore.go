package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

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

// connection is a database's definition with what every version takes.
func connection(name, uri, uuid string) *document.Value {
	return document.NewMap(document.Field{Key: "database_name", Value: document.Text(name)}, document.Field{Key: "sqlalchemy_uri", Value: document.Text(uri)},
		document.Field{Key: "uuid", Value: document.Text(uuid)}, document.Field{Key: "extra", Value: document.NewMap()},
		document.Field{Key: "allow_csv_upload", Value: document.Truth(false)}, document.Field{Key: "version", Value: document.Text("1.0.0")})
}

// makeDatabases makes those that the configuration allows to be made.
func (w *writer) makeDatabases(ctx context.Context, create map[string]newDatabase) {
	for _, a := range w.of(assets.Database) {
		if w.stopped(ctx) {
			return
		}
		name, uuid := w.to.config.nameIn(w.to.environment, a.UUID)
		if err := w.nameIsFree(ctx, name); err != nil {
			w.stop([]*assets.Asset{a}, err)
			return
		}
		key := assets.Key{Kind: assets.Database, UUID: uuid}
		file := assets.FileOf(key)
		doc := connection(name, create[a.UUID].URI, uuid)
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
			w.fatal = change.Failf(change.KindInfrastructure, "make the database %q: %w", a.UUID, err).
				WithHint("servers before 6.0 connect to it for that: see that %s reaches it and has its driver", w.to.name)
			return
		}
		w.done[a.Key()] = true
		w.to.space.AddDatabase(uuid, a.UUID)
		w.fatal = w.to.relist(ctx, assets.Database)
	}
}

// nameIsFree looks again whether a database of that name is there: an import
// would take it over.
func (w *writer) nameIsFree(ctx context.Context, name string) error {
	if err := w.to.relist(ctx, assets.Database); err != nil {
		return err
	}
	if w.to.hasDatabase(name) {
		return change.Failf(change.KindInfrastructure, "somebody made a database %q in %s meanwhile: an import would take it over", name, w.to.name).
			WithHint("if it is the one that is meant, the same command goes on with it")
	}
	return nil
}
