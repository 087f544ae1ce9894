package assets

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// People are the accounts and roles of one environment. Between environments
// an account is known by its e-mail address, a role by its name.
type People struct {
	Me       int            // the account that syncs: every import makes it an owner, so it counts as none
	Accounts map[int]string // id → e-mail address in lower case, "" where the server does not tell it
	Roles    map[string]int // name → id
}

// Owners gives the addresses of accounts, sorted.
func (p *People) Owners(ids []int) []string {
	var addresses []string
	for _, id := range ids {
		if address := p.Accounts[id]; address != "" && id != p.Me {
			addresses = append(addresses, address)
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

// OwnerIDs gives the accounts that shall own an asset: those of the addresses,
// beside what the present owners have of accounts without one. The account
// that syncs is one where there is no other, or where the server would not let
// it out.
func (p *People) OwnerIDs(addresses []string, present []int, admin bool) []int {
	ids := []int{}
	for _, id := range slices.Sorted(maps.Keys(p.Accounts)) {
		if address := p.Accounts[id]; address != "" && slices.Contains(addresses, address) {
			ids = append(ids, id)
		}
	}
	for _, id := range present {
		if p.Accounts[id] == "" && id != p.Me {
			ids = append(ids, id)
		}
	}
	if p.Me != 0 && (len(ids) == 0 || !admin) {
		ids = append(ids, p.Me)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// RoleIDs gives the ids of roles.
func (p *People) RoleIDs(names []string) []int {
	ids := []int{}
	for _, name := range names {
		if id, known := p.Roles[name]; known {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (p *People) knowsOwner(address string) bool {
	for _, known := range p.Accounts {
		if known != "" && strings.EqualFold(known, address) {
			return true
		}
	}
	return false
}

func (p *People) knowsRole(name string) bool {
	_, known := p.Roles[name]
	return known
}

// Owners are the addresses of the asset's owners, as far as it says.
func (a *Asset) Owners() []string { return textsOf(a.Doc.Get("owners")) }

// Roles are the names of the roles that a dashboard is shown to.
func (a *Asset) Roles() []string { return textsOf(a.Doc.Get("roles")) }

// SetPeople puts owners, and for a dashboard roles, into the document.
func (a *Asset) SetPeople(owners, roles []string) {
	var lower []string
	for _, address := range owners {
		lower = append(lower, strings.ToLower(address))
	}
	slices.Sort(lower)
	a.Doc.Set("owners", document.Texts(slices.Compact(lower)...))
	if a.Kind == Dashboard {
		a.Doc.Set("roles", document.Texts(slices.Sorted(slices.Values(roles))...))
	}
	a.Doc = ordered(a.Doc)
}

// WithoutPeople takes owners and roles out of a whole collection.
func WithoutPeople(s *Set) {
	for _, a := range s.All() {
		a.Doc.Delete("owners", "roles")
	}
}

// FitPeople makes the owners and roles that a source names such as the target
// can have. Whom the target does not know is left out and told; where nothing
// is said, or of several people nobody is known, the target's stay.
func FitPeople(source, target *Set, to *People) (notes []string) {
	for _, a := range source.All() {
		if a.Kind == Database {
			continue
		}
		var there *Asset
		if there = target.Get(a.Key()); there == nil {
			there = &Asset{Doc: document.NewMap()}
		}
		fitted := &Asset{Kind: a.Kind, UUID: a.UUID, Doc: a.Doc.Copy(), Unresolved: a.Unresolved, Elsewhere: a.Elsewhere}
		owners, strangers := fit(a.Doc.Get("owners"), there.Owners(), to.knowsOwner)
		roles, strange := fit(a.Doc.Get("roles"), there.Roles(), to.knowsRole)
		fitted.SetPeople(owners, roles)
		source.Add(fitted)
		for _, address := range strangers {
			notes = append(notes, fmt.Sprintf("%s: its owner %s is not known there", a, address))
		}
		for _, name := range strange {
			notes = append(notes, fmt.Sprintf("%s: its role %q is not known there", a, name))
		}
	}
	return notes
}

func fit(wanted *document.Value, there []string, known func(string) bool) (kept, strangers []string) {
	if wanted == nil {
		return there, nil
	}
	for _, text := range textsOf(wanted) {
		if known(text) {
			kept = append(kept, text)
		} else {
			strangers = append(strangers, text)
		}
	}
	if len(kept) == 0 && len(strangers) > 0 {
		kept = there
	}
	return kept, strangers
}
