package superset

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// related is one of the accounts or roles that the server offers for an asset.
type related struct {
	Text  string
	Value int
	Extra struct{ Email string }
}

// Roles lists the roles that a dashboard may be given, by name.
func (c *Client) Roles(ctx context.Context) (map[string]int, error) {
	all, err := c.related(ctx, "roles")
	roles := map[string]int{}
	for _, r := range all {
		roles[r.Text] = r.Value
	}
	return roles, err
}

// Accounts lists the accounts that may own an asset: id → e-mail address, in
// lower case; "" where the server does not tell it.
func (c *Client) Accounts(ctx context.Context) (map[int]string, error) {
	all, err := c.related(ctx, "owners")
	accounts := map[int]string{}
	for _, r := range all {
		accounts[r.Value] = strings.ToLower(r.Extra.Email)
	}
	return accounts, err
}

func (c *Client) related(ctx context.Context, column string) (all []related, err error) {
	for page := 0; ; page++ {
		var answer struct {
			Count  int
			Result []related
		}
		q := fmt.Sprintf("(page:%d,page_size:%d)", page, PageSize)
		if err := c.Get(ctx, "/api/v1/dashboard/related/"+column, "q="+url.QueryEscape(q), &answer); err != nil {
			return nil, fmt.Errorf("list the %s: %w", column, err)
		}
		all = append(all, answer.Result...)
		if len(answer.Result) == 0 || len(all) >= answer.Count {
			return all, nil
		}
	}
}

// HasTags says whether the server keeps tags: its feature TAGGING_SYSTEM, which
// its pages name. One that does not say is taken to.
func (c *Client) HasTags(ctx context.Context) bool {
	page, err := c.page(ctx)
	return err != nil || !tagsOff.MatchString(page)
}

var tagsOff = regexp.MustCompile(`"TAGGING_SYSTEM": ?false`)
