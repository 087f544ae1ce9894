package repo

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Remote is where to fetch from.
type Remote struct {
	URL      string // http, https or file, without a login; or a folder's absolute path
	Username string // "" fetches without our login, by what the user's git configuration knows
	Password string

	// Wait is how long to ask again for what is not there yet (a mirror that
	// lags) or is out of order for a moment. 0 asks once.
	Wait time.Duration

	// Getenv, os.Getenv for example, gives the proxy settings, certificates
	// and the home folder that git is to see. nil: none.
	Getenv func(string) string
}

// inherited are the variables that a fetch sees of the caller's environment.
var inherited = []string{
	"PATH", "HOME", "XDG_CONFIG_HOME", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	"no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_CONFIG_GLOBAL",
}

func (m Remote) environment(settings []setting) []string {
	env := append(environment(append(m.settings(), settings...)), "GIT_ALLOW_PROTOCOL=http:https:file")
	if m.Getenv == nil {
		return append(env, hermetic)
	}
	for _, name := range inherited {
		if value := m.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// settings log in by a header. Redirects are not followed: git would send
// the header to wherever the first answer points. A connection that is silent
// for two minutes is given up.
func (m Remote) settings() []setting {
	settings := []setting{
		{"http.followRedirects", "false"}, {"http.lowSpeedLimit", "1"}, {"http.lowSpeedTime", "120"},
	}
	if m.Username == "" {
		return settings
	}
	login := base64.StdEncoding.EncodeToString([]byte(m.Username + ":" + m.Password))
	header := "http." + m.URL + ".extraHeader"
	return append(settings,
		setting{"credential.helper", ""},
		setting{header, ""}, // the workspace's own header for this address goes: two logins are refused
		setting{header, "Authorization: Basic " + login})
}

// Fault says why the address cannot be used; git must never take it for an
// option or a helper program, and a login in it would stand in argv.
func (m Remote) Fault() error {
	u, err := url.Parse(m.URL)
	switch {
	case err != nil || strings.ContainsAny(m.URL, "\n\x00"):
		return change.Failf(change.KindConfiguration, "the address to fetch from is not a URL")
	case u.User != nil:
		return change.Failf(change.KindConfiguration, "the address to fetch from holds a login").
			WithHint("leave it to GERRIT_USERNAME and GERRIT_PASSWORD or to git's credential helper")
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", u.Scheme == "file", strings.HasPrefix(m.URL, "/"):
		return nil
	}
	return change.Failf(change.KindConfiguration, "%s: want an http or https address, or an absolute path", m.URL)
}

// SameHost says whether two addresses lead to the same server, which may be
// given the same login.
func SameHost(a, b string) bool {
	first, err := url.Parse(a)
	second, err2 := url.Parse(b)
	return err == nil && err2 == nil && first.Scheme == second.Scheme && strings.EqualFold(first.Host, second.Host)
}

var (
	sha     = regexp.MustCompile(`^[0-9a-f]{40}$`)
	refName = regexp.MustCompile(`^refs/[^\x00-\x20\x7f:*?\[\\^~]+$`)
	login   = regexp.MustCompile(`://[^/@\s]*@`)
)

// withoutLogin takes the logins out of all URLs in a text.
func withoutLogin(text string) string { return login.ReplaceAllString(text, "://") }

// kept is the name under which a fetched ref, or a commit fetched by its id,
// stays reachable. Names are flat: of two branches a and a/b, one of which
// has replaced the other on the server, both can be kept.
func kept(ref string) string {
	if sha.MatchString(ref) {
		ref = "refs/commits/" + ref
	}
	flat := strings.NewReplacer("%", "%25", "/", "%2F").Replace(strings.TrimPrefix(ref, "refs/"))
	return "refs/patchbay/" + flat
}

func refspecs(refs []string) ([]string, error) {
	specs := make([]string, len(refs))
	for i, ref := range refs {
		if !sha.MatchString(ref) && !refName.MatchString(ref) {
			return nil, fmt.Errorf("%q is neither a ref nor a commit", ref)
		}
		specs[i] = "+" + ref + ":" + kept(ref)
	}
	return specs, nil
}
