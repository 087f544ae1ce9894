package liquibase

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Database is where a run connects to, and as whom.
type Database struct {
	Host        string
	Port        uint16
	Name        string
	User        string
	Password    string
	SSLMode     string // as libpq knows it; "" for the driver's default
	SSLRootCert string // a file, or "system" for the Java installation's own
}

// jdbcURL is the driver's URL, without credentials.
// https://jdbc.postgresql.org/documentation/use/#connection-parameters
func (d Database) jdbcURL() string {
	query := url.Values{"ApplicationName": {"patchbay"}, "connectTimeout": {"10"}, "tcpKeepAlive": {"true"}}
	if d.SSLMode != "" {
		query.Set("sslmode", d.SSLMode)
	}
	switch d.SSLRootCert {
	case "":
	case "system":
		query.Set("sslfactory", "org.postgresql.ssl.DefaultJavaSSLFactory")
	default:
		query.Set("sslrootcert", d.SSLRootCert)
	}
	address := net.JoinHostPort(d.Host, strconv.Itoa(int(d.Port)))
	return fmt.Sprintf("jdbc:postgresql://%s/%s?%s", address, url.PathEscape(d.Name), query.Encode())
}

// files are those that the driver reads.
func (d Database) files() []string {
	if d.SSLRootCert == "" || d.SSLRootCert == "system" {
		return nil
	}
	return []string{d.SSLRootCert}
}

func escape(b *strings.Builder, text string) {
	for _, unit := range utf16Of(text) {
		switch {
		case unit < 0x20 || unit > 0x7e:
			fmt.Fprintf(b, `\u%04x`, unit)
		case strings.ContainsRune(`\=:#! `, rune(unit)):
			b.WriteByte('\\')
			b.WriteByte(byte(unit))
		default:
			b.WriteByte(byte(unit))
		}
	}
}
