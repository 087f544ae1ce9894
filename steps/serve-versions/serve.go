package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/versions"
	"github.com/patchbay-ci/patchbay/internal/versions/access"
	"github.com/patchbay-ci/patchbay/internal/versions/page"
)

func run(ctx context.Context, s *step.Session, cfg *Config) error {
	v, closeAll, err := open(ctx, s, cfg)
	if err != nil {
		return err
	}
	defer closeAll()
	guard := access.New(ctx, cfg.Access.config(), httpclient.New(httpclient.Config{
		Timeout: 5 * time.Second, Retries: 1, UserAgent: "patchbay-serve-versions/" + s.Version,
	}))
	handler := v.Handler(versions.Serving{
		Version: s.Version, Requests: cfg.Requests, Timeout: cfg.Timeout, Log: func(a versions.Access) { logAccess(s, a) },
		Guard: guard.Guard, Sites: guard.Sites,
		Pages: func(mux *http.ServeMux) { page.Register(v, mux) },
	})
	go warn(ctx, s, cfg, v)
	return serve(ctx, s, cfg, handler)
}

// open makes the clients; nothing is asked of anybody yet, so the server
// starts whoever is down.
func open(ctx context.Context, s *step.Session, cfg *Config) (v *versions.Versions, closeAll func(), err error) {
	v = &versions.Versions{
		GerritURL: string(cfg.Gerrit.URL), GerritLink: cmp.Or(cfg.GerritLink, string(cfg.Gerrit.URL)),
		Project: cfg.Project, Branch: cfg.Branch, Label: cfg.Label, Pipeline: cfg.Pipeline,
		Voter: cmp.Or(cfg.Voter, cfg.Gerrit.Username), Pending: cfg.Pending, Names: cfg.names(),
		Schemas: cfg.Shown.Schemas, Preferred: "registry", Subject: cfg.Shown.Subject,
		Filters: versions.Filters{
			HiddenTables: cfg.Shown.tracking(), TablePrefixes: cfg.Shown.TablePrefixes, TableSuffixes: cfg.Shown.TableSuffixes,
			ColumnPrefixes: cfg.Shown.ColumnPrefixes, ViewSuffixes: cfg.Shown.ViewSuffixes, IndexSuffixes: cfg.Shown.IndexSuffixes,
		},
	}
	v.Gerrit, err = gerrit.New(ctx, gerrit.Config{
		URL: string(cfg.Gerrit.URL), Username: cfg.Gerrit.Username, Password: cfg.Gerrit.Password.Value(),
		UserAgent: "patchbay-serve-versions/" + s.Version, Timeout: cfg.Timeout * 2 / 5, LongWait: cfg.Timeout / 10, Retries: 1, // two tries, and time to say so
	})
	if err != nil {
		return nil, nil, err
	}
	if v.Candidates, err = readers(cfg, cfg.Databases.URL, "DATABASE_URL"); err != nil {
		return nil, nil, err
	}
	v.Master, v.MasterDatabase, closeAll = v.Candidates, "registry", v.Candidates.Close
	if cfg.Databases.MasterURL == "" {
		return v, closeAll, nil
	}
	if v.Master, err = readers(cfg, cfg.Databases.MasterURL, "PATCHBAY_MASTER_URL"); err != nil {
		v.Candidates.Close()
		return nil, nil, err
	}
	v.MasterDatabase = cmp.Or(v.Master.Database(), v.MasterDatabase)
	return v, func() { v.Candidates.Close(); v.Master.Close() }, nil
}

func readers(cfg *Config, url step.Secret, variable string) (*pg.Readers, error) {
	d := cfg.Databases
	return pg.NewReaders(pg.ReadersConfig{
		URL: url.Value(), Application: "patchbay serve-versions", Connections: d.Connections, Pools: d.Pools,
		StatementTimeout: d.StatementTimeout, Idle: d.Idle,
	}, variable)
}

// serve answers until the context ends, then lets what is being answered be
// answered.
func serve(ctx context.Context, s *step.Session, cfg *Config, handler http.Handler) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return change.Failf(change.KindConfiguration, "listen on %s: %w", cfg.Listen, err).WithHint("give --listen another port, or 0 for a free one")
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: cfg.Timeout + 10*time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(s.Log, "", 0),
	}
	address := "http://" + listener.Addr().String()
	fmt.Fprintln(s.Stdout, address)
	s.Log.Info().Str("address", address).Str("project", cfg.Project).Msg("listening")
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.StopWait)
		defer cancel()
		stopped <- server.Shutdown(ending)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	if err := <-stopped; err != nil {
		s.Log.Warn().Msg("stopped before all requests were answered")
		return errors.Join(server.Close())
	}
	s.Log.Info().Msg("stopped")
	return nil
}

// logAccess writes a line for a request; what went wrong is a warning with its
// reason.
func logAccess(s *step.Session, a versions.Access) {
	event := s.Log.Info()
	if a.Status >= 500 {
		event = s.Log.Warn()
	}
	event = event.Str("method", a.Method).Str("path", a.Path).Int("status", a.Status).Int("bytes", a.Bytes).
		Float64("ms", float64(a.Took.Microseconds())/1000).Str("trace", a.TraceID).Str("remote", a.Remote)
	if a.User != "" {
		event = event.Str("user", change.OneLine(a.User))
	}
	if a.Fault != "" {
		event = event.Str("code", a.Fault)
	}
	if a.Cause != nil {
		event = event.Str("cause", change.OneLine(a.Cause.Error()))
	}
	event.Msg("request")
}
