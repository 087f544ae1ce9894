package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/patchbay-ci/patchbay/internal/versions"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// Token says which tokens are taken.
type Token struct {
	Issuer    string // the provider's URL
	Audience  string // that the token is for
	RoleClaim string // "realm_access.roles": where the roles stand
	Role      string // that is wanted
}

func (t Token) faults() (faults []error) {
	if u, err := url.Parse(t.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		faults = append(faults, errors.New("--oidc-issuer: want the URL of the OpenID provider"))
	}
	for flag, value := range map[string]string{"--oidc-audience": t.Audience, "--oidc-role-claim": t.RoleClaim, "--oidc-role": t.Role} {
		if value == "" {
			faults = append(faults, fmt.Errorf("%s is missing", flag))
		}
	}
	return faults
}

// verifier checks tokens against the keys that the provider publishes.
type verifier struct {
	t   Token
	ctx context.Context // of the keys, which are asked for again when they change

	mu     sync.Mutex
	found  *oidc.IDTokenVerifier
	tried  time.Time
	reason error
}

func newVerifier(ctx context.Context, t Token, client *http.Client) *verifier {
	return &verifier{t: t, ctx: oidc.ClientContext(ctx, client)}
}

// pause between two tries to find a provider that does not answer.
const pause = 2 * time.Second

// verifier finds the provider when it is first needed: it may be down when we
// start, and when it comes back we need no restart.
func (v *verifier) verifier() (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.found != nil || time.Since(v.tried) < pause {
		return v.found, v.reason
	}
	provider, err := oidc.NewProvider(v.ctx, v.t.Issuer)
	var published struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err == nil {
		err = provider.Claims(&published)
	}
	v.tried, v.reason = time.Now(), err
	if err == nil {
		secret := func(algorithm string) bool { return algorithm == "none" || strings.HasPrefix(algorithm, "HS") } // nothing that a published key could check
		config := &oidc.Config{ClientID: v.t.Audience, SupportedSigningAlgs: slices.DeleteFunc(published.Algorithms, secret)}
		v.found = oidc.NewVerifier(v.t.Issuer, keys{oidc.NewRemoteKeySet(v.ctx, published.Keys)}, config)
	}
	return v.found, v.reason
}

// keys are those that the provider publishes. That they cannot be fetched is
// noted where the context says: the library takes it for a bad signature.
type keys struct{ *oidc.RemoteKeySet }

type notFetched struct{}

// VerifySignature checks the signature by them.
func (k keys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, jwt)
	if note, _ := ctx.Value(notFetched{}).(*error); note != nil {
		*note = errors.Unwrap(err) // a bad signature wraps nothing
	}
	return payload, err
}

// tokenOf is the token that a request carries, as programs send it or as the
// platform's clients do.
func tokenOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && token != "" {
		return strings.TrimSpace(token)
	}
	return r.Header.Get("X-Access-Token")
}

func (v *verifier) who(r *http.Request) (user string, refused *versions.Fault) {
	raw := tokenOf(r)
	if raw == "" {
		return "", versions.Refused(http.StatusUnauthorized, api.CodeUnauthorized, "a token is needed: Authorization: Bearer …, or X-Access-Token", nil)
	}
	checker, err := v.verifier()
	if err != nil {
		return "", providerAway(err)
	}
	var away error
	token, err := checker.Verify(context.WithValue(r.Context(), notFetched{}, &away), raw)
	if away != nil {
		return "", providerAway(away)
	}
	if err != nil {
		return "", versions.Refused(http.StatusUnauthorized, api.CodeUnauthorized, whyNot(err), err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return "", versions.Refused(http.StatusUnauthorized, api.CodeUnauthorized, "the token cannot be read", err)
	}
	if !slices.Contains(rolesAt(claims, v.t.RoleClaim), v.t.Role) {
		return "", versions.Refused(http.StatusForbidden, api.CodeForbidden, fmt.Sprintf("the token lacks the role %q in %s", v.t.Role, v.t.RoleClaim), nil)
	}
	return named(claims, token.Subject), nil
}

func providerAway(err error) *versions.Fault {
	return versions.Refused(http.StatusServiceUnavailable, api.CodeBusy, "the OpenID provider cannot be asked", err)
}

func whyNot(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "the token has expired"
	}
	return "the token is not one of this issuer for this audience"
}

// rolesAt finds the roles: a list, or words in one text. A claim whose own
// name has dots goes first.
func rolesAt(claims map[string]any, path string) []string {
	if value, there := claims[path]; there {
		return words(value)
	}
	name, rest, nested := strings.Cut(path, ".")
	if inner, ok := claims[name].(map[string]any); ok && nested {
		return rolesAt(inner, rest)
	}
	return nil
}

func words(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				all = append(all, text)
			}
		}
	case json.Number, bool, nil:
	}
	return all
}

func named(claims map[string]any, subject string) string {
	if name, ok := claims["preferred_username"].(string); ok && name != "" {
		return name
	}
	return subject
}
