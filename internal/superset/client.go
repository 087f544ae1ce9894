// Package superset speaks to the REST API of an Apache Superset server, 4.1 to
// 6.1, and knows its traps: pages that are cut without a word, writes that
// need a CSRF token, its cookie and a Referer beside the login, a lost token
// answered by a redirect that ends in 200, one missing id that makes a whole
// export 404.
package superset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// Config says which server is asked, how, and as whom.
type Config struct {
	Name      string // of the environment, for messages
	URL       string // http(s), without a login; a path is kept
	Login     Login
	Headers   map[string]string // for a proxy in front of it
	Cookies   map[string]string
	UserAgent string
	ReadOnly  bool          // nothing but logins is written: the source of a synchronisation
	Timeout   time.Duration // of one read; 0 means 2 minutes
	Write     time.Duration // of one write; 0 means 15 minutes
	Show      func(address string)
}

// Client asks one Superset as one account. It may be used by several
// goroutines.
type Client struct {
	config Config
	base   *url.URL
	reads  *http.Client
	once   *http.Client // reads that are not repeated
	writes *http.Client

	entering sync.Mutex // one login, renewal or CSRF token at a time
	mu       sync.Mutex
	session  session

	sent    atomic.Int64
	written atomic.Int64
	rows    atomic.Int64 // of a page
	ahead   atomic.Int64 // what the server's clock is before ours, in nanoseconds, by its latest answer
}

// session is what a login gave. It lives in memory only.
type session struct{ access, refresh, csrf string }

const longAnswer = 512 << 20 // bytes: an export of a whole site

// New makes a client; nothing is sent yet.
func New(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil {
		return nil, change.Failf(change.KindConfiguration, "environment %s: url is no http or https address without a login", c.Name).
			WithHint("give the address of Superset's start page, like https://bi.example.org")
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	if c.Write == 0 {
		c.Write = 15 * time.Minute
	}
	jar, err := cookiejar.New(nil) // one per environment: cookies do not know ports
	if err != nil {
		return nil, err
	}
	client := &Client{config: c, base: base}
	var cookies []*http.Cookie
	for name, value := range c.Cookies {
		cookies = append(cookies, &http.Cookie{Name: name, Value: value, Path: "/"}) //nolint:gosec // sent, not set
	}
	jar.SetCookies(base, cookies)
	client.reads = httpclient.New(httpclient.Config{Timeout: c.Timeout, UserAgent: c.UserAgent, Answer: longAnswer})
	client.once = httpclient.New(httpclient.Config{Timeout: c.Timeout, UserAgent: c.UserAgent, Answer: longAnswer, Retries: -1})
	client.writes = httpclient.New(httpclient.Config{Timeout: c.Write, UserAgent: c.UserAgent, Answer: longAnswer, Retries: -1})
	client.reads.Jar, client.once.Jar, client.writes.Jar = jar, jar, jar
	return client, nil
}

// Name is the environment's.
func (c *Client) Name() string { return c.config.Name }

// URL is the server's address without a slash at the end.
func (c *Client) URL() string { return c.base.String() }

// Requests says how many were sent, and how many of them were writes. Logins
// count as the former.
func (c *Client) Requests() (sent, written int) { return int(c.sent.Load()), int(c.written.Load()) }

// PageSize is how many rows the server gives in one page of a list; 0 as long
// as all lists came in one.
func (c *Client) PageSize() int { return int(c.rows.Load()) }

// request is one call of the API.
type request struct {
	method, path string
	query        string // encoded
	body         []byte
	contentType  string
	accept       string
	once         bool   // there is another way when no answer comes
	login        bool   // it goes out with bearer instead of the session's token
	bearer       string // "" is none
}

func (r request) isWrite() bool { return r.method != http.MethodGet }

// do sends a request as the account, after a login if there was none; an
// expired token is renewed and the request sent once more: it was not done.
func (c *Client) do(ctx context.Context, r request) ([]byte, error) {
	if r.isWrite() {
		if c.config.ReadOnly {
			return nil, fmt.Errorf("%s %s: %s is the source, which is never written to", r.method, r.path, c.config.Name)
		}
	}
	for try := 0; ; try++ {
		with, err := c.prepare(ctx, r.isWrite())
		if err != nil {
			return nil, err
		}
		body, err := c.send(ctx, r)
		switch {
		case err == nil:
			return body, nil
		case try < 2 && c.renewable(ctx, err, with):
		case try < 5 && r.again(err):
			if err := pause(ctx, time.Second<<try); err != nil {
				return nil, err
			}
		default:
			return nil, c.failure(err, r)
		}
	}
}

// again says that a request may be sent once more, a while later: it was
// refused, so it was not done, or it does the same twice.
func (r request) again(err error) bool {
	var answer *httpclient.Error
	if !errors.As(err, &answer) || !r.isWrite() && !r.once {
		return false
	}
	same := r.method == http.MethodPut || r.method == http.MethodDelete
	return answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusServiceUnavailable && same
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *Client) send(ctx context.Context, r request) ([]byte, error) {
	address := c.base.String() + r.path
	if r.query != "" {
		address += "?" + r.query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	c.headers(req, r)
	client := c.reads
	switch {
	case r.isWrite():
		client = c.writes
		c.written.Add(1)
	case r.once:
		client = c.once
	}
	c.sent.Add(1)
	response, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if now, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		c.ahead.Store(int64(time.Until(now)))
	}
	if kind := response.Header.Get("Content-Type"); r.accept == "application/json" && !strings.Contains(kind, "json") || r.accept == anything && strings.Contains(kind, "html") {
		return nil, errPage
	}
	return io.ReadAll(response.Body)
}

// anything is what is accepted of an export, whose type servers name
// differently; a page it is not.
const anything = "*/*"

var errPage = errors.New("the answer is a page, and nothing of the API's")

func (c *Client) headers(req *http.Request, r request) {
	for name, value := range c.config.Headers {
		req.Header.Set(name, value)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	req.Header.Set("Accept", r.accept)
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Referer", c.base.String()+"/")
	bearer := c.session.access
	if r.login {
		bearer = r.bearer
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if r.isWrite() && c.session.csrf != "" {
		req.Header.Set("X-CSRFToken", c.session.csrf)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
}

// Get reads JSON.
func (c *Client) Get(ctx context.Context, path, query string, into any) error {
	body, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query, accept: "application/json"})
	if err != nil {
		return err
	}
	return c.decode(body, into, path)
}

// Send writes JSON and reads the answer.
func (c *Client) Send(ctx context.Context, method, path string, in, into any) error {
	r := request{method: method, path: path, accept: "application/json"}
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		r.body, r.contentType = body, "application/json"
	}
	body, err := c.do(ctx, r)
	if err != nil || into == nil {
		return err
	}
	return c.decode(body, into, path)
}

func (c *Client) decode(body []byte, into any, path string) error {
	if err := json.Unmarshal(body, into); err != nil {
		return change.Failf(change.KindInfrastructure, "%s: %s: the answer is not of the form that Superset gives", c.config.Name, path)
	}
	return nil
}
