package assets

import (
	"fmt"
	"maps"
	"slices"
)

// Action is what is to become of an asset of the target.
type Action string

// The actions of a plan.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
	Delete    Action = "delete"
	Conflict  Action = "conflict"
	Extra     Action = "extra"  // the target has it, the source does not
	Broken    Action = "broken" // the source's own state cannot be imported anywhere
)

// Step is a plan for one asset.
type Step struct {
	Key    Key
	Title  string
	Action Action
	What   []string // of an update
	Reason string   // of a conflict or a broken asset

	// Taken says that the conflict could be overwritten: somebody edited the
	// asset. A collision with another asset never can.
	Taken bool
}

// Existing is what is known of an asset of the target beside its content.
type Existing struct {
	ChangedBy int    // user id
	By        string // that user's name
	Owned     bool   // the account may overwrite it
}

// Target is the state that a plan starts from.
type Target struct {
	Set      *Set
	Existing map[Key]Existing
	Me       int             // the account's user id; 0: not known, then everybody's edit is a conflict
	Space    *Space          // of the target
	Create   map[string]bool // logical names of databases that may be made
}

// Plan says what would make the target like the source. Pure: the same states
// give the same plan.
type Plan struct {
	Steps     []Step
	Databases []string // logical names that the target has nothing for
}

// Options of a plan.
type Options struct {
	Overwrite bool         // edits of others are overwritten
	Delete    map[Key]bool // what may be deleted, because an earlier source held it; nil: nothing
	In        Selection    // what of the target counts as extra
}

// MakePlan compares.
func MakePlan(source *Set, target Target, o Options) Plan {
	for keep := map[Key]bool{}; ; {
		p := planner{source: source, target: target, options: o, blocked: map[Key]string{}, keep: keep, gives: map[Key]bool{}}
		p.make()
		for _, s := range p.Of(Update, Delete) {
			delete(p.gives, s.Key)
		}
		if len(p.gives) == 0 {
			return p.Plan
		}
		maps.Copy(keep, p.gives)
	}
}

func (p *planner) make() {
	p.taken()
	for _, kind := range Kinds {
		for _, a := range p.source.Of(kind) {
			if kind == Database {
				p.database(a)
			} else {
				p.asset(a)
			}
		}
	}
	p.extras()
}

type planner struct {
	Plan
	source  *Set
	target  Target
	options Options
	names   map[string][]*Asset // of dashboards by slug, of datasets by table
	blocked map[Key]string      // what will not be there, and why
	keep    map[Key]bool        // dashboards that cannot give their slugs up, by an earlier try
	gives   map[Key]bool        // those that are expected to
}

// taken notes the unique names that the target's assets have, or will have.
func (p *planner) taken() {
	p.names = map[string][]*Asset{}
	for _, a := range append(append(p.target.Set.Of(Dashboard), p.target.Set.Of(Dataset)...), p.source.Of(Dataset)...) {
		p.names[uniqueName(a)] = append(p.names[uniqueName(a)], a)
	}
}

// uniqueName is what assets must share to be taken for each other.
func uniqueName(a *Asset) string {
	if a.Kind == Dataset {
		return table(a)
	}
	return a.Slug()
}

func table(a *Asset) string {
	return fmt.Sprintf("%q %q", a.Doc.Get("database").Str(), a.Title())
}

// Collision finds another asset that an import would take over in the place of
// this one, by one of its unique names. The importer leaves a missing schema or
// catalog out of its search.
func Collision(a *Asset, others []*Asset) string {
	matches := func(other *Asset, field string) bool {
		part := a.Doc.Get(field).Str()
		return part == "" || part == other.Doc.Get(field).Str()
	}
	for _, other := range others {
		switch {
		case other.Key() == a.Key() || other.Kind != a.Kind:
		case a.Kind == Dashboard && a.Slug() != "" && a.Slug() == other.Slug():
			return fmt.Sprintf("the slug %q belongs to another dashboard there: %q (%s)", a.Slug(), other.Title(), other.UUID)
		case a.Kind == Dataset && table(a) == table(other) && matches(other, "schema") && matches(other, "catalog"):
			return fmt.Sprintf("the table belongs to another dataset there: %s", other.UUID)
		}
	}
	return ""
}

func (p *planner) database(a *Asset) {
	if _, ok := p.target.Space.DatabaseUUID(a.UUID); ok {
		return
	}
	if p.target.Create[a.UUID] {
		p.add(a, Step{Action: Create})
		return
	}
	p.Databases = append(p.Databases, a.UUID)
}

func (p *planner) add(a *Asset, s Step) {
	s.Key, s.Title = a.Key(), a.Title()
	p.Steps = append(p.Steps, s)
}

