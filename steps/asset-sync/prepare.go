package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
	"github.com/patchbay-ci/patchbay/internal/change"
)

// prepare reads both sides and plans.
func (y *synchronisation) prepare(ctx context.Context) (err error) {
	if y.reader, err = newReader(y.Session, y.Settings, y.Snapshots); err != nil {
		return err
	}
	if _, err := y.reader.environment(y.To); err != nil {
		return err
	}
	selection, err := y.reader.config.selection(y.Filter)
	if err != nil {
		return err
	}
	read, err := y.readBoth(ctx)
	if err != nil {
		return err
	}
	y.from = read.site
	if y.source = selection.Select(read.set); y.source.Len("") == 0 {
		return change.Failf(change.KindConfiguration, "nothing in %s is selected", y.From).WithHint("look at the filters")
	}
	for _, a := range y.source.All() {
		for _, what := range a.Unresolved {
			y.note("%s: refers to nothing: %s", a, what)
		}
	}
	y.matchDatabases(read)
	return y.makePlan(ctx, read.set, selection)
}

// readBoth reads both sides at once: they are two servers.
func (y *synchronisation) readBoth(ctx context.Context) (*content, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var reading sync.WaitGroup
	var failed error
	reading.Go(func() {
		if y.to, failed = y.reader.site(ctx, y.To, false); failed != nil {
			cancel()
		}
	})
	read, err := y.reader.read(ctx, y.From)
	if err != nil {
		cancel()
	}
	reading.Wait()
	switch {
	case failed != nil && (err == nil || change.AsFailure(err).Kind == change.KindCancelled):
		return nil, failed // it names the place
	case err != nil:
		return nil, err
	}
	return read, nil
}

func (y *synchronisation) makePlan(ctx context.Context, whole *assets.Set, selection assets.Selection) error {
	doomed, err := y.doomed(ctx, whole, selection)
	if err != nil {
		return err
	}
	for _, note := range assets.FitVersion(y.source, y.to.version) {
		y.note("%s", note)
	}
	y.fitTags(ctx)
	y.fitPeople()
	y.plan = assets.MakePlan(y.source, y.target(), assets.Options{Overwrite: y.Overwrite, Delete: doomed, In: selection})
	return nil
}

// target is the state that a plan starts from.
func (y *synchronisation) target() assets.Target {
	target := assets.Target{Set: y.to.set, Existing: y.to.existing(), Me: y.to.me.ID, Space: y.to.space, Create: map[string]bool{}}
	for logical := range y.reader.config.create {
		target.Create[logical] = true
	}
	if target.Me == 0 {
		y.note("%s does not say who the account is, so whatever was edited last by anybody is a conflict: set its login.username to the account's e-mail address", y.To)
	}
	return target
}

// doomed is what the earlier state held and the present one, as a whole, does
// not.
func (y *synchronisation) doomed(ctx context.Context, whole *assets.Set, selection assets.Selection) (map[assets.Key]bool, error) {
	if !y.Delete {
		return nil, nil
	}
	place := y.Since
	if _, err := y.reader.read(ctx, place); err != nil && !strings.Contains(place, ":") {
		place = y.From + "@" + y.Since
	}
	earlier, err := y.reader.read(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("read the earlier state: %w", err)
	}
	doomed := map[assets.Key]bool{}
	for _, a := range selection.Select(earlier.set).All() {
		if whole.Get(a.Key()) == nil && a.Kind != assets.Database {
			doomed[a.Key()] = true
		}
	}
	return doomed, nil
}

// existing says who may overwrite what, by the lists.
func (t *site) existing() map[assets.Key]assets.Existing {
	all := map[assets.Key]assets.Existing{}
	for key, row := range t.rows {
		owned := t.me.Admin || t.me.ID == 0 || t.me.Unsure
		for _, owner := range row.Owners {
			owned = owned || owner.ID == t.me.ID
		}
		all[key] = assets.Existing{ChangedBy: row.ChangedBy, By: row.By, Owned: owned || key.Kind == assets.Database}
	}
	return all
}

// refusal is what keeps the whole run from writing.
func (y *synchronisation) refusal() error {
	if len(y.plan.Databases) > 0 {
		return change.Failf(change.KindConfiguration, "%s has no database for %s", y.To, strings.Join(quoted(y.plan.Databases), ", ")).
			WithHint("name it under databases in %s, as %s: {%s: \"its name there\"}", y.Config, y.plan.Databases[0], y.To)
	}
	for _, s := range y.plan.Of(assets.Create) {
		name, _ := y.reader.config.nameIn(y.to.environment, s.Title)
		if s.Key.Kind == assets.Database && y.to.hasDatabase(name) {
			return change.Failf(change.KindConfiguration, "%s has a database named %q, which is none of %q: an import would take it over", y.To, name, s.Title).
				WithHint("give it a name of its own there: under databases in %s, as %s: {%s: \"its name there\", create: true, …}", y.Config, s.Title, y.To)
		}
	}
	if n := len(y.plan.Of(assets.Delete)); n > y.MaxDelete {
		return change.Failf(change.KindConfiguration, "%d assets would be deleted, --max-delete is %d", n, y.MaxDelete).
			WithHint("look at the plan, then give a higher --max-delete")
	}
	return nil
}

// bare are the assets of a kind as the lists have them: by their names.
func (t *site) bare(kind assets.Kind) (all []*assets.Asset) {
	for key, row := range t.rows {
		if key.Kind != kind {
			continue
		}
		var doc []document.Field
		for name, value := range map[string]string{"table_name": row.Title, "dashboard_title": row.Title, "slug": row.Slug, "schema": row.Schema, "catalog": row.Catalog, "database": t.space.LogicalName(row.Database)} {
			doc = append(doc, document.Field{Key: name, Value: document.Text(value)})
		}
		all = append(all, &assets.Asset{Kind: kind, UUID: key.UUID, Doc: document.NewMap(doc...)})
	}
	return all
}

// hasDatabase says that the environment itself has a database of that name.
func (t *site) hasDatabase(name string) bool {
	for key, row := range t.rows {
		if key.Kind == assets.Database && row.Title == name {
			return true
		}
	}
	return false
}

func quoted(texts []string) (all []string) {
	for _, text := range texts {
		all = append(all, fmt.Sprintf("%q", text))
	}
	return all
}
