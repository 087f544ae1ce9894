package versions

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/patchbay-ci/patchbay/internal/schema"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// Asked is what every request may carry. Whatever else it has in its query is
// a fault.
type Asked struct {
	IfNoneMatch string `header:"If-None-Match" doc:"Answer 304 when the ETag is still one of these."`
}

// Resolve refuses what the library lets pass, together with the other faults:
// names of views, parameters that the description does not have, empty ones,
// and one that is given twice.
func (a *Asked) Resolve(ctx huma.Context) (faults []error) {
	u := ctx.URL()
	for _, p := range ctx.Operation().Parameters {
		if p.In == "path" && p.Schema.Not != nil && regexp.MustCompile(p.Schema.Not.Pattern).MatchString(ctx.Param(p.Name)) {
			faults = append(faults, &huma.ErrorDetail{Location: "path." + p.Name, Message: p.Schema.Not.Description})
		}
	}
	given, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		faults = append(faults, &huma.ErrorDetail{Location: "query", Message: "cannot be read"})
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		known := slices.ContainsFunc(ctx.Operation().Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		fault := ""
		switch {
		case !known:
			fault = "unknown parameter"
		case len(given[name]) > 1:
			fault = "given more than once"
		case given[name][0] == "":
			fault = "given without a value"
		}
		if fault != "" {
			faults = append(faults, &huma.ErrorDetail{Location: "query." + name, Message: fault})
		}
	}
	return faults
}

// OfCandidate is what names a candidate.
type OfCandidate struct {
	Asked
	ID string `path:"id" pattern:"^[1-9][0-9]{0,9}$" patternDescription:"a change number" maxLength:"10" doc:"The change's number." example:"42"`
}

func (o *OfCandidate) version() Version {
	number, _ := strconv.Atoi(o.ID) // the pattern was checked
	return Version{number}
}

// OfTable is what names a table.
type OfTable struct {
	Name string `path:"name" minLength:"1" maxLength:"200" doc:"The table, as the list names it." example:"laboratory"`
}

// newAPI describes and serves the routes.
func (v *Versions) newAPI(mux *http.ServeMux, version string) huma.API {
	useFaults()
	a := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "patchbay: versions of a registry", Version: version, Description: description},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", nameOf)},
		},
		Formats: huma.DefaultFormats, DefaultFormat: "application/json",
	})
	a.OpenAPI().Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":      {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		"accessToken": {Type: "apiKey", In: "header", Name: "X-Access-Token"},
	}
	v.masterRoutes(a)
	v.candidateRoutes(a)
	v.describeNames(a)
	return a
}

// describeNames says which names are refused: how views end is a setting.
func (v *Versions) describeNames(a huma.API) {
	var ends []string
	for _, suffix := range v.Filters.ViewSuffixes {
		if suffix != "" {
			ends = append(ends, regexp.QuoteMeta(suffix))
		}
	}
	for _, path := range a.OpenAPI().Paths {
		for _, p := range path.Get.Parameters {
			if p.Name == "name" && len(ends) > 0 {
				described := *p.Schema
				described.Not = &huma.Schema{Pattern: "(" + strings.Join(ends, "|") + ")$", Description: v.Filters.whyView()}
				p.Schema = &described // after the library has made its own checks of it: this one is Resolve's
			}
		}
	}
}

// nameOf tells the types of a snapshot from the API's own of the same names.
func nameOf(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[Fault]():
		return "DetailedErrorResponse"
	case strings.HasSuffix(t.PkgPath(), "/internal/schema") && name != "Snapshot":
		return "Snapshot" + name
	}
	return name
}

const description = "The tables of master and of every candidate, and the state of its deployment, as they are now. Read-only."

func (v *Versions) masterRoutes(a huma.API) {
	route(a, "/versions/master", "master", "The version that was merged last", nil,
		func(ctx context.Context, _ *struct{ Asked }) (*reply[api.MasterVersionInfoDetailed], error) {
			return answer(v.MasterInfo(v.Merged(ctx)), Origin{}), nil
		})
	route(a, "/versions/master/tables", "master-tables", "Its tables", nil,
		func(ctx context.Context, _ *struct{ Asked }) (*reply[[]api.TableInfoShort], error) {
			tables, err := v.Tables(ctx, Master)
			return answer(tables.List, tables.Origin), err
		})
	route(a, "/versions/master/tables/{name}", "master-table", "One of its tables", []int{404},
		func(ctx context.Context, in *struct {
			Asked
			OfTable
		},
		) (*reply[*api.TableInfo], error) {
			table, m, err := v.Table(ctx, Master, in.Name)
			return answer(table, m.Origin), err
		})
}

