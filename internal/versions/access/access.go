// Package access decides who may look at versions: anybody on this machine,
// whoever has a token of an OpenID provider, whoever comes through a reverse
// proxy that is named; and which other sites' scripts may.
package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/rs/cors"

	"github.com/patchbay-ci/patchbay/internal/versions"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// The ways of being let in.
const (
	ByToken = "oidc"
	ByProxy = "proxy"
)

// Config says who may look. Without ways, everybody who asks this machine by
// one of its own names.
type Config struct {
	Ways      []string // ByToken, ByProxy: any of them does
	Token     Token
	Proxies   []string // addresses or networks that the proxies ask from
	UserField string   // the header in which a proxy names the user
	Origins   []string // sites whose scripts may ask: https://portal.example.org
}

// Faults lists what is missing or malformed.
func (c Config) Faults() (faults []error) {
	for _, way := range c.Ways {
		if way != ByToken && way != ByProxy {
			faults = append(faults, fmt.Errorf("--auth %q: want oidc or proxy", way))
		}
	}
	if slices.Contains(c.Ways, ByToken) {
		faults = append(faults, c.Token.faults()...)
	}
	if slices.Contains(c.Ways, ByProxy) && len(c.Proxies) == 0 {
		faults = append(faults, errors.New("--proxy is missing: the address that the reverse proxy asks from"))
	}
	for _, proxy := range c.Proxies {
		if _, err := prefix(proxy); err != nil {
			faults = append(faults, fmt.Errorf("--proxy %q: want an address or a network, for example 10.1.2.3 or 10.1.0.0/16", proxy))
		}
	}
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.String() != u.Scheme+"://"+u.Host || strings.Contains(origin, "*") {
			faults = append(faults, fmt.Errorf("--cors-origin %q: want scheme and host, for example https://portal.example.org", origin))
		}
	}
	return faults
}

func prefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return address.Unmap().Prefix(address.Unmap().BitLen())
}

// Access lets in or answers itself.
type Access struct {
	c       Config
	token   *verifier
	proxies []netip.Prefix
}

// New makes an access of a config without faults. Nobody is asked yet: the
// provider is, when the first token comes. The context is for as long as the
// access is used.
func New(ctx context.Context, c Config, client *http.Client) *Access {
	a := &Access{c: c, token: newVerifier(ctx, c.Token, client)}
	for _, proxy := range c.Proxies {
		if p, err := prefix(proxy); err == nil { // Faults has told the others
			a.proxies = append(a.proxies, p)
		}
	}
	return a
}

// Guard stands in front of a handler. Whoever only asks whether the server is
// alive and ready needs no right.
func (a *Access) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		user, refused := a.who(r)
		if refused != nil {
			if refused.GetStatus() == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", challenge(r))
			}
			versions.AnswerFault(w, r, refused)
			return
		}
		versions.LetIn(r.Context(), user)
		next.ServeHTTP(w, r)
	})
}

func challenge(r *http.Request) string {
	if tokenOf(r) == "" {
		return "Bearer"
	}
	return `Bearer error="invalid_token"`
}

// who is let in; the first way that knows the caller decides.
func (a *Access) who(r *http.Request) (user string, refused *versions.Fault) {
	if len(a.c.Ways) == 0 {
		return "", ownName(r)
	}
	byProxy := slices.Contains(a.c.Ways, ByProxy)
	if byProxy && a.fromProxy(r) {
		if user := r.Header.Get(a.c.UserField); user != "" {
			return user, nil
		}
	}
	switch {
	case slices.Contains(a.c.Ways, ByToken):
		return a.token.who(r)
	case a.fromProxy(r):
		return "", versions.Refused(http.StatusUnauthorized, api.CodeUnauthorized, "the proxy names no user in "+a.c.UserField, nil)
	}
	return "", versions.Refused(http.StatusForbidden, api.CodeForbidden, "only the reverse proxy may ask", nil)
}

func (a *Access) fromProxy(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(remote.Addr().Unmap()) })
}

// ownName refuses requests that a foreign page makes by a name of its own that
// it lets point here (DNS rebinding): then the name is not one of ours.
func ownName(r *http.Request) *versions.Fault {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback() {
		return nil
	}
	return versions.Refused(http.StatusForbidden, api.CodeForbidden, "without --auth only this machine's own names are answered: localhost, 127.0.0.1", nil)
}

// Sites lets scripts of the named sites ask; all others stay shut out.
func (a *Access) Sites(next http.Handler) http.Handler {
	if len(a.c.Origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: a.c.Origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead},
		AllowedHeaders: []string{"Authorization", "X-Access-Token", "If-None-Match", "Traceparent"},
		ExposedHeaders: []string{"ETag", api.HeaderRevision, api.HeaderPatchset, api.HeaderDatabase},
		MaxAge:         600,
	}).Handler(next)
}
