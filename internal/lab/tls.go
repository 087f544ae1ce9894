package lab

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// RequireTLS restarts the server so that it takes TLS connections only, with
// a certificate for localhost and 127.0.0.1, and gives the file of the root
// certificate that has signed it.
func (o *OwnPostgres) RequireTLS(ctx context.Context) (root string, err error) {
	authority, err := newAuthority()
	if err != nil {
		return "", err
	}
	certificate, key, err := authority.issue()
	if err != nil {
		return "", err
	}
	files := map[string][]byte{
		filepath.Join(o.data(), "server.crt"): certificate, filepath.Join(o.data(), "server.key"): key,
		filepath.Join(o.data(), "pg_hba.conf"): []byte("hostssl all all 127.0.0.1/32 scram-sha-256\n"),
	}
	for path, text := range files {
		if err := errors.Join(os.WriteFile(path, text, 0o600), o.installation.own(path)); err != nil {
			return "", err
		}
	}
	root, err = writeCertificate(authority.pem)
	if err != nil {
		return "", err
	}
	if err := appendFile(filepath.Join(o.data(), "postgresql.conf"), "ssl = on\n"); err != nil {
		return "", err
	}
	o.TLS = true
	return root, o.Restart(ctx)
}

// StrangeRoot is the file of a root certificate that has signed nothing.
func StrangeRoot() (string, error) {
	authority, err := newAuthority()
	if err != nil {
		return "", err
	}
	return writeCertificate(authority.pem)
}

// writeCertificate keeps a certificate in a file of its own.
func writeCertificate(text []byte) (string, error) {
	file, err := os.CreateTemp("", "patchbay-root-*.crt")
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	return file.Name(), errors.Join(err, file.Close())
}

// authority signs certificates of one test.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	pem         []byte
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{key: key, certificate: certificate, pem: pemOf("CERTIFICATE", der)}, err
}

func (a *authority) issue() (certificate, key []byte, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &own.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalECPrivateKey(own)
	return pemOf("CERTIFICATE", der), pemOf("EC PRIVATE KEY", private), err
}

func pemOf(kind string, der []byte) []byte {
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: der}); err != nil {
		panic(err) // a buffer: cannot fail
	}
	return text.Bytes()
}