func (v *Versions) candidateRoutes(a huma.API) {
	route(a, "/versions/candidates", "candidates", "The open changes of the project, the last updated first", nil,
		func(ctx context.Context, _ *struct{ Asked }) (*reply[[]api.VersionInfo], error) {
			all, err := v.List(ctx)
			list := make([]api.VersionInfo, len(all))
			for i := range all {
				list[i] = v.Short(&all[i])
			}
			return answer(list, Origin{}), err
		})
	route(a, "/versions/candidates/{id}", "candidate", "How a candidate stands", []int{404},
		func(ctx context.Context, in *OfCandidate) (*reply[api.VersionInfoDetailed], error) {
			s, err := v.Standing(ctx, in.version().Change)
			if err != nil {
				return nil, err
			}
			r := answer(v.Detailed(s), s.Origin)
			r.Database = databaseHeader(s.hasDatabase())
			return r, nil
		})
	tables := func(ctx context.Context, in *OfCandidate) (*reply[[]api.TableInfoShort], error) {
		tables, err := v.Tables(ctx, in.version())
		return ofDatabase(answer(tables.List, tables.Origin), tables.Origin), err
	}
	route(a, "/versions/candidates/{id}/tables", "candidate-tables", "Its tables; none while it has no database", []int{404}, tables)
	route(a, "/versions/candidates/{id}/tables/{$}", "", "", []int{404}, tables)
	route(a, "/versions/candidates/{id}/tables/{name}", "candidate-table", "One of its tables", []int{404},
		func(ctx context.Context, in *struct {
			OfCandidate
			OfTable
		},
		) (*reply[*api.TableInfo], error) {
			table, m, err := v.Table(ctx, in.version(), in.Name)
			return ofDatabase(answer(table, m.Origin), m.Origin), err
		})
	v.comparisonRoutes(a)
}

func (v *Versions) comparisonRoutes(a huma.API) {
	route(a, "/versions/candidates/{id}/diff", "candidate-diff", "What it changes", []int{404},
		func(ctx context.Context, in *struct {
			OfCandidate
			Against string `query:"against" enum:"master,base" default:"master" doc:"master: as it is now; base: what the candidate was made from."`
		},
		) (*reply[*api.Difference], error) {
			difference, origin, err := v.Difference(ctx, in.version(), in.Against)
			return ofDatabase(answer(difference, origin), origin), err
		})
	route(a, "/versions/candidates/{id}/snapshot", "candidate-snapshot", "Its whole structure", []int{404},
		func(ctx context.Context, in *OfCandidate) (*reply[*schema.Snapshot], error) {
			m, err := v.Structure(ctx, in.version())
			r := ofDatabase(answer(m.Snapshot, m.Origin), m.Origin)
			if err == nil {
				r.ETag = weak(m.Snapshot.Digest())
			}
			return r, err
		})
}

type conditional interface{ noneMatch() string }

func (a *Asked) noneMatch() string { return a.IfNoneMatch }

// route registers one GET. A path without an id is served and not described:
// another way to write a described one.
func route[I, T any](a huma.API, path, id, summary string, errs []int, handler func(context.Context, *I) (*reply[T], error)) {
	op := huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Hidden: id == "",
		Errors:   append([]int{400, 401, 403, 500, 503}, errs...),
		Security: []map[string][]string{{}, {"bearer": {}}, {"accessToken": {}}},
	}
	op.Responses = map[string]*huma.Response{"304": {Description: "Still as the ETag says"}}
	huma.Register(a, op, func(ctx context.Context, in *I) (*reply[T], error) {
		r, err := handler(ctx, in)
		if err != nil {
			return nil, traced(ctx, err, r.known())
		}
		r.Status = http.StatusOK
		if c, ok := any(in).(conditional); ok && matches(c.noneMatch(), r.ETag) {
			r.Status = http.StatusNotModified
		}
		return r, nil
	})
	if described := a.OpenAPI().Paths[path]; described != nil && described.Get != nil {
		delete(described.Get.Responses, "422") // answered as 400
	}
}

// useFaults makes the library answer in the platform's form, and say that our
// lists are never null: it has variables for that, for all APIs of a program.
func useFaults() {
	huma.DefaultArrayNullable = false
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		f := faultOfLibrary(status, msg, errs)
		if ctx != nil {
			f.TraceID = traceOf(ctx.Context())
			note(ctx.Context(), f)
		}
		return f
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return faultOfLibrary(status, msg, errs)
	}
}

// faultOfLibrary lists all that is wrong with a request. It says 422 to what
// its description refuses, which is 400 here.
func faultOfLibrary(status int, msg string, errs []error) *Fault {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	code := api.CodeRuntime
	if status < 500 {
		code = api.CodeBadRequest
	}
	details := []string{}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			details = append(details, detail.Location+": "+detail.Message)
		} else if err != nil && status < 500 {
			details = append(details, err.Error())
		}
	}
	if len(details) == 0 {
		details = []string{msg}
	}
	return fault(status, code, "%s", strings.Join(details, "; "))
}
