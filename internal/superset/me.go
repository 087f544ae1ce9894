package superset

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
)

// Me is the account.
type Me struct {
	ID       int // 0: nobody says
	Username string
	Admin    bool
	Unsure   bool                       // the server does not say whether it is an administrator
	Rights   map[string]map[string]bool // view → permissions, as "Chart" → "can_write"; nil where the server does not say
}

// May says that the account has a right.
func (m Me) May(permission, view string) bool { return m.Admin || m.Rights[view][permission] }

func (m *Me) allow(view, permission string) {
	if m.Rights == nil {
		m.Rights = map[string]map[string]bool{}
	}
	if m.Rights[view] == nil {
		m.Rights[view] = map[string]bool{}
	}
	m.Rights[view][permission] = true
}

// Me asks who the account is and what it may. Servers before 6.0 do not answer
// that to a token: there its id is looked for elsewhere, its roles where it may
// see accounts, and its rights on each kind.
func (c *Client) Me(ctx context.Context) (me Me, err error) {
	var who struct {
		Result struct {
			ID       int
			Username string
		}
	}
	var roles struct {
		Result struct {
			Roles map[string][][2]string
		}
	}
	if err = c.Get(ctx, "/api/v1/me/", "", &who); err == nil {
		err = c.Get(ctx, "/api/v1/me/roles/", "", &roles)
	}
	switch {
	case err == nil:
	case withheld(err) && c.current().access != "":
		return c.meElsewhere(ctx)
	default:
		return Me{}, fmt.Errorf("ask who the account is: %w", err)
	}
	me.ID, me.Username = who.Result.ID, who.Result.Username
	for role, rights := range roles.Result.Roles {
		me.Admin = me.Admin || role == "Admin"
		for _, right := range rights {
			me.allow(right[1], right[0])
		}
	}
	return me, nil
}

// withheld says that the server does not tell this to the account, as far as
// it is no fault of the server.
func withheld(err error) bool {
	return errors.Is(err, ErrNotFound) || change.AsFailure(err).Kind == change.KindConfiguration
}

// meElsewhere is what can be found out without the question that is meant for it.
func (c *Client) meElsewhere(ctx context.Context) (me Me, err error) {
	if me.ID, err = c.ownID(ctx); err != nil || me.ID == 0 {
		return me, err
	}
	me.Username = c.config.Login.Username
	for _, kind := range []assets.Kind{assets.Dataset, assets.Chart, assets.Dashboard} {
		var info struct{ Permissions []string }
		if err := c.Get(ctx, "/api/v1/"+string(kind)+"/_info", "q="+url.QueryEscape("(keys:!(permissions))"), &info); err != nil && !withheld(err) {
			return me, err
		}
		for _, permission := range info.Permissions {
			me.allow(strings.ToUpper(string(kind[:1]))+string(kind[1:]), permission)
		}
	}
	me.Admin, me.Unsure, err = c.isAdmin(ctx, me.ID)
	return me, err
}

// ownID stands in the token that the server gave for a password. Another token
// may be another server's: then the configuration may say whose it is.
func (c *Client) ownID(ctx context.Context) (int, error) {
	address := c.config.Login.Username
	switch c.config.Login.Kind {
	case LoginPassword, "":
		id, _ := strconv.Atoi(c.claims().Subject)
		return id, nil
	}
	if address == "" {
		return 0, nil
	}
	accounts, err := c.Accounts(ctx)
	for id, known := range accounts {
		if known == strings.ToLower(address) {
			return id, nil
		}
	}
	if err == nil {
		err = change.Failf(change.KindConfiguration, "%s has no account with the e-mail address %q", c.config.Name, address).WithHint("set login.username to that of the account whose token it is")
	}
	return 0, err
}

// isAdmin asks for the account's roles, which administrators alone may see.
func (c *Client) isAdmin(ctx context.Context, id int) (admin, unsure bool, err error) {
	var user struct {
		Result struct {
			Roles []struct{ Name string }
		}
	}
	err = c.Get(ctx, fmt.Sprintf("/api/v1/security/users/%d", id), "", &user)
	for _, role := range user.Result.Roles {
		admin = admin || role.Name == "Admin"
	}
	switch {
	case errors.Is(err, ErrNotFound): // the server does not show accounts
		return false, true, nil
	case err != nil && withheld(err): // 403
		return false, false, nil
	}
	return admin, false, err
}

// claims are what a token of Superset says.
type claims struct {
	At      int64
	Subject string
}

// claims are empty where the token is not of the server's own making.
func (c *Client) claims() (found claims) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, rest, _ := strings.Cut(c.session.access, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	var read struct {
		At      int64           `json:"iat"`
		Subject json.RawMessage `json:"sub"` // a number before Flask-JWT-Extended 4.7
	}
	if kind := c.config.Login.Kind; err == nil && (kind == LoginPassword || kind == "") && json.Unmarshal(text, &read) == nil {
		found = claims{read.At, strings.Trim(string(read.Subject), `"`)}
	}
	return found
}

// Ahead is how much the server's clock is before this machine's, to the second,
// right after a login: by when it wrote its token, else by its latest answer,
// which a proxy may have dated.
func (c *Client) Ahead() time.Duration {
	if at := c.claims().At; at != 0 {
		return time.Until(time.Unix(at, 0))
	}
	return time.Duration(c.ahead.Load())
}

// page is one that everybody may see; Superset tells its set-up in each.
func (c *Client) page(ctx context.Context) (string, error) {
	text, err := c.do(ctx, request{method: http.MethodGet, path: "/login/", accept: "text/html"})
	return html.UnescapeString(string(text)), err
}

// inPage is the release in the data that pages of servers before 6.0 carry.
var inPage = regexp.MustCompile(`"version_string": ?"([^"]*)"`)

// Version asks for the release; the zero value where the server does not say.
func (c *Client) Version(ctx context.Context) (assets.Version, string) {
	var answer struct {
		Version string `json:"version_string"`
	}
	if err := c.Get(ctx, "/version", "", &answer); err != nil {
		page, err := c.page(ctx)
		if found := inPage.FindStringSubmatch(page); err == nil && found != nil {
			answer.Version = found[1]
		}
	}
	return assets.ParseVersion(answer.Version), answer.Version
}
