package seed

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// References counts the references in the metadata and layouts of prod's
// dashboards, and how many of them lead to the same asset in qa. It reads what
// the browser reads and knows nothing of the program that is measured.
func References(ctx context.Context, p *lab.SupersetPair) (right, total int, err error) {
	prod, err := newReading(ctx, p.Prod)
	if err != nil {
		return 0, 0, err
	}
	qa, err := newReading(ctx, p.QA)
	if err != nil {
		return 0, 0, err
	}
	rows, err := prod.client.List(ctx, assets.Dashboard)
	for _, row := range rows {
		want, err := prod.references(ctx, row.UUID)
		if err != nil {
			return 0, 0, err
		}
		got, err := qa.references(ctx, row.UUID)
		if err != nil {
			got = nil // it is not there
		}
		for place, uuids := range want {
			total += len(uuids)
			for i, uuid := range uuids {
				if i < len(got[place]) && got[place][i] == uuid {
					right++
				}
			}
		}
	}
	return right, total, err
}

// reading is one site with its ids.
type reading struct {
	client *superset.Client
	uuids  map[string]map[int]string // kind → id → UUID
}

func newReading(ctx context.Context, s *lab.SupersetSite) (*reading, error) {
	client, err := Client(s, "admin")
	if err != nil {
		return nil, err
	}
	r := &reading{client, map[string]map[int]string{}}
	for _, kind := range []assets.Kind{assets.Chart, assets.Dataset} {
		rows, err := client.List(ctx, kind)
		if err != nil {
			return nil, err
		}
		r.uuids[string(kind)] = map[int]string{}
		for _, row := range rows {
			r.uuids[string(kind)][row.ID] = row.UUID
		}
	}
	return r, nil
}

// references are the UUIDs that a dashboard's numbers mean, by place.
func (r *reading) references(ctx context.Context, uuid string) (map[string][]string, error) {
	var answer struct {
		Result struct {
			Metadata string `json:"json_metadata"`
			Position string `json:"position_json"`
		}
	}
	if err := r.client.Get(ctx, "/api/v1/dashboard/"+uuid, "", &answer); err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, text := range []string{answer.Result.Metadata, answer.Result.Position} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, err
		}
		r.walk(v, "", "", found)
	}
	return found, nil
}

func (r *reading) walk(v any, place, key string, found map[string][]string) {
	switch t := v.(type) {
	case map[string]any:
		r.fields(t, place, key, found)
	case []any:
		for i, item := range t {
			at := place + "[]"
			if _, nested := item.(map[string]any); nested {
				at = fmt.Sprintf("%s[%d]", place, i)
			}
			r.walk(item, at, key, found)
		}
	case float64:
		switch key {
		case "chartId", "excluded", "chartsInScope", "timed_refresh_immune_slices":
			found[place] = append(found[place], r.uuids["chart"][int(t)])
		case "datasetId":
			found[place] = append(found[place], r.uuids["dataset"][int(t)])
		}
	}
}

// fields names entries that stand under an id by what the id means.
func (r *reading) fields(m map[string]any, place, key string, found map[string][]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		name := k
		if key == "chart_configuration" || key == "expanded_slices" {
			id, _ := strconv.Atoi(k)
			name = r.uuids["chart"][id]
			found[place] = append(found[place], name)
		}
		r.walk(m[k], place+"."+name, k, found)
	}
	if key == "chart_configuration" || key == "expanded_slices" {
		slices.Sort(found[place])
	}
}
