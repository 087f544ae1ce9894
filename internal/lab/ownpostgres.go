package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// OwnPostgres is a server of one test's own, which may be stopped and
// restarted while others run.
type OwnPostgres struct {
	*PostgresServer
	name string // of the state file
}

// StartOwnPostgres starts a private server of a version. The caller stops it;
// `lab stop` finds it if the caller did not live to do so.
func StartOwnPostgres(ctx context.Context, version int) (*OwnPostgres, error) {
	server, err := newPostgres(ctx, version, dataPlace, quick)
	if err != nil {
		return nil, fmt.Errorf("start a PostgreSQL %d: %w", version, err)
	}
	own := &OwnPostgres{PostgresServer: server, name: "postgres-own-" + strconv.Itoa(server.PID)}
	return own, writeState(own.name, server)
}

// Halt shuts the server down as an administrator would (mode fast); its data
// stays for Continue.
func (o *OwnPostgres) Halt(ctx context.Context) error {
	return o.installation.run(ctx, "pg_ctl", "stop", "--pgdata", o.data(), "--mode", "fast")
}

// Continue starts the server again, on the same port.
func (o *OwnPostgres) Continue(ctx context.Context) error {
	if err := o.start(ctx); err != nil {
		return err
	}
	return writeState(o.name, o.PostgresServer)
}

// Restart ends all sessions and comes back on the same port.
func (o *OwnPostgres) Restart(ctx context.Context) error {
	if err := o.Halt(ctx); err != nil {
		return err
	}
	return o.Continue(ctx)
}

// Stop ends the server at once and removes its data.
func (o *OwnPostgres) Stop(ctx context.Context) error {
	var err error
	if alive(o.PID) {
		err = o.installation.run(ctx, "pg_ctl", "stop", "--pgdata", o.data(), "--mode", "immediate")
	}
	return errors.Join(err, os.RemoveAll(o.Dir), removeState(o.name))
}
