package superset

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
)

// Row is what a list says of one asset.
type Row struct {
	Kind       assets.Kind
	ID         int
	UUID       string // "" where the server does not list it (before 4.1.3)
	Title      string
	Slug       string
	Published  bool
	ChangedOn  string // as the server writes it, microseconds; "" for databases
	ChangedBy  int    // user id; 0 nobody
	By         string // the same user's name
	Owners     []User
	Roles      []string
	Tags       []string // those that people gave
	Dashboards []int    // that a chart is on
	Database   string   // of a dataset: its database's UUID, or "" where not listed
	DatabaseID int
	Catalog    string
	Schema     string
	Backend    string // of a database: "trino"
}

// Key names the asset.
func (r Row) Key() assets.Key { return assets.Key{Kind: r.Kind, UUID: r.UUID} }

// User is an account of the server.
type User struct {
	ID    int    `json:"id"`
	First string `json:"first_name"`
	Last  string `json:"last_name"`
}

type wireRow struct {
	ID           int
	UUID         string
	Table        string `json:"table_name"`
	Slice        string `json:"slice_name"`
	Dashboard    string `json:"dashboard_title"`
	DatabaseName string `json:"database_name"`
	Backend      string
	Slug         string
	Published    bool
	Catalog      string
	Schema       string
	ChangedOn    string `json:"changed_on_utc"`
	ChangedBy    *User  `json:"changed_by"`
	Owners       []User
	Roles        []struct{ Name string }
	Dashboards   []struct{ ID int }
	Tags         []struct {
		Name string
		Type int
	}
	Database struct {
		ID   int
		UUID string
	}
}

// columns are asked for by name: without them some servers send whole layouts.
// Names that a server does not have are dropped by it without an error.
var columns = map[assets.Kind]string{
	assets.Database:  "id,uuid,database_name,backend",
	assets.Dataset:   "id,uuid,table_name,catalog,schema,database.id,database.uuid,changed_on_utc,changed_by.id,changed_by.first_name,changed_by.last_name,owners.id",
	assets.Chart:     "id,uuid,slice_name,changed_on_utc,changed_by.id,changed_by.first_name,changed_by.last_name,owners.id,tags.name,tags.type,dashboards.id",
	assets.Dashboard: "id,uuid,dashboard_title,slug,published,changed_on_utc,changed_by.id,changed_by.first_name,changed_by.last_name,owners.id,roles.name,tags.name,tags.type",
}

// orderBy is a column that each list can be ordered by and that edits seldom
// move: the default, newest first, moves rows between pages while people work.
var orderBy = map[assets.Kind]string{
	assets.Database: "database_name", assets.Dataset: "table_name", assets.Chart: "slice_name", assets.Dashboard: "dashboard_title",
}

// PageSize is the server's own cap of a list's rows, which it does not speak of.
const PageSize = 100

// List reads all assets of a kind that the account may see, by id. A list that
// changes while it is read is read again.
func (c *Client) List(ctx context.Context, kind assets.Kind) ([]Row, error) {
	for try := 0; ; try++ {
		rows, whole, err := c.pages(ctx, kind)
		if err != nil {
			return nil, fmt.Errorf("list the %s: %w", kind.Folder(), err)
		}
		if whole {
			return rows, nil
		}
		if try == 3 {
			return nil, change.Failf(change.KindInfrastructure, "%s: list the %s: it changed while it was read, four times over", c.config.Name, kind.Folder()).
				WithHint("is somebody changing it all the time? try again later")
		}
	}
}

