package pg

import (
	"context"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// What a caller may decide on.
var (
	// ErrExists says that the database's name is taken.
	ErrExists = errors.New("the database exists already")
	// ErrNoDatabase says that a source database is not there.
	ErrNoDatabase = errors.New("there is no such database")
)

// The SQLSTATEs that decide something here. See
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	duplicateDatabase    = "42P04"
	invalidCatalogName   = "3D000"
	objectInUse          = "55006"
	queryCanceled        = "57014"
	sessionEnded         = "57P01"
	dependentObjects     = "2BP01"
	insufficientRight    = "42501"
	invalidPassword      = "28P01"
	invalidAuthorization = "28000"
)

// state is the SQLSTATE of an error of the server, else "".
func state(err error) string {
	var fault *pgconn.PgError
	if errors.As(err, &fault) {
		return fault.Code
	}
	return ""
}

// Classify makes a failure of an error met while the service role worked:
// nothing of it is the candidate's fault. Of the server's error only the
// primary message is kept; detail and context may quote data.
func Classify(err error) *change.Failure {
	if err == nil {
		return nil
	}
	var failure *change.Failure
	if errors.As(err, &failure) {
		return failure
	}
	var fault *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		return change.Failf(change.KindCancelled, "cancelled: %w", context.Canceled)
	case errors.As(err, &fault):
		return classifyServer(fault)
	}
	return change.Failf(change.KindInfrastructure, "PostgreSQL: %w", network(err))
}

// maxMessage is in runes: nobody reads on, and a statement may raise an error
// of any length.
const maxMessage = 500

// Primary is the primary message of an error of the server, cut to what
// people read.
func Primary(fault *pgconn.PgError) string {
	runes := 0
	for at := range fault.Message {
		if runes++; runes > maxMessage {
			return fault.Message[:at] + " …"
		}
	}
	return fault.Message
}

func classifyServer(fault *pgconn.PgError) *change.Failure {
	failure := change.Failf(kindOf(fault.Code), "PostgreSQL: %s", Primary(fault))
	failure.SQLState = fault.Code
	switch fault.Code {
	case insufficientRight:
		return failure.WithHint("the service role lacks a right: run the one-time grants of docs/postgresql-grants.md")
	case invalidPassword, invalidAuthorization:
		return failure.WithHint("check user and password of DATABASE_URL, and the server's pg_hba.conf")
	}
	return failure
}

func kindOf(code string) change.Kind {
	if code == insufficientRight {
		return change.KindConfiguration
	}
	if kind := change.KindOfSQLState(code); kind != change.KindCandidate {
		return kind
	}
	return change.KindInfrastructure
}

// network takes the driver's wrapping, which names user and database in
// several lines, off an error of the network.
func network(err error) error {
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		return op
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	}
	return err
}
