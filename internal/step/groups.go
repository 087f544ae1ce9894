package step

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Secret is an input that is never shown. It is taken from its variable or
// from the file that the variable's _FILE twin names, never from a flag.
type Secret string

// Value is the secret itself.
func (s Secret) Value() string { return string(s) }

// String hides the secret from every formatter.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides it from %#v too.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides it from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Common is what every step takes.
type Common struct {
	RunDir    string `name:"run-dir" env:"PATCHBAY_RUN_DIR" default:".patchbay" placeholder:"DIR" help:"Where results are handed over between steps."`
	LogLevel  string `name:"log-level" env:"PATCHBAY_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"How much is logged: ${enum}."`
	LogFormat string `name:"log-format" env:"PATCHBAY_LOG_FORMAT" default:"auto" enum:"auto,console,json" help:"How it is logged: ${enum}; auto is console for a terminal and in CI, JSON for a pipe."`
	Version   bool   `name:"version" help:"Show the version and end."`
}

func (c *Common) common() *Common { return c }

// Cache is where what may be deleted at any time is kept.
type Cache struct {
	CacheDir string `name:"cache-dir" env:"PATCHBAY_CACHE_DIR" placeholder:"DIR" help:"Bare repositories and JVM archives; may be deleted at any time. Default: patchbay below the user's cache directory."`
}

// Dir is the cache directory, by default below the user's own.
func (c Cache) Dir() (string, error) {
	if c.CacheDir != "" {
		return filepath.Abs(c.CacheDir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", change.Failf(change.KindConfiguration, "find the user's cache directory: %w", err).
			WithHint("set PATCHBAY_CACHE_DIR")
	}
	return filepath.Join(dir, "patchbay"), nil
}

// PatchSet names the patch set under test, by the variables that Jenkins'
// Gerrit plugins and the GitHub convention for Gerrit set.
type PatchSet struct {
	Project  string `name:"project" env:"GERRIT_PROJECT" placeholder:"NAME" help:"The project, as Gerrit names it."`
	Change   int    `name:"change" env:"GERRIT_CHANGE_NUMBER" placeholder:"N" help:"The change's number."`
	PatchSet int    `name:"patch-set" env:"GERRIT_PATCHSET_NUMBER" placeholder:"P" help:"The patch set's number."`
	Revision string `name:"revision" env:"GERRIT_PATCHSET_REVISION" placeholder:"SHA" help:"The patch set's commit, 40 hexadecimal digits."`
}

// Value is the patch set in the words of the results.
func (p PatchSet) Value() change.PatchSet {
	return change.PatchSet{Project: p.Project, Change: p.Change, PatchSet: p.PatchSet, Revision: p.Revision}
}

// Faults lists what is missing or malformed.
func (p PatchSet) Faults() []error {
	if p == (PatchSet{}) {
		return []error{errors.New("no patch set is named: GERRIT_PROJECT, GERRIT_CHANGE_NUMBER, " +
			"GERRIT_PATCHSET_NUMBER and GERRIT_PATCHSET_REVISION are empty; a build started by hand has none of them: " +
			"start it from the change, or give --project --change --patch-set --revision")}
	}
	faults := p.Value().Faults()
	if p.Change == 0 {
		faults = append(faults, errors.New("change number 0: GERRIT_CHANGE_NUMBER is the number in the change's URL"))
	}
	return faults
}

// GerritURL is Gerrit's address in the one form in which addresses are
// compared: scheme and host in lower case, no slash and no /a at the end.
type GerritURL string

// UnmarshalText brings an address into that form. One that cannot be parsed
// stays as it is: GerritServer.Faults refuses it.
func (g *GerritURL) UnmarshalText(text []byte) error {
	*g = GerritURL(text)
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" {
		return nil //nolint:nilerr // told together with the other faults
	}
	u.Host = strings.ToLower(u.Host)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	u.Path = strings.TrimRight(strings.TrimSuffix(u.Path, "/a"), "/")
	*g = GerritURL(u.String())
	return nil
}

// GerritServer names the Gerrit that patch sets come from.
type GerritServer struct {
	URL GerritURL `name:"gerrit-url" env:"GERRIT_URL" placeholder:"URL" help:"Gerrit's address, for example https://review.example.org."`
}

// Faults lists what is missing or malformed.
func (g GerritServer) Faults() []error {
	u, err := url.Parse(string(g.URL))
	switch {
	case g.URL == "":
		return []error{errors.New("GERRIT_URL is missing: the address of Gerrit, for example https://review.example.org")}
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return []error{errors.New("GERRIT_URL is not an http or https address")}
	case u.User != nil:
		return []error{errors.New("GERRIT_URL holds a login: put it into GERRIT_USERNAME and GERRIT_PASSWORD")}
	}
	return nil
}

// Gerrit is how Gerrit is reached.
type Gerrit struct {
	GerritServer `embed:""`
	Username     string `name:"gerrit-username" env:"GERRIT_USERNAME" placeholder:"NAME" help:"The account that votes."`
	Password     Secret `name:"gerrit-password" env:"GERRIT_PASSWORD" help:"Its HTTP password."`
}

// Faults lists what is missing or malformed.
func (g Gerrit) Faults() []error {
	if g.Username != "" && g.Password == "" {
		return []error{errors.New("GERRIT_USERNAME is given without GERRIT_PASSWORD (or GERRIT_PASSWORD_FILE)")}
	}
	return nil
}

// Database is how PostgreSQL is reached and how its databases are named.
type Database struct {
	URL           Secret        `name:"database-url" env:"DATABASE_URL" help:"The server and the service role's login; empty means libpq's PG* variables."`
	AdminDatabase string        `name:"admin-database" env:"PATCHBAY_ADMIN_DATABASE" placeholder:"NAME" help:"Where advisory locks are taken. Default: the database of DATABASE_URL."`
	Prefix        string        `name:"prefix" env:"PATCHBAY_PREFIX" default:"registry-dev-" placeholder:"TEXT" help:"What our database names begin with; its last character separates their parts."`
	Template      string        `name:"template" env:"PATCHBAY_TEMPLATE" default:"registry-template" placeholder:"NAME" help:"The reference database."`
	OwnerRole     string        `name:"owner-role" env:"PATCHBAY_OWNER_ROLE" default:"registry_dev_owner_role" placeholder:"ROLE" help:"Owner of the schemas in template and clones; cannot log in."`
	ReaderRole    string        `name:"reader-role" env:"PATCHBAY_READER_ROLE" default:"registry_dev_role" placeholder:"ROLE" help:"Reader of template and candidate databases: catalogs, no rows."`
	LockTimeout   time.Duration `name:"lock-timeout" env:"PATCHBAY_LOCK_TIMEOUT" default:"10m" placeholder:"TIME" help:"How long to wait for a lock."`
}

// Environment says what kind of environment this is.
type Environment struct {
	Environment string `name:"environment" env:"PATCHBAY_ENVIRONMENT" placeholder:"NAME" help:"dev allows what only a development environment may do."`
}

// RequireDev is a fault unless this is a development environment.
func (e Environment) RequireDev(what string) []error {
	if strings.EqualFold(e.Environment, "dev") {
		return nil
	}
	return []error{fmt.Errorf("%s is for a development environment only: say so with --environment dev", what)}
}
