package versions

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/gerrit"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// Fault is an error as it is answered.
type Fault struct {
	api.DetailedErrorResponse
	status int
	cause  error // for the log
}

// Error is the details.
func (f *Fault) Error() string { return f.Code + ": " + f.Details }

// GetStatus is the status of the answer.
func (f *Fault) GetStatus() int { return f.status }

// Unwrap is what is logged and not answered.
func (f *Fault) Unwrap() error { return f.cause }

// ContentType is that of every answer.
func (f *Fault) ContentType(string) string { return "application/json" }

func fault(status int, code, format string, args ...any) *Fault {
	return &Fault{status: status, DetailedErrorResponse: api.DetailedErrorResponse{Code: code, Details: change.OneLine(fmt.Sprintf(format, args...))}}
}

func (f *Fault) because(err error) *Fault {
	f.cause = err
	return f
}

func unknownChange(number int) *Fault {
	return fault(http.StatusNotFound, api.CodeChangeNotFound, "change %d is not known: deleted, of another project, or not visible", number)
}

func unknownTable(name string) *Fault {
	f := fault(http.StatusNotFound, api.CodeTableNotFound, "there is no table %q in this version", name)
	f.MessageKey, f.MessageParameters = api.KeyTableNotFound, api.Some(map[string]string{"tableName": name})
	return f
}

// FaultOf makes an answer of any error. What a driver said is logged only.
func FaultOf(err error) *Fault {
	var known *Fault
	var away *unreachable
	failure := change.AsFailure(err)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, errGerrit): // also when it was Gerrit that took all the time
		return fault(http.StatusInternalServerError, api.CodeGerrit, "%s", gerritDown(err)).because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), failure.Kind == change.KindCancelled:
		return fault(http.StatusServiceUnavailable, api.CodeBusy, "the answer took too long").because(err)
	case failure.Kind == change.KindLimit && failure.SQLState == "":
		return fault(http.StatusInternalServerError, api.CodeTooLarge, "%s", failure.Message).because(err)
	case errors.As(err, &away):
		return away.fault()
	}
	return fault(http.StatusInternalServerError, api.CodeRuntime, "the request could not be answered; the log has the reason under the trace id").because(err)
}

func (u *unreachable) fault() *Fault {
	code, what := api.CodeMasterDatabase, "master's database"
	if u.version != Master {
		code, what = api.CodeCandidate, fmt.Sprintf("the database of candidate %d", u.version.Change)
	}
	why := "does not answer"
	switch f := change.AsFailure(u.err); {
	case errors.Is(u.err, pg.ErrNoDatabase):
		why = "does not exist"
	case f.SQLState == "42501":
		why = "may not be entered by the reader"
	case f.SQLState == "57014":
		why = "took too long to answer"
	case f.SQLState == "28P01" || f.SQLState == "28000":
		why = "refuses the reader's login"
	}
	return fault(http.StatusInternalServerError, code, "%s %s", what, why).because(u.err)
}

// errGerrit marks errors of Gerrit.
var errGerrit = errors.New("Gerrit")

func ofGerrit(err error) error {
	if err == nil || errors.Is(err, gerrit.ErrNotFound) {
		return err
	}
	return fmt.Errorf("%w: %w", errGerrit, err)
}

// gerritDown says why Gerrit cannot be asked in our own words: its host, what it
// says and what the driver says are for the log.
func gerritDown(err error) string {
	const what = "Gerrit cannot be asked: "
	var answer *httpclient.Error
	var failure *change.Failure
	switch {
	case errors.As(err, &answer) && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden):
		return what + "it refuses our account"
	case errors.As(err, &answer):
		return fmt.Sprintf("%sit answers %d", what, answer.Status)
	case errors.As(err, &failure) && failure.Unwrap() == nil:
		return what + "it answers with something else than its API"
	}
	return what + "it does not answer"
}

// BadRequest is a request that its description refuses.
func BadRequest(details string) *Fault {
	return fault(http.StatusBadRequest, api.CodeBadRequest, "%s", details)
}

// Refused is a request of somebody who may not look. The cause is logged and
// not answered.
func Refused(status int, code, details string, cause error) *Fault {
	return fault(status, code, "%s", details).because(cause)
}
