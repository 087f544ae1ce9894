package gerrit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// ErrNotFound is Gerrit's 404, which is ambiguous: deleted, private, hidden,
// of another project, or not replicated yet.
var ErrNotFound = errors.New("not found, or not visible to this account")

// ErrConflict is Gerrit's 409: the state of the change does not allow it, as a
// vote on an abandoned change.
var ErrConflict = errors.New("the change does not allow it")

// RetryAfter is how long the server asked to wait before the next try; 0 when
// it did not.
func RetryAfter(err error) time.Duration {
	var answer *httpclient.Error
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}

// failure classifies an error of a call: what Gerrit refuses is a matter of
// configuration, what it cannot do or say is infrastructure.
func (c *Client) failure(err error, doing string) error {
	var answer *httpclient.Error
	if errors.As(err, &answer) {
		return c.refused(answer, doing)
	}
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &shape) {
		return notGerrit(doing)
	}
	err = httpclient.Plain(err)
	if errors.Is(err, context.Canceled) {
		return change.Failf(change.KindCancelled, "%s: %w", doing, err)
	}
	return change.Failf(change.KindInfrastructure, "%s: no answer from %s: %w", doing, c.url.Host, err)
}

func (c *Client) refused(answer *httpclient.Error, doing string) error {
	fail := func(kind change.Kind) *change.Failure {
		return change.Failf(kind, "%s: %w", doing, answer)
	}
	switch status := answer.Status; {
	case status == http.StatusNotFound:
		return &sentinel{ErrNotFound, fail(change.KindInfrastructure)}
	case status == http.StatusConflict:
		return &sentinel{ErrConflict, fail(change.KindInfrastructure)}
	case status == http.StatusUnauthorized:
		return fail(change.KindConfiguration).
			WithHint("check GERRIT_USERNAME %q and GERRIT_PASSWORD: it is the HTTP password or token of the account; is it expired or revoked?", c.username)
	case status == http.StatusForbidden:
		return fail(change.KindConfiguration).
			WithHint("the account %q lacks a right; see docs/gerrit-setup.md", c.username)
	case status < 400:
		return notGerrit(doing)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return fail(change.KindInfrastructure)
	}
	return fail(change.KindConfiguration)
}

// notGerrit is for pages that some proxy or login page answers.
func notGerrit(doing string) *change.Failure {
	return change.Failf(change.KindInfrastructure, "%s: this is not a Gerrit API answer", doing).
		WithHint("check GERRIT_URL, and whether a proxy or a single sign-on page stands in front of Gerrit")
}

// sentinel is a failure on whose status callers decide.
type sentinel struct {
	status  error
	failure *change.Failure
}

func (s *sentinel) Error() string   { return s.failure.Error() }
func (s *sentinel) Unwrap() []error { return []error{s.status, s.failure} }
