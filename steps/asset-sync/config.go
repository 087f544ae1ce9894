package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// file is asset-sync.yaml.
type file struct {
	Environments map[string]environment       `yaml:"environments"`
	Databases    map[string]map[string]string `yaml:"databases"` // logical name → environment → database name or UUID; create, uri, password for a new one
	Owners       string                       `yaml:"owners"`    // ownersKeep or ownersMap
	Select       selection                    `yaml:"select"`
	Secrets      struct {
		Allow []string `yaml:"allow"` // places that the secret scan must not stop at
	} `yaml:"secrets"`
}

type selection struct {
	Kinds     []string `yaml:"kinds"`
	Titles    []string `yaml:"titles"`
	Tags      []string `yaml:"tags"`
	UUIDs     []string `yaml:"uuids"`
	Slugs     []string `yaml:"slugs"`
	Published bool     `yaml:"published"`
	Ignore    []string `yaml:"ignore"`
}

type environment struct {
	URL       string            `yaml:"url"`
	Login     login             `yaml:"login"`
	Protected bool              `yaml:"protected"`
	Headers   map[string]string `yaml:"headers"`
	Cookies   map[string]string `yaml:"cookies"`

	name string
}

type login struct {
	Kind     string   `yaml:"kind"`
	Username string   `yaml:"username"`
	Password string   `yaml:"password"`
	Provider string   `yaml:"provider"`
	Token    string   `yaml:"token"`
	Issuer   string   `yaml:"issuer"`
	Client   string   `yaml:"client"`
	Secret   string   `yaml:"secret"`
	Scopes   []string `yaml:"scopes"`
}

// What a sync does with owners, and with the roles that see a dashboard.
const (
	ownersKeep = "keep" // the target has its own
	ownersMap  = "map"  // the target gets the source's: accounts by e-mail address, roles by name
)

// newDatabase says how a database is made that the target has not.
type newDatabase struct{ URI, Password string }

// The keys of a database's entry that name no environment.
const keyCreate, keyURI, keyPassword = "create", "uri", "password"

// configuration is the file with all references resolved.
type configuration struct {
	file
	create map[string]newDatabase // by logical name
}

func (c *configuration) resolve(r *resolver) {
	for name, e := range c.Environments {
		e.name = name
		e.resolve(r, "environments."+name)
		c.Environments[name] = e
	}
	for logical, entry := range c.Databases {
		where := "databases." + logical
		if entry[keyCreate] == "true" {
			c.create[logical] = newDatabase{r.connection(where+".uri", entry[keyURI]), r.secret(where+".password", entry[keyPassword])}
		} else if entry[keyCreate] != "" && entry[keyCreate] != "false" {
			r.fault("%s.create: true or false, not %q", where, entry[keyCreate])
		}
		for key := range entry {
			if _, known := c.Environments[key]; !known && !slices.Contains([]string{keyCreate, keyURI, keyPassword}, key) {
				r.fault("%s: there is no environment %q", where, key)
			}
		}
	}
	for _, kind := range c.Select.Kinds {
		checkKind(r, "select.kinds", kind)
	}
	if c.Owners != "" && c.Owners != ownersKeep && c.Owners != ownersMap {
		r.fault("owners: keep or map, not %q", c.Owners)
	}
}

func checkKind(r *resolver, where, kind string) {
	if !slices.Contains(assets.Kinds, assets.Kind(kind)) {
		r.fault("%s: want one of database, dataset, chart, dashboard, not %q", where, kind)
	}
}

var secretHeader = regexp.MustCompile(`(?i)authorization|token|secret|key|cookie|password`)

func (e *environment) resolve(r *resolver, where string) {
	e.URL = r.plain(where+".url", e.URL)
	if e.URL == "" {
		r.fault("%s.url is missing", where)
	}
	for name, value := range e.Headers {
		if secretHeader.MatchString(name) {
			e.Headers[name] = r.secret(where+".headers."+name, value)
		} else {
			e.Headers[name] = r.plain(where+".headers."+name, value)
		}
	}
	for name, value := range e.Cookies {
		e.Cookies[name] = r.secret(where+".cookies."+name, value)
	}
	e.Login.resolve(r, where+".login")
}

func (l *login) resolve(r *resolver, where string) {
	if l.Kind == "" {
		l.Kind = superset.LoginPassword
	}
	l.Username, l.Provider = r.plain(where+".username", l.Username), r.plain(where+".provider", l.Provider)
	l.Password, l.Token, l.Secret = r.secret(where+".password", l.Password), r.secret(where+".token", l.Token), r.secret(where+".secret", l.Secret)
	if l.Provider != "" && l.Provider != "db" && l.Provider != "ldap" {
		r.fault("%s.provider: db or ldap, not %q", where, l.Provider)
	}
	needs := map[string][]string{
		superset.LoginPassword: {"username", "password"}, superset.LoginToken: {"token"},
		superset.LoginClient: {"issuer", "client", "secret"}, superset.LoginPKCE: {"issuer", "client"},
	}
	has := map[string]string{"username": l.Username, "password": l.Password, "token": l.Token, "issuer": l.Issuer, "client": l.Client, "secret": l.Secret}
	needed, known := needs[l.Kind]
	if !known {
		r.fault("%s.kind: want one of password, token, client-credentials, pkce, not %q", where, l.Kind)
	}
	for _, key := range needed {
		if has[key] == "" && !slices.ContainsFunc(r.faults, func(err error) bool { return strings.HasPrefix(err.Error(), where+"."+key+":") }) {
			r.fault("%s.%s is missing", where, key)
		}
	}
}

// selection joins the file's filters with the flags'.
func (c *configuration) selection(f Filter) (assets.Selection, error) {
	r := &resolver{}
	s := assets.Selection{
		Titles: append(slices.Clone(c.Select.Titles), f.Title...), Tags: append(slices.Clone(c.Select.Tags), f.Tag...),
		UUIDs: append(slices.Clone(c.Select.UUIDs), f.UUID...), Slugs: append(slices.Clone(c.Select.Slugs), f.Slug...),
		Only: f.Only, Published: c.Select.Published || f.Published, Ignore: append(slices.Clone(c.Select.Ignore), f.Ignore...),
	}
	kinds := c.Select.Kinds
	if len(f.Kinds) > 0 {
		kinds = f.Kinds
	}
	for _, kind := range kinds {
		checkKind(r, "--kinds", kind)
		s.Kinds = append(s.Kinds, assets.Kind(kind))
	}
	for _, only := range f.Only {
		kind, name, ok := strings.Cut(only, ":")
		if checkKind(r, "--only", kind); !ok || name == "" {
			r.fault("--only: want KIND:NAME, not %q", only)
		}
	}
	if len(r.faults) > 0 {
		return s, configurationFaults("selection", r.faults)
	}
	return s, nil
}

// client makes the client of an environment.
func (e environment) client(s *step.Session, readOnly bool) (*superset.Client, error) {
	l := e.Login
	return superset.New(superset.Config{
		Name: e.name, URL: e.URL, Headers: e.Headers, Cookies: e.Cookies, ReadOnly: readOnly,
		UserAgent: "patchbay/" + s.Version + " (asset-sync)",
		Show:      func(address string) { showPage(s, e.name, address) },
		Login: superset.Login{
			Kind: l.Kind, Username: l.Username, Password: l.Password, Provider: l.Provider, Token: l.Token,
			Issuer: l.Issuer, ClientID: l.Client, Secret: l.Secret, Scopes: l.Scopes,
		},
	})
}
