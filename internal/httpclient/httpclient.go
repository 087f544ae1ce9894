// Package httpclient makes the one *http.Client by which steps speak to
// servers: every try has a time limit, reads are repeated when a repetition
// may help, writes never are, redirects carry no credentials elsewhere, an
// answer has a size limit, and a status of 300 or more is a typed error.
package httpclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Config says how the client behaves; every field but UserAgent has a default.
type Config struct {
	Timeout   time.Duration // of one try, with the reading of its answer; 0 means 30 s
	UserAgent string        // "patchbay/1.2.3 (report-verified)"
	Retries   int           // of a read, after the first try; 0 means 3, negative means none
	LongWait  time.Duration // the longest pause before a try, whatever Retry-After asks for; 0 means 20 s
	Answer    int64         // bytes of the longest answer taken; 0 means 32 MiB

	NoRedirects bool // a read's redirect is an error too
}

// New makes a client.
func New(c Config) *http.Client {
	c = c.withDefaults()
	retry := &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     &whole{transport: http.DefaultTransport.(*http.Transport).Clone(), userAgent: c.UserAgent, limit: c.Answer},
			Timeout:       c.Timeout,
			CheckRedirect: c.redirect,
		},
		RetryWaitMin: 200 * time.Millisecond,
		RetryWaitMax: c.LongWait,
		RetryMax:     c.Retries,
		CheckRetry:   readsOnly,
		Backoff:      pause,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return &http.Client{
		Transport:     &typed{retry},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Retries == 0 {
		c.Retries = 3
	}
	c.Retries = max(c.Retries, 0)
	if c.LongWait == 0 {
		c.LongWait = 20 * time.Second
	}
	if c.Answer == 0 {
		c.Answer = longAnswer
	}
	return c
}

type methodKey struct{}

// typed is the outermost layer: it turns a bad status into an *Error and
// leaves nothing of the answer open.
type typed struct{ client *retryablehttp.Client }

func (t *typed) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := context.WithValue(request.Context(), methodKey{}, request.Method)
	retryable, err := retryablehttp.FromRequest(request.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	response, err := t.client.Do(retryable)
	if err != nil {
		return nil, Plain(err)
	}
	if response.StatusCode >= 300 && response.StatusCode != http.StatusNotModified {
		return nil, errorOf(request, response)
	}
	return response, nil
}

// readsOnly repeats a GET or HEAD on 429, 502, 503, 504 and on a broken or
// silent connection. A write is never repeated here: whether it was done can
// only be found out by whoever knows what it should have done.
func readsOnly(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if method, _ := ctx.Value(methodKey{}).(string); method != http.MethodGet && method != http.MethodHead {
		return false, nil
	}
	if err != nil {
		return !errors.Is(err, errTooLong) && !errors.Is(err, errElsewhere), nil
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

var errElsewhere = errors.New("redirected to another host, which is not given the credentials")

func (c Config) redirect(to *http.Request, via []*http.Request) error {
	if c.NoRedirects {
		return http.ErrUseLastResponse
	}
	return redirect(to, via)
}

// redirect follows reads only, and never takes credentials to another host or
// to a plain connection. A write's redirect is left for errorOf.
func redirect(to *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet && first.Method != http.MethodHead {
		return http.ErrUseLastResponse
	}
	if len(via) >= 5 {
		return fmt.Errorf("more than %d redirects", len(via))
	}
	secret := first.Header.Get("Authorization") != "" || first.Header.Get("Cookie") != ""
	if secret && (to.URL.Host != first.URL.Host || to.URL.Scheme != first.URL.Scheme) {
		return errElsewhere
	}
	return nil
}
