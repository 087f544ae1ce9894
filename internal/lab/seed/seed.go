// Package seed fills the lab's Supersets with what people make by hand, through
// the REST API.
package seed

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

//go:embed warehouse.py
var warehouse string

// Client speaks to a site as one of its users.
func Client(s *lab.SupersetSite, user string) (*superset.Client, error) {
	return superset.New(superset.Config{
		Name: s.Name, URL: s.URL, UserAgent: "patchbay/lab",
		Login: superset.Login{Kind: superset.LoginPassword, Username: user, Password: user + "-secret"},
	})
}

// Seeded are the ids of what Fill made, by the names it uses.
type Seeded struct {
	Databases, Datasets, Charts, Dashboards map[string]int
}

// object is a JSON object.
type object = map[string]any

// maker makes assets by hand, as people do in the browser: through REST.
type maker struct {
	client *superset.Client
	made   Seeded
	old    bool // the server knows no display controls
}

// Fill fills the pair as it is found in life. prod has what people made there
// by hand: four dashboards of ten charts on six datasets in two databases. qa
// has databases of its own, one with another name, and other assets under the
// same ids, so that a wrong id always hits something.
func Fill(ctx context.Context, p *lab.SupersetPair) (*Seeded, error) {
	for _, s := range []*lab.SupersetSite{p.Prod, p.QA} {
		if err := Warehouse(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := seedLocal(ctx, p.QA); err != nil {
		return nil, fmt.Errorf("seed qa: %w", err)
	}
	made, err := seedProd(ctx, p.Prod)
	if err != nil {
		return nil, fmt.Errorf("seed prod: %w", err)
	}
	return made, nil
}

// Warehouse makes the tables that the databases of a site lead to.
func Warehouse(ctx context.Context, s *lab.SupersetSite) error {
	python, err := lab.SupersetPython(ctx)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, python, "-c", warehouse, filepath.Join(s.Home, "warehouse.db")).CombinedOutput(); err != nil {
		return fmt.Errorf("make the warehouse of %s: %w: %s", s.Name, err, out)
	}
	return nil
}

func makerOf(s *lab.SupersetSite, user string) (*maker, error) {
	client, err := Client(s, user)
	return &maker{client, Seeded{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}, s.Version < "6.1"}, err
}

func (m *maker) post(ctx context.Context, kind string, in object) (int, error) {
	var out struct{ ID int }
	err := m.client.Send(ctx, http.MethodPost, "/api/v1/"+kind+"/", in, &out)
	if err != nil {
		return 0, fmt.Errorf("make a %s: %w", kind, err)
	}
	return out.ID, nil
}

func (m *maker) database(ctx context.Context, s *lab.SupersetSite, name, title string) (err error) {
	m.made.Databases[name], err = m.post(ctx, "database", object{
		"database_name": title, "sqlalchemy_uri": "sqlite:///" + filepath.Join(s.Home, "warehouse.db") + "?site=" + s.Name + "-" + name, "expose_in_sqllab": true,
	})
	return err
}

func (m *maker) dataset(ctx context.Context, name, database, sql string) (err error) {
	in := object{"database": m.made.Databases[database], "table_name": name}
	if sql != "" {
		in["sql"] = sql
	}
	m.made.Datasets[name], err = m.post(ctx, "dataset", in)
	return err
}

// chart makes a chart; extra is added to its params.
func (m *maker) chart(ctx context.Context, name, title, viz, dataset string, context bool, extra object) (err error) {
	id := m.made.Datasets[dataset]
	params := object{
		"datasource": fmt.Sprintf("%d__table", id), "viz_type": viz, "row_limit": 1000, "y_axis_format": "1e3", "adhoc_filters": []any{},
		"metrics": []any{object{"label": "Кількість", "expressionType": "SIMPLE", "aggregate": "COUNT", "column": object{"id": 7, "column_name": "id", "type": "INTEGER"}}},
	}
	for key, value := range extra {
		params[key] = value
	}
	in := object{"slice_name": title, "viz_type": viz, "datasource_id": id, "datasource_type": "table", "params": text(params)}
	if context {
		in["query_context"] = text(object{
			"datasource": object{"id": id, "type": "table"}, "force": false,
			"queries":   []any{object{"columns": []any{"region"}, "metrics": []any{"count"}, "row_limit": 1000, "url_params": object{"slice_id": "3"}}},
			"form_data": params, "result_format": "json", "result_type": "full",
		})
	}
	m.made.Charts[name], err = m.post(ctx, "chart", in)
	return err
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and strings: cannot fail
	}
	return string(b)
}

