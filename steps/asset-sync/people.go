package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// readPeople reads the accounts and roles of an environment.
func readPeople(ctx context.Context, client *superset.Client, me int) (*assets.People, error) {
	accounts, err := client.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	known := false
	for _, address := range accounts {
		known = known || address != ""
	}
	if !known {
		return nil, change.Failf(change.KindConfiguration, "%s does not tell the e-mail addresses of its accounts", client.Name()).WithHint("set owners: keep")
	}
	roles, err := client.Roles(ctx)
	return &assets.People{Me: me, Accounts: accounts, Roles: roles}, err
}

// fitPeople prepares the source's owners and roles for the target.
func (y *synchronisation) fitPeople() {
	if y.to.people == nil {
		return
	}
	for _, note := range assets.FitPeople(y.source, y.to.set, y.to.people) {
		y.note("%s", note)
	}
}

// people gives what was written its owners and roles: no import takes them,
// and each adds the account to the owners.
func (w *writer) people(ctx context.Context) {
	if w.to.people == nil {
		return
	}
	for key, a := range w.wanted {
		row, there := w.to.rows[key]
		if !w.done[key] || !there || key.Kind == assets.Database || w.stopped(ctx) {
			continue
		}
		body := w.to.peopleOf(a, row)
		if len(body) == 0 {
			continue
		}
		if err := w.to.client.Send(context.WithoutCancel(ctx), http.MethodPut, fmt.Sprintf("/api/v1/%s/%d", key.Kind, row.ID), body, nil); err != nil {
			w.fail(key, "its owners: %v", err)
		}
	}
}

// peopleOf is what must be written for an asset's owners and roles; nothing
// where they are right.
func (t *site) peopleOf(a *assets.Asset, row superset.Row) map[string]any {
	body := map[string]any{}
	present := idsOf(row.Owners)
	if owners := t.people.OwnerIDs(a.Owners(), present, t.me.Admin); !slices.Equal(owners, slices.Sorted(slices.Values(present))) {
		body["owners"] = owners
	}
	if roles := t.people.RoleIDs(a.Roles()); a.Kind == assets.Dashboard && !slices.Equal(roles, t.people.RoleIDs(row.Roles)) {
		body["roles"] = roles
	}
	return body
}

func idsOf(users []superset.User) (ids []int) {
	for _, user := range users {
		ids = append(ids, user.ID)
	}
	return ids
}
