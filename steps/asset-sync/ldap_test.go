//go:build long

package main

import (
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// TestLDAP: a server whose accounts are in a directory. The password is the
// directory's; an account that Superset does not know yet is made by the login.
func TestLDAP(t *testing.T) {
	s := newScene(t)
	site := lab.LDAPSuperset(t)
	s.env = append(s.env, "QA_URL="+site.URL, "QA_PASSWORD=sync-of-ldap", "NEW_PASSWORD=newcomer-of-ldap", "WRONG=sync-secret")
	as := func(login string) {
		s.write("asset-sync.yaml", strings.ReplaceAll(configFile, `{username: sync, password: "${QA_PASSWORD}"}`, login)+"select: {tags: [нічого]}\n")
	}
	as(`{kind: password, username: sync, password: "${QA_PASSWORD}", provider: ldap}`)
	if r := s.must(0, "doctor", "--env", "qa"); !strings.Contains(r.stdout, "ok    qa: login and CSRF token") || !strings.Contains(r.stdout, "rights: administrator") {
		t.Errorf("%s", r.stdout)
	}
	as(`{username: newcomer, password: "${NEW_PASSWORD}", provider: ldap}`)
	s.must(0, "doctor", "--env", "qa")
	for login, want := range map[string]string{
		`{username: sync, password: "${WRONG}", provider: ldap}`: "check username and password", // of Superset's own table
		`{username: sync, password: "${QA_PASSWORD}"}`:           "set login.provider to db or ldap as its AUTH_TYPE",
	} {
		as(login)
		if r := s.must(2, "doctor", "--env", "qa"); !strings.Contains(r.stdout, want) || strings.Contains(r.stdout+r.stderr, "-of-ldap") {
			t.Errorf("%s: no %q in\n%s", login, want, r.stdout)
		}
	}
	s.write("asset-sync.yaml", strings.ReplaceAll(strings.ReplaceAll(configFile, `{username: sync, password: "${QA_PASSWORD}"}`, `{username: sync, password: "${QA_PASSWORD}", provider: ldap}`),
		`Реєстри: {qa: "Реєстри QA"}`, `{Реєстри: {create: true, uri: "sqlite:///`+site.Home+`/r.db"}, Аналітика: {create: true, uri: "sqlite:///`+site.Home+`/a.db"}}`))
	if r := s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes"); r.result.Outcome != "synced" {
		t.Errorf("%s\n%s", r.result.Outcome, r.stdout)
	}
	if n := len(s.uuids(site)[assets.Chart]); n != 11 {
		t.Errorf("%d charts", n)
	}
}
