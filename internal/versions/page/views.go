package page

import (
	"errors"
	"strings"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/versions"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// look is the list of versions.
type look struct {
	Master     api.MasterVersionInfoDetailed
	Candidates []row
	Fault      *versions.Fault // why there are no candidates
}

// row is one candidate of the list.
type row struct {
	api.VersionInfo
	Stale int // the patch set of a database that is not of the current one
	Link  string
}

func (p *pages) list(a asked) (*shown, error) {
	var merged versions.Merged
	var all []versions.Standing
	var err error
	var both sync.WaitGroup
	both.Go(func() { merged = p.v.Merged(a.Context()) })
	both.Go(func() { all, err = p.v.List(a.Context()) })
	both.Wait()
	data := look{Master: p.v.MasterInfo(merged)}
	s := &shown{View: "list", Title: a.lang.text("versions"), Here: "list"}
	if err != nil {
		data.Fault = versions.Begin(a.Context(), err)
		s.Status = data.Fault.GetStatus()
	}
	for i := range all {
		r := row{VersionInfo: p.v.Short(&all[i]), Link: p.v.Link(all[i].Number)}
		if all[i].Stale() {
			r.Stale = all[i].Origin.PatchSet
		}
		data.Candidates = append(data.Candidates, r)
	}
	s.Data = data
	return s, nil
}

// Head is what stands above every page of a version.
type Head struct {
	Master    bool
	ID        string
	Name      string
	Path      string // "/master", "/candidates/42"
	Detailed  api.VersionInfoDetailed
	Result    string
	Reason    *api.Reason
	ReasonURL string
	Link      string
	Stale     int // the patch set of the database, when it is not the current one
	Tab       string
}

// Failed says that it does not deploy.
func (h Head) Failed() bool { return h.Result == api.Failed }

// heading reads how the version stands; of master its tables are enough.
func (p *pages) heading(a asked, version versions.Version, tab string) (Head, error) {
	if version == versions.Master {
		info := p.v.MasterInfo(p.v.Merged(a.Context()))
		h := Head{Master: true, Name: a.lang.text("master"), Path: "/master", Tab: tab}
		if info.Status != nil {
			h.Result = *info.Status
		}
		h.Reason = info.Reason.Value
		return h, nil
	}
	standing, err := p.v.Standing(a.Context(), version.Change)
	if err != nil {
		return Head{}, err
	}
	a.from.read(standing.Origin)
	d := p.v.Detailed(standing)
	h := Head{
		ID: d.ID, Name: a.lang.text("candidate") + " " + d.ID, Path: "/candidates/" + d.ID, Detailed: d, Tab: tab,
		Result: d.Validations[0].Result, Reason: d.Validations[0].Reason.Value, Link: p.v.Link(version.Change),
	}
	if d.Name != nil {
		h.Name = *d.Name
	}
	if standing.Stale() {
		h.Stale = standing.Origin.PatchSet
	}
	if h.Reason != nil && h.Reason.File != "" && d.PatchSet != nil {
		h.ReasonURL = p.v.LinkTo(version.Change, *d.PatchSet, h.Reason.File, h.Reason.Line)
	}
	return h, nil
}

// model is a page of a version's tables.
type model struct {
	Head
	Search string
	Tables []api.TableInfoShort
	All    int
	Absent bool
	Marks  map[string]string // table → add, change: against master
}

func (p *pages) tables(a asked) (*shown, error) {
	version, err := a.version()
	if err != nil {
		return nil, err
	}
	h, err := p.heading(a, version, "tables")
	if err != nil {
		return nil, err
	}
	tables, err := p.v.Tables(a.Context(), version)
	if a.from.read(tables.Origin); err != nil {
		return nil, err
	}
	data := model{Head: h, Search: strings.TrimSpace(a.URL.Query().Get("q")), All: len(tables.List), Absent: tables.Origin.Absent}
	for _, t := range tables.List {
		if found(t, data.Search) {
			data.Tables = append(data.Tables, t)
		}
	}
	if version != versions.Master && !data.Absent {
		data.Marks = p.marks(a, version, tables.Names)
	}
	return &shown{View: "tables", Title: a.lang.text("tables") + ": " + h.Name, Here: "tables", Data: data}, nil
}

// found looks for a text in name and description.
func found(t api.TableInfoShort, text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(strings.ToLower(t.Name), text) || t.Description != nil && strings.Contains(strings.ToLower(*t.Description), text)
}

// marks says what the candidate does to tables; when master cannot be read
// there are none.
func (p *pages) marks(a asked, version versions.Version, names versions.TableNames) map[string]string {
	marks := map[string]string{}
	for _, c := range p.changes(a, version) {
		schema, table := tableOf(c.Table)
		switch name := names.Called(schema, table); {
		case !names.Shows(schema, table):
		case c.Object == "table" && c.Action == "add":
			marks[name] = "add"
		case marks[name] == "":
			marks[name] = "change"
		}
	}
	return marks
}

// changes against master, beside what else a page shows.
func (p *pages) changes(a asked, version versions.Version) []api.Change {
	d, origin, err := p.v.Difference(a.Context(), version, versions.AgainstMaster)
	if a.from.read(origin); err != nil {
		return nil
	}
	return d.Changes
}

// one is a page of one table.
type one struct {
	Head
	Table   *api.TableInfo
	Picture *picture
	Keys    map[string]string // column → "PK", "FK", "U"
	Targets map[string]string // column → the table that it refers to
	Shown   map[string]bool   // the tables that there are pages of
	Changes []group           // against master
	Old     map[string]string // column → mark against master
}

func (p *pages) table(a asked) (*shown, error) {
	version, err := a.version()
	if err != nil {
		return nil, err
	}
	h, err := p.heading(a, version, "tables")
	if err != nil {
		return nil, err
	}
	table, m, err := p.v.Table(a.Context(), version, a.PathValue("name"))
	if a.from.read(m.Origin); err != nil {
		return nil, err
	}
	data := one{Head: h, Table: table, Keys: keysOf(table), Targets: targetsOf(table), Shown: m.Names.All()}
	data.Picture = draw(table, h.Path, data.Shown)
	if version != versions.Master {
		data.Changes, data.Old = ofTable(p.changes(a, version), table, m.Names)
	}
	return &shown{View: "table", Title: table.Name + ": " + h.Name, Here: "tables", Data: data}, nil
}

// ofTable picks the changes of one table and of its columns.
func ofTable(changes []api.Change, t *api.TableInfo, names versions.TableNames) ([]group, map[string]string) {
	var own []api.Change
	marks := map[string]string{}
	for _, c := range changes {
		if schema, table := tableOf(c.Table); schema != t.Schema || names.Called(schema, table) != t.Name {
			continue
		}
		own = append(own, c)
		if name := parts(c.Name); c.Object == "column" {
			marks[name[len(name)-1]] = c.Action
		}
	}
	return groupsOf(own, names), marks
}

// changed is the page of a candidate.
type changed struct {
	Head
	Against string
	Groups  []group
	Counts  map[string]int // by action
	Fault   *versions.Fault
}

func (p *pages) candidate(a asked) (*shown, error) {
	version, err := a.version()
	if err != nil {
		return nil, err
	}
	h, err := p.heading(a, version, "changes")
	if err != nil {
		return nil, err
	}
	data := changed{Head: h, Against: versions.AgainstMaster, Counts: map[string]int{}}
	if a.URL.Query().Get("against") == versions.AgainstBase {
		data.Against = versions.AgainstBase
	}
	d, origin, err := p.v.Difference(a.Context(), version, data.Against)
	a.from.read(origin)
	var known *versions.Fault
	switch {
	case errors.As(err, &known): // no database, no difference recorded
		data.Fault = known
	case err != nil:
		data.Fault = versions.Begin(a.Context(), err)
	default:
		tables, _ := p.v.Tables(a.Context(), version) // without them there are no links
		a.from.read(tables.Origin)
		data.Groups = groupsOf(d.Changes, tables.Names)
		for _, c := range d.Changes {
			data.Counts[c.Action]++
		}
	}
	return &shown{View: "candidate", Title: h.Name, Here: "candidate", Data: data}, nil
}
