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

// jdbcURL is the driver's URL, without credentials. The server's answer to the
// question for TLS is waited for as long as the gate may be shut.
// https://jdbc.postgresql.org/documentation/use/#connection-parameters
func (d Database) jdbcURL() string {
	query := url.Values{"ApplicationName": {"patchbay"}, "connectTimeout": {"10"}, "sslResponseTimeout": {"600000"}, "tcpKeepAlive": {"true"}}
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
	return fmt.Sprintf("jdbc:postgresql://%s/%s?%s", d.address(), url.PathEscape(d.Name), query.Encode())
}

// throughGate says that the connection may go by way of another port: a
// driver that compares the server's certificate with the host's name needs the
// host itself.
func (d Database) throughGate() bool { return d.SSLMode != "verify-full" }

func (d Database) address() string { return net.JoinHostPort(d.Host, strconv.Itoa(int(d.Port))) }

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
