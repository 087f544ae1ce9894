package superset

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// Login is how the account proves itself.
type Login struct {
	Kind     string // one of the kinds below
	Username string
	Password string
	Provider string // "db" or "ldap", the server's own AUTH_TYPE; empty is db
	Token    string // a ready-made bearer token or an API key
	Issuer   string // of OIDC: its address, below which .well-known is found
	ClientID string
	Secret   string   // of the OIDC client
	Scopes   []string // asked of the issuer
}

// The kinds of logins.
const (
	LoginPassword = "password"
	LoginToken    = "token"
	LoginClient   = "client-credentials"
	LoginPKCE     = "pkce"
)

// prepare makes sure of a login, and before a write of a CSRF token and its
// cookie. It gives the session that the request then goes out with.
func (c *Client) prepare(ctx context.Context, write bool) (session, error) {
	c.entering.Lock()
	defer c.entering.Unlock()
	if c.current().access == "" {
		if err := c.login(ctx); err != nil {
			return session{}, err
		}
	}
	if write && c.current().csrf == "" {
		if err := c.fetchCSRF(ctx); err != nil {
			return session{}, err
		}
	}
	return c.current(), nil
}

func (c *Client) current() session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// RenewCSRF fetches a token for a new batch of writes.
func (c *Client) RenewCSRF(ctx context.Context) error {
	if _, err := c.prepare(ctx, false); err != nil {
		return err
	}
	c.entering.Lock()
	defer c.entering.Unlock()
	return c.fetchCSRF(ctx)
}

func (c *Client) fetchCSRF(ctx context.Context) error {
	var answer struct{ Result string }
	r := request{method: http.MethodGet, path: "/api/v1/security/csrf_token/", accept: "application/json"}
	body, err := c.send(ctx, r)
	if expired(err) && c.config.Login.Kind != LoginToken && c.renew(ctx) == nil {
		body, err = c.send(ctx, r)
	}
	if err != nil {
		return c.failure(err, r)
	}
	if err := c.decode(body, &answer, r.path); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session.csrf = answer.Result
	return nil
}

// login gets an access token.
func (c *Client) login(ctx context.Context) error {
	l := c.config.Login
	var s session
	var err error
	switch l.Kind {
	case LoginToken:
		s.access = l.Token
	case LoginClient:
		s, err = c.clientCredentials(ctx)
	case LoginPKCE:
		s, err = c.authorizationCode(ctx)
	default:
		s, err = c.passwordLogin(ctx)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.csrf = c.session.csrf // stays valid across a renewal
	c.session = s
	return nil
}

func (c *Client) passwordLogin(ctx context.Context) (session, error) {
	provider := c.config.Login.Provider
	if provider == "" {
		provider = "db"
	}
	tokens, err := c.tokens(ctx, "/api/v1/security/login", "", map[string]any{
		"username": c.config.Login.Username, "password": c.config.Login.Password, "provider": provider, "refresh": true,
	})
	if err == nil {
		return tokens, nil
	}
	var answer *httpclient.Error
	hint := "is the address right, and does the server answer?"
	if errors.As(err, &answer) {
		switch answer.Status {
		case http.StatusUnauthorized:
			hint = "check username and password; a site with single sign-on needs a local user for the API"
		case http.StatusBadRequest:
			hint = `the server does not log in by the provider "` + provider + `": set login.provider to db or ldap as its AUTH_TYPE; for OAuth see docs/asset-sync.md`
		}
		return session{}, change.Failf(change.KindConfiguration, "log in to %s as %q: %w", c.config.Name, c.config.Login.Username, err).WithHint("%s", hint)
	}
	if errors.Is(err, errPage) {
		return session{}, change.Failf(change.KindConfiguration, "log in to %s: what answers is not Superset's API", c.config.Name).
			WithHint("check the address, and whether a proxy or single sign-on page stands in front of it")
	}
	return session{}, c.failure(err, request{method: http.MethodPost, path: "/api/v1/security/login"})
}

func (c *Client) tokens(ctx context.Context, path, bearer string, in any) (session, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return session{}, err
	}
	text, err := c.send(ctx, request{method: http.MethodPost, path: path, body: body, contentType: "application/json", accept: "application/json", login: true, bearer: bearer})
	c.written.Add(-1) // a login is no write
	if err != nil {
		return session{}, err
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Access == "" {
		return session{}, errPage
	}
	return session{access: answer.Access, refresh: answer.Refresh}, nil
}

// renewable says that an error was an expired login or a lost CSRF token, and
// that a new one has been got, here or by another request meanwhile: the
// request was not done and may be sent again.
func (c *Client) renewable(ctx context.Context, err error, with session) bool {
	var answer *httpclient.Error
	if !errors.As(err, &answer) {
		return false
	}
	c.entering.Lock()
	defer c.entering.Unlock()
	text, now := strings.ToLower(string(answer.Body)), c.current()
	switch {
	case expired(err) && c.config.Login.Kind != LoginToken:
		return now.access != with.access || c.renew(ctx) == nil
	case answer.Status == http.StatusBadRequest && strings.Contains(text, "csrf"), answer.Status == http.StatusFound && strings.HasPrefix(answer.Text, "redirected"):
		return c.fetchCSRF(ctx) == nil
	}
	return false
}

func expired(err error) bool {
	var answer *httpclient.Error
	return errors.As(err, &answer) && answer.Status == http.StatusUnauthorized
}

// renew takes the refresh token while it is valid, else logs in again.
func (c *Client) renew(ctx context.Context) error {
	c.mu.Lock()
	refresh := c.session.refresh
	c.mu.Unlock()
	if refresh != "" {
		if s, err := c.refreshed(ctx, refresh); err == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.session.access, c.session.refresh = s.access, s.refresh
			return nil
		}
	}
	c.mu.Lock()
	c.session.access, c.session.refresh = "", ""
	c.mu.Unlock()
	return c.login(ctx)
}

func (c *Client) refreshed(ctx context.Context, refresh string) (session, error) {
	if kind := c.config.Login.Kind; kind == LoginClient || kind == LoginPKCE {
		return c.refreshAtIssuer(ctx, refresh)
	}
	s, err := c.tokens(ctx, "/api/v1/security/refresh", refresh, map[string]any{})
	s.refresh = refresh // Superset gives no other
	return s, err
}
