package changelog

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/blame"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

const (
	reading = 30 * time.Second // limit of a look at tracking rows
	ending  = 30 * time.Second // limit of ending sessions
)

// asLogin does something in a session of the throw-away login, never of the
// service role: a changelog can replace its tracking table by a view that
// calls functions as whoever reads it.
func asLogin(ctx context.Context, job Job, do func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	conn, err := job.Server.ConnectAs(ctx, job.Login)
	if err != nil {
		return pg.Classify(err).InPhase("tracking rows")
	}
	defer conn.Close(context.WithoutCancel(ctx)) // nothing is left to lose
	if err := do(ctx, conn); err != nil {
		return loginFailure(err).InPhase("tracking rows")
	}
	return nil
}

// loginFailure: what the server says to a session that works on what a
// changelog made is the changelog's fault, unless the server itself is in trouble.
func loginFailure(err error) *change.Failure {
	var own *change.Failure
	var fault *pgconn.PgError
	var tooLong *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &fault):
		kind, hint := blame.OfServer(fault.Code, fault.Message)
		failure := change.Failf(kind, "%s", pg.Primary(fault))
		failure.SQLState, failure.Hint = fault.Code, hint
		return failure
	case errors.As(err, &tooLong):
		return change.Failf(change.KindLimit, "the server's answer to a statement has %d MiB", tooLong.ActualBodyLen>>20)
	}
	return pg.Classify(err)
}

// currentSchema is where an engine makes its tracking tables by itself.
func currentSchema(ctx context.Context, conn *pgx.Conn) (string, error) {
	var schema *string
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.current_schema()").Scan(&schema); err != nil {
		return "", err
	}
	if schema == nil {
		return "", change.Failf(change.KindConfiguration, "the search path of the template names no schema that exists").
			WithHint("create the schema public in the template and grant the owner role USAGE and CREATE on it")
	}
	return *schema, nil
}

// plainTable says whether a tracking table is there, and refuses what only
// looks like one.
func plainTable(ctx context.Context, conn *pgx.Conn, schema, name string) (bool, error) {
	const query = `SELECT c.relkind = 'r' AND NOT c.relrowsecurity AND NOT c.relhasrules
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2`
	var plain bool
	err := conn.QueryRow(ctx, query, schema, name).Scan(&plain)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err == nil && !plain {
		return false, change.Failf(change.KindCandidate, "the changelog replaced the tracking table %s by something else", name)
	}
	return true, err
}

// endSessions makes sure that nothing of a failed run goes on in the database:
// killing a client leaves its statement running. It keeps the failure, with
// what went wrong here in its hint.
func endSessions(ctx context.Context, job Job, err error) error {
	failure := change.AsFailure(err)
	if failure.Kind == change.KindConfiguration {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
	defer cancel()
	if err := job.Server.EndSessions(ctx, job.Login.Database); err != nil {
		failure.Hint = change.OneLine("its sessions could not be ended: " + err.Error() + "; " + failure.Hint)
	}
	return failure
}
