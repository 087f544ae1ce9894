package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

//go:embed ldap/slapd.conf
var slapdConf string

//go:embed ldap/people.ldif
var ldapPeople []byte

// pythonLDAP is what Superset speaks LDAP by. It is built where it is
// installed, against OpenLDAP's headers.
const pythonLDAP = "python-ldap==3.4.4"

// LDAPSuperset is a Superset that logs in by an OpenLDAP server of its own,
// provider "ldap"; both end with the test. The directory has the accounts sync,
// which is an administrator in Superset too, and newcomer, whom Superset does
// not know yet. Their passwords are the name and "-of-ldap".
func LDAPSuperset(t testing.TB) *SupersetSite {
	t.Helper()
	address, err := startLDAP(t)
	if err != nil {
		t.Fatal(err)
	}
	return specialSuperset(t, "ldap", []string{pythonLDAP}, "LAB_LDAP="+address)
}

func startLDAP(t testing.TB) (address string, err error) {
	slapd, add := sbin("slapd"), sbin("slapadd")
	if slapd == "" || add == "" {
		return "", Missing("slapd", "slapd")
	}
	dir := t.TempDir()
	conf, people := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "people.ldif")
	err = errors.Join(os.WriteFile(conf, []byte(strings.ReplaceAll(slapdConf, "DIR", dir)), 0o600), os.WriteFile(people, ldapPeople, 0o600), os.Mkdir(filepath.Join(dir, "data"), 0o700))
	if err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(t.Context(), add, "-f", conf, "-l", people).CombinedOutput(); err != nil {
		return "", fmt.Errorf("fill the directory: %w: %s", err, lastLine(out))
	}
	ports, err := freePorts(t.Context(), 1)
	if err != nil {
		return "", err
	}
	host := fmt.Sprintf("127.0.0.1:%d", ports[0])
	server := exec.CommandContext(t.Context(), slapd, "-f", conf, "-h", "ldap://"+host, "-d", "0")
	if err := server.Start(); err != nil {
		return "", err
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	return "ldap://" + host, listens(t.Context(), host)
}

// sbin finds a program that not everybody's PATH leads to.
func sbin(name string) string {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	return ""
}

func listens(ctx context.Context, host string) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("slapd does not listen: %w", err)
		}
	}
}