// seedLocal gives qa its databases and some assets of its own.
func seedLocal(ctx context.Context, s *lab.SupersetSite) error {
	m, err := makerOf(s, "editor")
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return m.database(ctx, s, "notes", "Нотатки") },
		func() error { return m.database(ctx, s, "analytics", "Аналітика") },
		func() error { return m.database(ctx, s, "registry", "Реєстри QA") },
		func() error { return m.dataset(ctx, "local_notes", "notes", "") },
		func() error { return m.dataset(ctx, "own", "notes", "SELECT 1 AS id") },
	}
	for i := range 12 {
		name := fmt.Sprintf("Локальна діаграма %d", i)
		steps = append(steps, func() error { return m.chart(ctx, name, name, "table", "own", true, nil) })
	}
	for i := range 3 {
		steps = append(steps, func() error {
			_, err := m.post(ctx, "dashboard", object{"dashboard_title": fmt.Sprintf("Локальна панель %d", i), "slug": fmt.Sprintf("local-%d", i)})
			return err
		})
	}
	return all(steps)
}

func all(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func seedProd(ctx context.Context, s *lab.SupersetSite) (*Seeded, error) {
	m, err := makerOf(s, "editor")
	if err != nil {
		return nil, err
	}
	layer := 0
	steps := []func() error{
		func() error { return m.database(ctx, s, "registry", "Реєстри") },
		func() error { return m.database(ctx, s, "analytics", "Аналітика") },
		func() error { return m.dataset(ctx, "laboratory", "registry", "") },
		func() error { return m.dataset(ctx, "sample", "registry", "") },
		func() error { return m.dataset(ctx, "staff", "analytics", "") },
		func() error {
			return m.dataset(ctx, "samples_per_region", "registry", "-- зразки за областями\nSELECT l.region, s.taken, count(*) AS n\nFROM sample s JOIN laboratory l ON l.name = s.laboratory\nGROUP BY 1, 2")
		},
		func() error {
			return m.dataset(ctx, "Зарплати", "analytics", "SELECT position, avg(salary) AS salary FROM staff GROUP BY 1")
		},
		func() error { return m.dataset(ctx, "places", "registry", "SELECT id, name, lat, lon FROM laboratory") },
		func() error {
			return m.client.Send(ctx, http.MethodPut, fmt.Sprintf("/api/v1/dataset/%d", m.made.Datasets["sample"]), object{
				"description": "Зразки, 1e3 рядків", "metrics": []any{object{"metric_name": "частка", "expression": "AVG(passed)", "d3format": ".1%", "verbose_name": "Частка придатних"}},
			}, nil)
		},
		func() (err error) {
			layer, err = m.post(ctx, "annotation_layer", object{"name": "Свята", "descr": ""})
			return err
		},
		func() error { return m.charts(ctx, layer) },
		func() error { return m.dashboards(ctx) },
	}
	return &m.made, all(steps)
}

func (m *maker) charts(ctx context.Context, layer int) error {
	return all([]func() error{
		func() error {
			return m.chart(ctx, "total", "Усього зразків", "big_number_total", "sample", true, nil)
		},
		func() error {
			return m.chart(ctx, "trend", "Зразки за місяцями", "echarts_timeseries_line", "sample", true, object{
				"x_axis": "taken", "time_grain_sqla": "P1M",
				"annotation_layers": []any{object{"name": "поріг", "annotationType": "FORMULA", "value": "100", "sourceType": ""}, object{"name": "свята", "annotationType": "EVENT", "sourceType": "NATIVE", "value": layer}},
			})
		},
		func() error {
			return m.chart(ctx, "table", "Лабораторії", "table", "laboratory", true, object{"all_columns": []any{"name", "region"}})
		},
		func() error {
			return m.chart(ctx, "pie", "За областями", "pie", "samples_per_region", true, object{"groupby": []any{"region"}})
		},
		func() error {
			return m.chart(ctx, "old", "Старий графік", "line", "sample", true, object{"granularity_sqla": "taken", "time_range": "Last year", "contribution": false, "show_brush": "auto", "left_margin": "auto", "y_axis_label": "шт."})
		},
		func() error {
			return m.chart(ctx, "bars", "Старі стовпчики", "dist_bar", "staff", false, object{"groupby": []any{"position", "laboratory"}, "bar_stacked": true, "x_ticks_layout": "auto"})
		},
		func() error {
			return m.chart(ctx, "salaries", "Зарплати", "echarts_timeseries_bar", "Зарплати", true, object{"x_axis": "position"})
		},
		func() error {
			return m.chart(ctx, "points", "Точки", "deck_scatter", "places", true, object{"spatial": object{"type": "latlong", "latCol": "lat", "lonCol": "lon"}})
		},
		func() error {
			return m.chart(ctx, "hexes", "Шестикутники", "deck_hex", "places", true, nil)
		},
		func() error {
			return m.chart(ctx, "map", "Мапа лабораторій", "deck_multi", "places", true, object{"deck_slices": []any{m.made.Charts["points"], m.made.Charts["hexes"]}, "mapbox_style": "mapbox://styles/mapbox/light-v9"})
		},
		func() error { return m.chart(ctx, "twin", "Зарплати", "table", "staff", true, nil) },
	})
}
