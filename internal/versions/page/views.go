package page

import (
	"errors"
	"strings"

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
	data := look{Master: p.v.MasterInfo(p.v.Merged(a.Context()))}
	s := &shown{View: "list", Title: a.lang.text("versions"), Here: "list"}
	all, err := p.v.List(a.Context())
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
	tables, origin, err := p.v.Tables(a.Context(), version)
	if err != nil {
		return nil, err
	}
	data := model{Head: h, Search: strings.TrimSpace(a.URL.Query().Get("q")), All: len(tables), Absent: origin.Absent}
	for _, t := range tables {
		if found(t, data.Search) {
			data.Tables = append(data.Tables, t)
		}
	}
	if version != versions.Master && !origin.Absent {
		data.Marks = p.marks(a, version)
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
func (p *pages) marks(a asked, version versions.Version) map[string]string {
	d, _, err := p.v.Difference(a.Context(), version, versions.AgainstMaster)
	if err != nil {
		return nil
	}
	marks := map[string]string{}
	for _, c := range d.Changes {
		name := lastPart(c.Table)
		switch {
		case name == "":
		case c.Object == "table" && c.Action == "add":
			marks[name] = "add"
		case marks[name] == "":
			marks[name] = "change"
		}
	}
	return marks
}

// one is a page of one table.
type one struct {
	Head
	Table   *api.TableInfo
	Picture *picture
	Keys    map[string]string // column → "PK", "FK", "U"
	Targets map[string]string // column → the table that it refers to
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
	table, _, err := p.v.Table(a.Context(), version, a.PathValue("name"))
	if err != nil {
		return nil, err
	}
	data := one{Head: h, Table: table, Picture: draw(table, h.Path), Keys: keysOf(table), Targets: targetsOf(table)}
	if version != versions.Master {
		data.Changes, data.Old = p.changesOf(a, version, table)
	}
	return &shown{View: "table", Title: table.Name + ": " + h.Name, Here: "tables", Data: data}, nil
}

// changesOf are those of one table and of its columns.
func (p *pages) changesOf(a asked, version versions.Version, table *api.TableInfo) ([]group, map[string]string) {
	d, _, err := p.v.Difference(a.Context(), version, versions.AgainstMaster)
	if err != nil {
		return nil, nil
	}
	var own []api.Change
	marks := map[string]string{}
	for _, c := range d.Changes {
		if !sameTable(c.Table, table) {
			continue
		}
		own = append(own, c)
		if c.Object == "column" {
			marks[c.Name[strings.LastIndexByte(c.Name, '.')+1:]] = c.Action
		}
	}
	return groupsOf(own, p.v.Filters), marks
}

// sameTable compares with a name that is qualified, and quoted where needed.
func sameTable(qualified string, t *api.TableInfo) bool {
	plain := strings.NewReplacer(`"`, "").Replace(qualified)
	return plain == t.Schema+"."+t.Name || plain == t.Name
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
	d, _, err := p.v.Difference(a.Context(), version, data.Against)
	var known *versions.Fault
	switch {
	case errors.As(err, &known): // no database, no difference recorded
		data.Fault = known
	case err != nil:
		data.Fault = versions.Begin(a.Context(), err)
	default:
		data.Groups = groupsOf(d.Changes, p.v.Filters)
		for _, c := range d.Changes {
			data.Counts[c.Action]++
		}
	}
	return &shown{View: "candidate", Title: h.Name, Here: "candidate", Data: data}, nil
}
