package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/oauth2"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// provider is a real OpenID provider with a client of ours and two users: of
// those the first is a developer.
type provider struct {
	*testing.T
	issuer string
	users  *users
	faults *lab.FaultProxy // in front of it
}

const (
	audience = "patchbay"
	callback = "http://localhost:9999/auth/callback"
)

// users is the provider's storage, which also gives roles as Keycloak does.
type users struct{ *storage.Storage }

func (u *users) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	if err := u.Storage.SetUserinfoFromRequest(ctx, info, request, scopes); err != nil {
		return err
	}
	roles := []string{"visitor"}
	if request.GetSubject() == "id1" {
		roles = append(roles, "developer")
	}
	info.AppendClaims("realm_access", map[string]any{"roles": roles})
	return nil
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // the provider logs there
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	faults := lab.NewFaultProxy(t, "http://"+listener.Addr().String())
	issuer := faults.URL + "/"
	client := storage.NativeClient(audience, callback)
	p := &provider{t, issuer, &users{storage.NewStorageWithClients(storage.NewUserStore(issuer), map[string]*storage.Client{audience: client})}, faults}
	server := httptest.NewUnstartedServer(exampleop.SetupServer(issuer, p.users, nil, false))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// login walks a user through the provider's own pages: discovery, PKCE, the
// form, the code for a token.
func (p *provider) login(username string) string {
	p.Helper()
	verifier := oauth2.GenerateVerifier()
	config := oauth2.Config{
		ClientID: audience, RedirectURL: callback, Scopes: []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: p.issuer + "auth", TokenURL: p.issuer + "oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	jar, err := cookiejar.New(nil)
	p.must(err)
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	form, err := browser.Get(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	p.must(err)
	form.Body.Close()
	done, err := browser.PostForm(p.issuer+"login/username", url.Values{
		"username": {username}, "password": {"verysecure"}, "id": {form.Request.URL.Query().Get("authRequestID")},
	})
	p.must(err)
	done.Body.Close()
	back, err := done.Location()
	p.must(err)
	if _, err := config.Exchange(p.Context(), back.Query().Get("code")); err == nil {
		p.Error("a code was exchanged without PKCE's verifier")
	}
	token, err := config.Exchange(p.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	p.must(err)
	raw, _ := token.Extra("id_token").(string)
	if strings.Count(raw, ".") != 2 {
		p.Fatalf("no token: %v", token)
	}
	return raw
}

func (p *provider) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// sign makes a token with the provider's own key, or with another one that
// claims to be it.
func (p *provider) sign(claims map[string]any, otherKey bool) string {
	p.Helper()
	signing, err := p.users.SigningKey(p.Context())
	p.must(err)
	key := signing.Key()
	if otherKey {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
		p.must(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: signing.ID()}}, nil)
	p.must(err)
	payload, err := json.Marshal(p.claims(claims))
	p.must(err)
	signed, err := signer.Sign(payload)
	p.must(err)
	text, err := signed.CompactSerialize()
	p.must(err)
	return text
}

// claims are those of a good token, with others in their place.
func (p *provider) claims(changed map[string]any) map[string]any {
	all := map[string]any{
		"iss": p.issuer, "aud": audience, "sub": "id1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"preferred_username": "олена\nforged", "realm_access": map[string]any{"roles": []string{"developer"}},
	}
	for name, value := range changed {
		all[name] = value
	}
	return all
}

// unsigned is a token of the algorithm "none".
func (p *provider) unsigned() string {
	p.Helper()
	payload, err := json.Marshal(p.claims(nil))
	p.must(err)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + "."
}
