package assets_test

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

const (
	other = "31111111-2222-4333-8444-555555555555"
	third = "41111111-2222-4333-8444-555555555555"
)

func parsed(t *testing.T, kind assets.Kind, uuid, text string) *assets.Asset {
	t.Helper()
	doc, err := document.ParseYAML([]byte("{" + text + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return &assets.Asset{Kind: kind, UUID: uuid, Doc: doc}
}

// TestPlan: the state of both sides decides what becomes of an asset.
func TestPlan(t *testing.T) {
	t.Parallel()
	dataset := func(uuid, text string) *assets.Asset { return parsed(t, assets.Dataset, uuid, text) }
	chart := func(uuid, text string) *assets.Asset {
		return parsed(t, assets.Chart, uuid, "slice_name: c, viz_type: table, "+text)
	}
	dashboard := func(uuid, text string) *assets.Asset {
		return parsed(t, assets.Dashboard, uuid, "dashboard_title: d, "+text)
	}
	foreign := assets.Existing{ChangedBy: 2, By: "Anna", Owned: true}
	for _, test := range []struct {
		why      string
		source   *assets.Asset
		target   []*assets.Asset
		existing assets.Existing
		options  assets.Options
		want     assets.Action
		reason   string
	}{
		{"nothing there", dashboard(some, "slug: s"), nil, assets.Existing{}, assets.Options{}, assets.Create, ""},
		{"the same", dashboard(some, "slug: s"), []*assets.Asset{dashboard(some, "slug: s")}, foreign, assets.Options{}, assets.Unchanged, ""},
		{"changed by us", dashboard(some, "slug: s"), []*assets.Asset{dashboard(some, "slug: t")}, assets.Existing{ChangedBy: 1, Owned: true}, assets.Options{}, assets.Update, ""},
		{"edited by somebody", dashboard(some, "slug: s"), []*assets.Asset{dashboard(some, "slug: t")}, foreign, assets.Options{}, assets.Conflict, "last edited by Anna"},
		{"and overwritten", dashboard(some, "slug: s"), []*assets.Asset{dashboard(some, "slug: t")}, foreign, assets.Options{Overwrite: true}, assets.Update, ""},
		{"of others", dashboard(some, "slug: s"), []*assets.Asset{dashboard(some, "slug: t")}, assets.Existing{ChangedBy: 1}, assets.Options{Overwrite: true}, assets.Conflict, "belongs to others"},
		{"a slug that is taken", dashboard(some, "slug: s"), []*assets.Asset{dashboard(other, "slug: s")}, assets.Existing{}, assets.Options{Overwrite: true}, assets.Conflict, "the slug"},
		{"UUID and slug on two rows", dashboard(some, "slug: s"), []*assets.Asset{dashboard(some, "slug: t"), dashboard(other, "slug: s")}, assets.Existing{}, assets.Options{Overwrite: true}, assets.Conflict, "the slug"},
		{"no slug is no slug in common", dashboard(some, "css: x"), []*assets.Asset{dashboard(other, "css: y")}, assets.Existing{}, assets.Options{}, assets.Create, ""},
		{"a table that is taken", dataset(some, "table_name: t, database: D"), []*assets.Asset{dataset(other, "table_name: t, database: D")}, assets.Existing{}, assets.Options{Overwrite: true}, assets.Conflict, "the table"},
		{"UUID of one row, table of another", dataset(some, "table_name: t, database: D"), []*assets.Asset{dataset(some, "table_name: u, database: D"), dataset(other, "table_name: t, database: D")}, assets.Existing{}, assets.Options{Overwrite: true}, assets.Conflict, "the table"},
		{"another schema is another table", dataset(some, "table_name: t, database: D, schema: a"), []*assets.Asset{dataset(other, "table_name: t, database: D, schema: b")}, assets.Existing{}, assets.Options{}, assets.Create, ""},
		{"another catalog is another table", dataset(some, "table_name: t, database: D, schema: a, catalog: x"), []*assets.Asset{dataset(other, "table_name: t, database: D, schema: a, catalog: y")}, assets.Existing{}, assets.Options{}, assets.Create, ""},
		{"without a schema it is any", dataset(some, "table_name: t, database: D"), []*assets.Asset{dataset(other, "table_name: t, database: D, schema: b")}, assets.Existing{}, assets.Options{Overwrite: true}, assets.Conflict, "the table"},
		{"a schema is not none", dataset(some, "table_name: t, database: D, schema: a"), []*assets.Asset{dataset(other, "table_name: t, database: D")}, assets.Existing{}, assets.Options{}, assets.Create, ""},
		{"unchanged beside one of its name", dataset(some, "table_name: t, database: D"), []*assets.Asset{dataset(some, "table_name: t, database: D"), dataset(other, "table_name: t, database: D, schema: b")}, assets.Existing{}, assets.Options{}, assets.Unchanged, ""},
		{"no type", parsed(t, assets.Chart, some, "slice_name: c, dataset_uuid: "+third), []*assets.Asset{dataset(third, "table_name: t, database: D")}, assets.Existing{}, assets.Options{}, assets.Broken, "no type of visualisation"},
		{"on another database", dataset(some, "table_name: t, database: D"), []*assets.Asset{dataset(some, "table_name: t, database: E")}, assets.Existing{}, assets.Options{Overwrite: true}, assets.Conflict, "it stands on another database"},
		{"its dataset is gone", chart(some, "params: {}"), nil, assets.Existing{}, assets.Options{}, assets.Broken, "its dataset is gone"},
		{"its dataset is nowhere", chart(some, "dataset_uuid: "+third), nil, assets.Existing{}, assets.Options{}, assets.Broken, "neither in the source nor in the target"},
		{"its dataset is the target's", chart(some, "dataset_uuid: "+third), []*assets.Asset{dataset(third, "table_name: t, database: D")}, assets.Existing{}, assets.Options{}, assets.Create, ""},
	} {
		space := assets.NewSpace()
		space.AddDatabase("51111111-2222-4333-8444-555555555555", "D")
		target := assets.Target{Set: assets.NewSet(test.target...), Existing: map[assets.Key]assets.Existing{}, Me: 1, Space: space}
		if target.Set.Get(test.source.Key()) != nil && test.existing != (assets.Existing{}) {
			target.Existing[test.source.Key()] = test.existing
		}
		p := assets.MakePlan(assets.NewSet(test.source), target, test.options)
		for _, s := range p.Steps {
			if s.Key == test.source.Key() && (s.Action != test.want || !strings.Contains(s.Reason, test.reason) || (s.Reason == "") != (test.reason == "")) {
				t.Errorf("%s: %s %q, want %s %q", test.why, s.Action, s.Reason, test.want, test.reason)
			}
		}
		if len(p.Of(test.want)) == 0 {
			t.Errorf("%s: %+v", test.why, p.Steps)
		}
	}
}

// TestPlanWithoutAnAccount: who does not know who it is takes no edit for its own.
func TestPlanWithoutAnAccount(t *testing.T) {
	t.Parallel()
	before, after := parsed(t, assets.Dashboard, some, "dashboard_title: d, slug: s"), parsed(t, assets.Dashboard, some, "dashboard_title: d, slug: t")
	target := assets.Target{Set: assets.NewSet(before), Space: assets.NewSpace(), Existing: map[assets.Key]assets.Existing{before.Key(): {ChangedBy: 1, By: "Anna", Owned: true}}}
	for want, options := range map[assets.Action]assets.Options{assets.Conflict: {}, assets.Update: {Overwrite: true}} {
		if p := assets.MakePlan(assets.NewSet(after), target, options); len(p.Of(want)) != 1 {
			t.Errorf("%+v, want %s", p.Steps, want)
		}
	}
}

// TestSlugsThatMove: a slug is free where whoever has it gives it up in the
// same run, and only then.
func TestSlugsThatMove(t *testing.T) {
	t.Parallel()
	has := func(slugs ...string) *assets.Set {
		set := assets.NewSet()
		for i, slug := range slugs {
			if slug != "" {
				set.Add(parsed(t, assets.Dashboard, []string{some, other, third}[i], "dashboard_title: d, slug: "+slug))
			}
		}
		return set
	}
	for _, test := range []struct {
		why            string
		target, source *assets.Set
		edited         string // by somebody else
		doomed         string
		want           string // actions, by UUID
	}{
		{"two exchange theirs", has("a", "b"), has("b", "a"), "", "", "update update"},
		{"three in a circle", has("a", "b", "c"), has("b", "c", "a"), "", "", "update update update"},
		{"one gives it up, a new one takes it", has("a"), has("b", "a"), "", "", "update create"},
		{"whoever keeps it", has("a"), has("a", "a"), "", "", "unchanged conflict"},
		{"whoever was edited keeps it", has("a"), has("b", "a"), some, "", "conflict conflict"},
		{"whoever cannot get another keeps it", has("a", "b", "c"), has("b", "c", ""), "", "", "conflict conflict extra"},
		{"whoever is deleted", has("a"), has("", "a"), "", some, "delete create"},
		{"whoever is the target's own", has("a"), has("", "a"), "", "", "extra conflict"},
	} {
		target := assets.Target{Set: test.target, Me: 1, Space: assets.NewSpace(), Existing: map[assets.Key]assets.Existing{}}
		if test.edited != "" {
			target.Existing[assets.Key{Kind: assets.Dashboard, UUID: test.edited}] = assets.Existing{ChangedBy: 2, By: "Anna", Owned: true}
		}
		actions := map[string]string{}
		for _, s := range assets.MakePlan(test.source, target, assets.Options{Delete: map[assets.Key]bool{{Kind: assets.Dashboard, UUID: test.doomed}: true}}).Steps {
			actions[s.Key.UUID] += string(s.Action)
		}
		if got := strings.TrimSpace(actions[some] + " " + actions[other] + " " + actions[third]); got != test.want {
			t.Errorf("%s: %s, want %s", test.why, got, test.want)
		}
	}
}

// TestPlanDatabases: what the target has no database for refuses the run,
// unless it may be made.
func TestPlanDatabases(t *testing.T) {
	t.Parallel()
	source := assets.NewSet(parsed(t, assets.Database, "D", "database_name: D"))
	target := assets.Target{Set: assets.NewSet(), Space: assets.NewSpace()}
	if p := assets.MakePlan(source, target, assets.Options{}); len(p.Databases) != 1 || p.Databases[0] != "D" || p.Pending() {
		t.Errorf("%+v", p)
	}
	target.Create = map[string]bool{"D": true}
	if p := assets.MakePlan(source, target, assets.Options{}); len(p.Databases) != 0 || len(p.Of(assets.Create)) != 1 {
		t.Errorf("%+v", p)
	}
}

// TestPlanDeletes only what may be deleted; what somebody edited stays.
func TestPlanDeletes(t *testing.T) {
	t.Parallel()
	gone, edited, own := parsed(t, assets.Chart, some, "slice_name: a"), parsed(t, assets.Chart, other, "slice_name: b"), parsed(t, assets.Chart, third, "slice_name: c")
	target := assets.Target{Set: assets.NewSet(gone, edited, own), Me: 1, Space: assets.NewSpace(), Existing: map[assets.Key]assets.Existing{edited.Key(): {ChangedBy: 2, By: "Anna", Owned: true}}}
	p := assets.MakePlan(assets.NewSet(), target, assets.Options{Delete: map[assets.Key]bool{gone.Key(): true, edited.Key(): true}})
	want := map[assets.Key]assets.Action{gone.Key(): assets.Delete, edited.Key(): assets.Conflict, own.Key(): assets.Extra}
	for _, s := range p.Steps {
		if s.Action != want[s.Key] {
			t.Errorf("%s: %s, want %s", s.Title, s.Action, want[s.Key])
		}
	}
	if len(p.Steps) != 3 {
		t.Errorf("%+v", p.Steps)
	}
}

// TestRounds: what is referred to comes first; a circle is the last round.
func TestRounds(t *testing.T) {
	t.Parallel()
	link := func(uuid, to string) *assets.Asset {
		return parsed(t, assets.Dashboard, uuid, `dashboard_title: n`+uuid[:1]+`, position: {M: {type: MARKDOWN, meta: {code: "[x](/superset/dashboard/`+to+`/)"}}}`)
	}
	names := func(rounds [][]*assets.Asset) (all []string) {
		for _, round := range rounds {
			text := ""
			for _, a := range round {
				text += a.Title()
			}
			all = append(all, text)
		}
		return all
	}
	for want, all := range map[string][]*assets.Asset{
		"n4 n3 n1": {link(some, other), link(other, third), parsed(t, assets.Dashboard, third, "dashboard_title: n4")},
		"n1n3":     {link(some, other), link(other, some)},
		"n1":       {link(some, some)},
	} {
		if got := strings.Join(names(assets.Rounds(all)), " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
