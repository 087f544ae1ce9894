package pg

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Endpoint is where and how the service role reaches the server, for the
// drivers of engines and for hints.
type Endpoint struct {
	Host        string // a directory when Socket
	Port        uint16
	SSLMode     string // libpq's word: disable, allow, prefer, require, verify-ca, verify-full
	SSLRootCert string // path; "" when none is named
	Socket      bool   // a Unix socket, which Java's driver cannot use
}

// Endpoint is that of the service role.
func (s *Server) Endpoint() Endpoint { return s.endpoint }

func endpointOf(config *pgx.ConnConfig, c Config) Endpoint {
	root := rootCert(c.URL)
	if root == "" {
		root = c.SSLRootCert
	}
	return Endpoint{
		Host:        config.Host,
		Port:        config.Port,
		SSLMode:     sslMode(config),
		SSLRootCert: root,
		Socket:      strings.HasPrefix(config.Host, "/") || strings.HasPrefix(config.Host, "@"),
	}
}

// sslMode reads libpq's word back from what the driver made of URL, variables
// and service file.
func sslMode(config *pgx.ConnConfig) string {
	tls := config.TLSConfig
	fallback := len(config.Fallbacks) > 0 && config.Fallbacks[0].Host == config.Host
	switch {
	case tls == nil && fallback && config.Fallbacks[0].TLSConfig != nil:
		return "allow"
	case tls == nil:
		return "disable"
	case fallback && config.Fallbacks[0].TLSConfig == nil:
		return "prefer"
	case !tls.InsecureSkipVerify:
		return "verify-full"
	case tls.VerifyPeerCertificate != nil:
		return "verify-ca"
	}
	return "require"
}

var rootCertKeyword = regexp.MustCompile(`(?:^|\s)sslrootcert\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))`)

// rootCert finds the path, which the driver reads and forgets.
func rootCert(text string) string {
	if u, err := url.Parse(text); err == nil && u.Scheme != "" {
		return u.Query().Get("sslrootcert")
	}
	if m := rootCertKeyword.FindStringSubmatch(text); m != nil {
		return m[1] + m[2]
	}
	return ""
}
