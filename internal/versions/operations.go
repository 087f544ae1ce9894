package versions

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/patchbay-ci/patchbay/internal/pg"
)

// operations are for whoever runs the server: alive, ready, figures.
func (v *Versions) operations(mux *http.ServeMux, m *metrics) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plainly(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		excess, err := v.ready(r.Context())
		if err != nil {
			f := FaultOf(err)
			f.status = http.StatusServiceUnavailable
			AnswerFault(w, r, f)
			return
		}
		text := "ok\n"
		if len(excess) > 0 { // which ones is for the log: everybody may ask this
			text += "warning: the reader has rights to rows, and needs none; the log of the start says which\n"
		}
		plainly(w, text)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
}

// isOperation says so of a request: those never wait for their turn, and whoever
// watches over the server sees how it stands when all turns are taken.
func isOperation(r *http.Request) bool {
	return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics"
}

func plainly(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text)) // the client may be gone
}

// ready: master's database answers. Without Gerrit the tables still do. It says
// by what the reader could see rows there.
func (v *Versions) ready(ctx context.Context) (excess []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = v.read(ctx, Master, func(ctx context.Context, conn *pg.Conn) (_ string, err error) {
		excess, err = pg.ExcessOf(ctx, conn)
		return "", err
	})
	return excess, err
}

// newDescription serves the description as it was made once.
func newDescription(d *huma.OpenAPI) http.HandlerFunc {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(err) // made from our own types: cannot fail
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(text) // the client may be gone
	}
}

// metrics are the figures of this server, apart from any other in the process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	faults   *prometheus.CounterVec
}

func newMetrics(v *Versions) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "patchbay_versions_request_seconds", Help: "How long requests took, by route and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "status"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "patchbay_versions_faults_total", Help: "Answers that are errors, by code.",
		}, []string{"code"}),
	}
	open := func(name, help string, value func() (pools, sessions int), pick int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			pools, sessions := value()
			return float64([]int{pools, sessions}[pick])
		})
	}
	m.registry.MustRegister(m.requests, m.faults, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		open("patchbay_versions_databases_open", "Databases with open sessions.", v.openSessions, 0),
		open("patchbay_versions_sessions_open", "Open sessions to PostgreSQL.", v.openSessions, 1))
	return m
}

func (v *Versions) openSessions() (pools, sessions int) {
	pools, sessions = v.Candidates.Open()
	if v.Master != v.Candidates {
		p, s := v.Master.Open()
		pools, sessions = pools+p, sessions+s
	}
	return pools, sessions
}

// count goes by route: a path holds what anybody may choose.
func (m *metrics) count(a Access) {
	route := a.Route
	if route == "" || route == "/" {
		route = "other"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(a.Status)).Observe(a.Took.Seconds())
	if a.Fault != "" {
		m.faults.WithLabelValues(a.Fault).Inc()
	}
}
