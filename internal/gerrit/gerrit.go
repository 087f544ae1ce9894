// Package gerrit speaks to Gerrit's REST API and gives its answers in our
// types. It knows the traps of the API: answers that silently drop what they
// do not know, ids that must be escaped once, pages that are not answers.
// See https://gerrit-review.googlesource.com/Documentation/rest-api.html.
package gerrit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gogerrit "github.com/andygrunwald/go-gerrit"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// Config says which server is asked, and as whom.
type Config struct {
	URL       string // http(s), without user and password; a path is kept
	Username  string // empty with Password: anonymous, which reads public data only
	Password  string // the HTTP password or token of the account
	UserAgent string
	Timeout   time.Duration // of one try; 0 is httpclient's
	Retries   int           // of a read, after the first try; 0 is httpclient's, negative none
	LongWait  time.Duration // the longest pause before a try; 0 is httpclient's

	// NoRedirects takes a redirect for what it is when a login was lost: no
	// answer of Gerrit's REST API. Who decides on a 404 wants this.
	NoRedirects bool
}

// Client asks one Gerrit as one account.
type Client struct {
	url      *url.URL // without a slash at the end
	username string
	api      *gogerrit.Client
}

// New makes a client; nothing is sent. Its errors are configuration failures.
func New(ctx context.Context, c Config) (*Client, error) {
	base, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	if (c.Username == "") != (c.Password == "") {
		return nil, change.Failf(change.KindConfiguration, "the login for Gerrit is half given").
			WithHint("set both GERRIT_USERNAME and GERRIT_PASSWORD")
	}
	client := httpclient.New(httpclient.Config{
		Timeout: c.Timeout, UserAgent: c.UserAgent, Retries: c.Retries, LongWait: c.LongWait, NoRedirects: c.NoRedirects,
	})
	api, err := gogerrit.NewClient(ctx, base.String()+"/", client)
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "make a client for Gerrit: %w", err)
	}
	if c.Username != "" {
		api.Authentication.SetBasicAuth(c.Username, c.Password)
	}
	return &Client{url: base, username: c.Username, api: api}, nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	fault := ""
	switch {
	case err != nil:
		fault = "it cannot be parsed" // the error would repeat it with its password
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		fault = "it does not start with http:// or https:// and a host"
	case u.User != nil:
		fault = "it holds a user; the login belongs in GERRIT_USERNAME and GERRIT_PASSWORD"
	case u.RawQuery != "", u.Fragment != "":
		fault = "it has a query or a fragment"
	default:
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/a"), ""
		return u, nil
	}
	return nil, change.Failf(change.KindConfiguration, "the URL of Gerrit is wrong: %s", fault).
		WithHint("set GERRIT_URL to the address of Gerrit's start page, like https://gerrit.example.org")
}

// GitURL is where git finds a project: <URL>/a/<project>, without /a for an
// anonymous client. It holds no login.
func (c *Client) GitURL(project string) string {
	u := *c.url
	if c.username != "" {
		u.Path += "/a"
	}
	return u.JoinPath(strings.Split(url.PathEscape(project), "%2F")...).String()
}

// changeID escapes a project once, in this one place: Gerrit answers 404 to a
// project that is escaped twice.
func changeID(project string, number int) string {
	return fmt.Sprintf("changes/%s~%d", url.PathEscape(project), number)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	response, err := c.api.Call(ctx, method, path, in, out)
	if err != nil {
		return nil, err
	}
	return response.Header, nil
}
