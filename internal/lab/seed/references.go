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
	for _, uuid := range prod.uuids[assets.Dashboard] {
		want, err := prod.references(ctx, uuid)
		if err != nil {
			return 0, 0, err
		}
		got, err := qa.references(ctx, uuid)
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
	return right, total, nil
}

// reading is one site with its ids.
type reading struct {
	client *superset.Client
	uuids  map[assets.Kind]map[int]string
}

func newReading(ctx context.Context, s *lab.SupersetSite) (*reading, error) {
	client, err := Client(s, "admin")
	if err != nil {
		return nil, err
	}
	uuids, err := UUIDs(ctx, s)
	return &reading{client, uuids}, err
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
			found[place] = append(found[place], r.uuids[assets.Chart][int(t)])
		case "datasetId":
			found[place] = append(found[place], r.uuids[assets.Dataset][int(t)])
		}
	}
}

// fields names entries that stand under an id by what the id means.
func (r *reading) fields(m map[string]any, place, key string, found map[string][]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		name := k
		if key == "chart_configuration" || key == "expanded_slices" {
			id, _ := strconv.Atoi(k)
			name = r.uuids[assets.Chart][id]
			found[place] = append(found[place], name)
		}
		r.walk(m[k], place+"."+name, k, found)
	}
	if key == "chart_configuration" || key == "expanded_slices" {
		slices.Sort(found[place])
	}
}
