package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// fitTags leaves the tags of the source out where the target keeps none. That
// is asked where it has none yet.
func (y *synchronisation) fitTags(ctx context.Context) {
	for _, row := range y.to.rows {
		if len(row.Tags) > 0 {
			return
		}
	}
	var with []*assets.Asset
	for _, a := range y.source.All() {
		if len(a.Tags()) > 0 {
			with = append(with, a)
		}
	}
	if len(with) == 0 {
		return
	}
	if y.to.client.HasTags(ctx) {
		return
	}
	for _, a := range with {
		fitted := *a
		fitted.Doc = a.Doc.Copy()
		fitted.SetTags(nil)
		y.source.Add(&fitted)
		y.note("%s: without its tags: %s keeps none (TAGGING_SYSTEM is off)", a, y.To)
	}
}

// tagged are the numbers by which Superset's tags name kinds.
var tagged = map[assets.Kind]int{assets.Chart: 2, assets.Dashboard: 3}

// tags gives what was written its tags, where bundles do not carry them.
func (w *writer) tags(ctx context.Context) {
	if !w.to.version.Before(assets.TagsInBundles) {
		return
	}
	for _, kind := range []assets.Kind{assets.Chart, assets.Dashboard} {
		for _, a := range w.of(kind) {
			row, there := w.to.rows[a.Key()]
			if !there || !w.done[a.Key()] || w.stopped(ctx) {
				continue
			}
			if err := w.retag(context.WithoutCancel(ctx), fmt.Sprintf("/api/v1/tag/%d/%d/", tagged[kind], row.ID), row.Tags, a.Tags()); err != nil {
				w.fail(a.Key(), "its tags: %v", err)
			}
		}
	}
}

func (w *writer) retag(ctx context.Context, path string, before, after []string) error {
	for _, tag := range before {
		if slices.Contains(after, tag) {
			continue
		}
		if err := w.to.client.Send(ctx, http.MethodDelete, path+url.PathEscape(tag)+"/", nil, nil); err != nil {
			return err
		}
	}
	added := slices.DeleteFunc(slices.Clone(after), func(tag string) bool { return slices.Contains(before, tag) })
	if len(added) == 0 {
		return nil
	}
	return w.to.client.Send(ctx, http.MethodPost, path, map[string]any{"properties": map[string]any{"tags": added}}, nil)
}
