package superset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// Refused is Superset's answer to a bundle or a write that it does not take.
// Nothing of the request was done.
type Refused struct {
	Status int
	Reason string            // in one line
	Files  map[string]string // of a bundle: path → what is wrong with it; empty where the server does not say
}

// Error is the reason with the status.
func (r *Refused) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.Reason) }

// ErrUnknown is a request without an answer: a write may or may not have been
// done.
var ErrUnknown = errors.New("no answer: whether it was done must be looked up")

// ErrUnavailable is a 503: most proxies say so before the server gets anything,
// which is to be looked up all the same.
var ErrUnavailable = fmt.Errorf("%w: 503", ErrUnknown)

// ErrNotFound is a 404: not there, or not visible to this account.
var ErrNotFound = errors.New("not found, or not visible to this account")

// failure classifies what a call came to.
func (c *Client) failure(err error, r request) error {
	doing := fmt.Sprintf("%s: %s %s", c.config.Name, r.method, r.path)
	var answer *httpclient.Error
	switch {
	case errors.As(err, &answer):
		return c.answered(answer, doing)
	case errors.Is(err, errPage):
		return c.notLoggedIn("%s: the answer is a page, none of the API", doing)
	case errors.Is(err, context.Canceled):
		return change.Failf(change.KindCancelled, "%s: %w", doing, context.Canceled)
	}
	return &sentinel{ErrUnknown, change.Failf(change.KindInfrastructure, "%s: no answer: %w", doing, httpclient.Plain(err))}
}

func (c *Client) answered(answer *httpclient.Error, doing string) error {
	said := readErrors(answer.Body)
	switch status := answer.Status; {
	case status < 400:
		return c.notLoggedIn("%s: %s", doing, answer.Text)
	case status == http.StatusUnauthorized, status == http.StatusUnprocessableEntity && said.msg != "":
		return c.notLoggedIn("%s: %d %s", doing, status, said.msg)
	case status == http.StatusNotFound:
		return &sentinel{ErrNotFound, change.Failf(change.KindInfrastructure, "%s: %w", doing, answer)}
	case status == http.StatusForbidden:
		return change.Failf(change.KindConfiguration, "%s: 403 Forbidden", doing).
			WithHint("the account %q lacks a right there; asset-sync doctor shows which", c.config.Login.Username)
	case status == http.StatusServiceUnavailable:
		return &sentinel{ErrUnavailable, change.Failf(change.KindInfrastructure, "%s: %w", doing, answer)}
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return &sentinel{ErrUnknown, change.Failf(change.KindInfrastructure, "%s: %w", doing, answer)}
	case status == http.StatusTooManyRequests:
		return change.Failf(change.KindInfrastructure, "%s: %w", doing, answer)
	}
	return &Refused{answer.Status, said.reason(answer), said.files}
}

func (c *Client) notLoggedIn(format string, args ...any) error {
	return change.Failf(change.KindConfiguration, format, args...).
		WithHint("the login to %s does not hold: check its login in asset-sync.yaml, whether the token is expired, and whether a proxy or sign-on page stands before it", c.config.Name)
}

// said is what an error's JSON says, in the three forms that Superset has.
type said struct {
	msg, message string
	files        map[string]string
}

func readErrors(body []byte) (s said) {
	var answer struct {
		Msg     string
		Message json.RawMessage
		Errors  []struct {
			Message string
			Extra   map[string]json.RawMessage
		}
	}
	if json.Unmarshal(body, &answer) != nil {
		return s
	}
	s.msg = answer.Msg
	if json.Unmarshal(answer.Message, &s.message) != nil && len(answer.Message) > 0 {
		s.message = flat(answer.Message)
	}
	for _, e := range answer.Errors {
		s.message = e.Message
		for path, what := range e.Extra {
			if strings.Contains(path, ".yaml") {
				if s.files == nil {
					s.files = map[string]string{}
				}
				s.files[path] = flat(what)
			}
		}
	}
	return s
}

// flat makes {"params": ["Missing"]} into "params: Missing".
func flat(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	return flatten(v)
}

func flatten(v any) string {
	switch t := v.(type) {
	case map[string]any:
		var parts []string
		for key, value := range t {
			parts = append(parts, key+": "+flatten(value))
		}
		slices.Sort(parts)
		return strings.Join(parts, "; ")
	case []any:
		var parts []string
		for _, value := range t {
			parts = append(parts, flatten(value))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}

func (s said) reason(answer *httpclient.Error) string {
	var parts []string
	if s.message != "" {
		parts = append(parts, s.message)
	}
	for path, what := range s.files {
		parts = append(parts, path+": "+what)
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return answer.Error()
	}
	return change.OneLine(strings.Join(parts, "; "))
}

// sentinel is a failure on whose kind callers decide.
type sentinel struct {
	is      error
	failure *change.Failure
}

func (s *sentinel) Error() string   { return s.failure.Error() }
func (s *sentinel) Unwrap() []error { return []error{s.is, s.failure} }