func (p *planner) asset(a *Asset) {
	if reason := p.unfit(a); reason != "" {
		p.blocked[a.Key()] = reason
		p.add(a, Step{Action: Broken, Reason: reason})
		return
	}
	there := p.target.Set.Get(a.Key())
	what := p.changes(there, a)
	if there != nil && len(what) == 0 {
		p.add(a, Step{Action: Unchanged})
		return
	}
	if reason := p.collision(a); reason != "" {
		p.blocked[a.Key()] = reason
		p.add(a, Step{Action: Conflict, Reason: reason})
		return
	}
	if there == nil {
		p.add(a, Step{Action: Create})
		return
	}
	if reason := p.edited(a.Key()); reason != "" {
		p.add(a, Step{Action: Conflict, What: what, Reason: reason, Taken: true})
		return
	}
	p.add(a, Step{Action: Update, What: what})
}

// unfit says why no server would take the asset.
func (p *planner) unfit(a *Asset) string {
	if a.Kind != Chart {
		return ""
	}
	dataset := a.Doc.Get("dataset_uuid").Str()
	switch {
	case dataset == "":
		return "its dataset is gone: it cannot be imported"
	case a.Doc.Get("viz_type").Empty():
		return "it has no type of visualisation: it cannot be imported"
	case p.source.Get(Key{Dataset, dataset}) == nil && p.target.Set.Get(Key{Dataset, dataset}) == nil:
		return "its dataset " + dataset + " is neither in the source nor in the target"
	case p.blocked[Key{Dataset, dataset}] != "" && p.target.Set.Get(Key{Dataset, dataset}) == nil:
		return "its dataset cannot be made: " + p.blocked[Key{Dataset, dataset}]
	}
	return ""
}

// collision is what keeps an asset from being written whoever edited it.
func (p *planner) collision(a *Asset) string {
	others := p.names[uniqueName(a)]
	if a.Kind == Dashboard {
		others = slices.DeleteFunc(slices.Clone(others), p.leaves)
	}
	if taken := Collision(a, others); taken != "" || a.Kind != Dataset {
		return taken
	}
	if there := p.target.Set.Get(a.Key()); there != nil && there.Doc.Get("database").Str() != a.Doc.Get("database").Str() {
		return fmt.Sprintf("it stands on another database there: %q, not %q", there.Doc.Get("database").Str(), a.Doc.Get("database").Str())
	}
	return ""
}

// leaves says that a dashboard of the target will not have its slug any more.
func (p *planner) leaves(other *Asset) bool {
	wanted := p.source.Get(other.Key())
	goes := wanted != nil && wanted.Slug() != other.Slug() || wanted == nil && p.options.Delete[other.Key()]
	if !goes || p.keep[other.Key()] || p.edited(other.Key()) != "" {
		return false
	}
	p.gives[other.Key()] = true
	return true
}

// edited says who stands against overwriting.
func (p *planner) edited(k Key) string {
	e, known := p.target.Existing[k]
	switch {
	case !known:
		return ""
	case !e.Owned:
		return "it belongs to others, and the account is no administrator"
	case e.ChangedBy != 0 && e.ChangedBy != p.target.Me && !p.options.Overwrite:
		return "last edited by " + e.By
	}
	return ""
}

func (p *planner) changes(before, after *Asset) (what []string) {
	if before == nil || same(before.Doc, after.Doc) {
		return nil
	}
	for _, d := range Differences(before, after, p.title) {
		what = append(what, d.What)
	}
	return what
}

// title is an asset's by either side.
func (p *planner) title(k Key) string {
	for _, set := range []*Set{p.source, p.target.Set} {
		if a := set.Get(k); a != nil {
			return a.Title()
		}
	}
	return ""
}

// extras are the target's own, within the selection.
func (p *planner) extras() {
	kinds := slices.Clone(Kinds)
	slices.Reverse(kinds)
	for _, kind := range kinds {
		for _, a := range p.target.Set.Of(kind) {
			if kind == Database || p.source.Get(a.Key()) != nil || !p.options.In.names(a) {
				continue
			}
			step := Step{Action: Extra}
			if p.options.Delete[a.Key()] {
				step.Action = Delete
				if reason := p.edited(a.Key()); reason != "" {
					step = Step{Action: Conflict, Reason: reason, Taken: true}
				}
			}
			p.add(a, step)
		}
	}
}

// Of gives the steps of an action.
func (p Plan) Of(actions ...Action) (steps []Step) {
	for _, s := range p.Steps {
		if slices.Contains(actions, s.Action) {
			steps = append(steps, s)
		}
	}
	return steps
}

// Pending says that there is something to do.
func (p Plan) Pending() bool { return len(p.Of(Create, Update, Delete)) > 0 }
