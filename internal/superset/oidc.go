package superset

import (
	"context"

	"github.com/patchbay-ci/patchbay/internal/change"
)

func (c *Client) clientCredentials(context.Context) (string, error) {
	return "", change.Failf(change.KindConfiguration, "login %s is not there yet", c.config.Login.Kind)
}

func (c *Client) authorizationCode(context.Context) (string, error) {
	return "", change.Failf(change.KindConfiguration, "login %s is not there yet", c.config.Login.Kind)
}
