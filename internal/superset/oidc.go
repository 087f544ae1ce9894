package superset

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/httpclient"
)

// issuer is what an OpenID Connect issuer says of itself, see OpenID Connect
// Discovery 1.0. Its tokens are sent to Superset as they are.
type issuer struct {
	Authorize string `json:"authorization_endpoint"`
	Token     string `json:"token_endpoint"`

	client *http.Client
}

func (c *Client) issuer(ctx context.Context) (*issuer, error) {
	i := &issuer{client: httpclient.New(httpclient.Config{UserAgent: c.config.UserAgent})}
	address := strings.TrimRight(c.config.Login.Issuer, "/") + "/.well-known/openid-configuration"
	text, err := i.call(ctx, http.MethodGet, address, nil)
	if err == nil {
		err = json.Unmarshal(text, i)
	}
	if err != nil || !webAddress(i.Token) {
		return nil, change.Failf(change.KindConfiguration, "%s: the issuer does not say where its tokens are: %v", c.config.Name, err).
			WithHint("check login.issuer: below it /.well-known/openid-configuration is read")
	}
	return i, nil
}

func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func (i *issuer) call(ctx context.Context, method, address string, form url.Values) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := i.client.Do(request)
	if err != nil {
		return nil, httpclient.Plain(err)
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// token exchanges a grant for an access token, and one to renew it where the
// issuer gives such.
func (i *issuer) token(ctx context.Context, name string, form url.Values) (session, error) {
	text, err := i.call(ctx, http.MethodPost, i.Token, form)
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil || answer.Access == "" {
		return session{}, change.Failf(change.KindConfiguration, "log in to %s: the issuer gives no token: %v", name, err).
			WithHint("check client and secret, and that the issuer allows this client the grant")
	}
	return session{access: answer.Access, refresh: answer.Refresh}, nil
}

// refreshAtIssuer renews the login without asking anybody: RFC 6749, section 6.
func (c *Client) refreshAtIssuer(ctx context.Context, refresh string) (session, error) {
	i, err := c.issuer(ctx)
	if err != nil {
		return session{}, err
	}
	l := c.config.Login
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {l.ClientID}}
	if l.Secret != "" {
		form.Set("client_secret", l.Secret)
	}
	s, err := i.token(ctx, c.config.Name, form)
	if s.refresh == "" {
		s.refresh = refresh // it stays the same unless the issuer says otherwise
	}
	return s, err
}

// clientCredentials is the grant for pipelines, RFC 6749, section 4.4.
func (c *Client) clientCredentials(ctx context.Context) (session, error) {
	i, err := c.issuer(ctx)
	if err != nil {
		return session{}, err
	}
	l := c.config.Login
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {l.ClientID}, "client_secret": {l.Secret}}
	if len(l.Scopes) > 0 {
		form.Set("scope", strings.Join(l.Scopes, " "))
	}
	return i.token(ctx, c.config.Name, form)
}

// patience is how long a person has to log in.
const patience = 5 * time.Minute

// authorizationCode is the grant for people: RFC 6749, section 4.1, with PKCE
// (RFC 7636) and a redirect to this machine (RFC 8252, section 7.3).
func (c *Client) authorizationCode(ctx context.Context) (session, error) {
	i, err := c.issuer(ctx)
	if err != nil {
		return session{}, err
	}
	if !webAddress(i.Authorize) {
		return session{}, change.Failf(change.KindConfiguration, "log in to %s: the issuer has no page to log in at", c.config.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	callback, err := listen(ctx)
	if err != nil {
		return session{}, err
	}
	defer callback.close()
	verifier := rand.Text() + rand.Text()
	code, err := callback.wait(ctx, func() { c.show(i.page(c.config.Login, callback, verifier)) })
	if err != nil {
		return session{}, change.Failf(change.KindConfiguration, "log in to %s: %w", c.config.Name, err)
	}
	return i.token(ctx, c.config.Name, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.config.Login.ClientID}, "code": {code},
		"redirect_uri": {callback.address}, "code_verifier": {verifier},
	})
}

func (c *Client) show(address string) {
	if c.config.Show != nil {
		c.config.Show(address)
	}
}

// page is the address at which a person logs in.
func (i *issuer) page(l Login, callback *callback, verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	scopes := l.Scopes
	if len(scopes) == 0 {
		scopes = []string{"openid"}
	}
	query := url.Values{
		"response_type": {"code"}, "client_id": {l.ClientID}, "redirect_uri": {callback.address}, "scope": {strings.Join(scopes, " ")},
		"state": {callback.state}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	separator := "?"
	if strings.Contains(i.Authorize, "?") {
		separator = "&"
	}
	return i.Authorize + separator + query.Encode()
}

// callback waits on this machine for the browser to come back.
type callback struct {
	address, state string
	server         *http.Server
	came           chan url.Values
}

func listen(ctx context.Context) (*callback, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	b := &callback{address: "http://" + listener.Addr().String() + "/callback", state: rand.Text(), came: make(chan url.Values, 1)}
	b.server = &http.Server{Handler: http.HandlerFunc(b.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

func (b *callback) close() { _ = b.server.Close() }

// serve takes the one answer that has our state; others are nobody's.
func (b *callback) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path != "/callback" || r.URL.Query().Get("state") != b.state {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, "This is not the answer that asset-sync waits for.")
		return
	}
	select {
	case b.came <- r.URL.Query():
	default:
	}
	fmt.Fprintln(w, "You may close this page and go back to the terminal.")
}

func (b *callback) wait(ctx context.Context, show func()) (code string, err error) {
	show()
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("nobody logged in: %w", ctx.Err())
	case answer := <-b.came:
		if code = answer.Get("code"); code == "" {
			return "", fmt.Errorf("the issuer refused: %s", change.OneLine(answer.Get("error")+" "+answer.Get("error_description")))
		}
		return code, nil
	}
}