// ListWhere reads the rows that have one of the values in a column: a name, or
// their UUID, which servers before 6.0 do not filter by. No other question about
// the kind is to be under way: all threads of a server keep the filters of a
// kind in one place (ModelRestApi._handle_filters_args of Flask-AppBuilder), so
// that each narrows the other's answer.
func (c *Client) ListWhere(ctx context.Context, kind assets.Kind, column string, values []string) (rows []Row, err error) {
	for _, part := range inLines(values) {
		some, err := c.where(ctx, kind, fmt.Sprintf("(col:%s,opr:in,value:!(%s))", column, part))
		if err != nil {
			return nil, fmt.Errorf("list some %s: %w", kind.Folder(), err)
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// longLine bounds the values in one request line, of which gunicorn takes 4094
// bytes unless it is told otherwise.
const longLine = 3400

var quoted = strings.NewReplacer("!", "!!", "'", "!'") // in Rison

// Lines is how many requests ListWhere makes for values, if each is answered in
// one page.
func Lines(values []string) int { return len(inLines(values)) }

// inLines joins values to texts that fit into one request each.
func inLines(values []string) (lines []string) {
	size := longLine
	for _, value := range values {
		value = "'" + quoted.Replace(value) + "'"
		needs := len(url.QueryEscape(value + ","))
		if size += needs; size > longLine {
			lines, size = append(lines, value), needs
		} else {
			lines[len(lines)-1] += "," + value
		}
	}
	return lines
}

// where reads what a filter lets through, page by page as the server gives them.
func (c *Client) where(ctx context.Context, kind assets.Kind, filter string) (rows []Row, err error) {
	for page := 0; ; page++ {
		var answer listAnswer
		q := fmt.Sprintf("(columns:!(%s),keys:!(none),filters:!(%s),order_column:%s,order_direction:asc,page:%d,page_size:%d)", columns[kind], filter, orderBy[kind], page, PageSize)
		if err := c.Get(ctx, "/api/v1/"+string(kind)+"/", "q="+url.QueryEscape(q), &answer); err != nil {
			return nil, err
		}
		for _, w := range answer.Result {
			rows = append(rows, w.row(kind))
		}
		if len(answer.Result) == 0 || len(rows) >= answer.Count {
			return rows, nil
		}
	}
}

type listAnswer struct {
	Count  int
	Result []wireRow
}

// pages reads a whole list. The first page says how many rows there are and,
// by those it has, how many the server gives in one: it may be fewer than were
// asked for. Rows that come or go between two pages move others across: then the
// list is not whole.
func (c *Client) pages(ctx context.Context, kind assets.Kind) (rows []Row, whole bool, err error) {
	first, err := c.listPage(ctx, kind, 0, PageSize)
	if err != nil {
		return nil, false, err
	}
	answers, size := []listAnswer{first}, len(first.Result)
	if size > 0 && size < first.Count {
		c.rows.Store(int64(size))
		answers = append(answers, make([]listAnswer, (first.Count-1)/size)...)
		err = abreast(len(answers)-1, func(i int) (err error) {
			answers[i+1], err = c.listPage(ctx, kind, i+1, size)
			return err
		})
	}
	if err != nil {
		return nil, false, err
	}
	rows, whole = together(kind, answers)
	return rows, whole, nil
}

func (c *Client) listPage(ctx context.Context, kind assets.Kind, page, size int) (answer listAnswer, err error) {
	q := fmt.Sprintf("(columns:!(%s),keys:!(none),order_column:%s,order_direction:asc,page:%d,page_size:%d)", columns[kind], orderBy[kind], page, size)
	err = c.Get(ctx, "/api/v1/"+string(kind)+"/", "q="+url.QueryEscape(q), &answer)
	return answer, err
}

// together is what the pages hold, each asset once; whole says that they agree
// on how many there are, and that it is as many.
func together(kind assets.Kind, answers []listAnswer) (rows []Row, whole bool) {
	seen := map[int]bool{}
	whole = true
	for _, answer := range answers {
		whole = whole && answer.Count == answers[0].Count
		for _, w := range answer.Result {
			if !seen[w.ID] {
				seen[w.ID] = true
				rows = append(rows, w.row(kind))
			}
		}
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	return rows, whole && len(rows) == answers[0].Count
}

// abreast reads n things, two at a time: enough for a server to be busy with
// one while the other is on its way, and little for one that serves people.
func abreast(n int, read func(int) error) error {
	faults := make([]error, n)
	var next atomic.Int64
	var both sync.WaitGroup
	for range min(n, 2) {
		both.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if faults[i] = read(i); faults[i] != nil {
					next.Store(int64(n)) // the rest is of no use
				}
			}
		})
	}
	both.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w wireRow) row(kind assets.Kind) Row {
	r := Row{
		Kind: kind, ID: w.ID, UUID: strings.ToLower(w.UUID), Title: w.Table + w.Slice + w.Dashboard + w.DatabaseName, Slug: w.Slug,
		Published: w.Published, ChangedOn: w.ChangedOn, Owners: w.Owners, Database: w.Database.UUID, DatabaseID: w.Database.ID,
		Catalog: w.Catalog, Schema: w.Schema, Backend: w.Backend,
	}
	if w.ChangedBy != nil {
		r.ChangedBy, r.By = w.ChangedBy.ID, strings.TrimSpace(w.ChangedBy.First+" "+w.ChangedBy.Last)
	}
	for _, role := range w.Roles {
		r.Roles = append(r.Roles, role.Name)
	}
	for _, d := range w.Dashboards {
		r.Dashboards = append(r.Dashboards, d.ID)
	}
	for _, tag := range w.Tags {
		if tag.Type == 1 { // custom; the others are implied, as "type:chart"
			r.Tags = append(r.Tags, tag.Name)
		}
	}
	slices.Sort(r.Tags)
	slices.Sort(r.Dashboards)
	return r
}

// ChartsOf names the charts that stand on a dataset: `chart "Sales"`.
func (c *Client) ChartsOf(ctx context.Context, dataset int) (charts []string, err error) {
	var answer struct {
		Charts struct {
			Result []struct {
				Title string `json:"slice_name"`
			}
		}
	}
	err = c.Get(ctx, fmt.Sprintf("/api/v1/dataset/%d/related_objects", dataset), "", &answer)
	for _, chart := range answer.Charts.Result {
		charts = append(charts, fmt.Sprintf("chart %q", chart.Title))
	}
	return charts, err
}

// Layers lists the annotation layers by id.
func (c *Client) Layers(ctx context.Context) (map[int]string, error) {
	layers := map[int]string{}
	for page := 0; ; page++ {
		var answer struct {
			Count  int
			Result []struct {
				ID   int
				Name string
			}
		}
		q := fmt.Sprintf("(columns:!(id,name),order_column:name,order_direction:asc,page:%d,page_size:100)", page)
		if err := c.Get(ctx, "/api/v1/annotation_layer/", "q="+url.QueryEscape(q), &answer); err != nil {
			return nil, err
		}
		for _, l := range answer.Result {
			layers[l.ID] = l.Name
		}
		if len(answer.Result) == 0 || len(layers) >= answer.Count {
			return layers, nil
		}
	}
}
