package superset_test

import (
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// TestSignOnPage: a login that does not hold any more is told as such also by an
// export, which is no JSON; a read follows the redirect to the page.
func TestSignOnPage(t *testing.T) {
	pair := lab.Supersets(t)
	for name, fault := range map[string]lab.Fault{
		"a page":     {Path: "/export/", Header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, Body: "<html>log in</html>"},
		"a redirect": {Path: "/export/", Status: 302, Header: map[string]string{"Location": "/login/?next=x"}},
	} {
		proxy := lab.NewFaultProxy(t, pair.QA.URL)
		proxy.Add(fault)
		c := client(t, proxy.URL, password("admin"))
		_, _, one := c.Export(t.Context(), assets.Chart, []int{1}, func(int) {})
		_, all := c.ExportAll(t.Context())
		for _, err := range []error{one, all} {
			if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Hint, "the login to qa does not hold") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestTokenPerBundle: each bundle goes out with a CSRF token of its own.
func TestTokenPerBundle(t *testing.T) {
	proxy := lab.NewFaultProxy(t, lab.Supersets(t).QA.URL)
	c := client(t, proxy.URL, password("admin"))
	empty, err := assets.Bundle(assets.Chart, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 3; n++ {
		if err := c.Import(t.Context(), superset.Endpoint{Kind: assets.Chart}, empty, nil); err != nil {
			t.Fatal(err)
		}
		if got := proxy.Count("GET", "/security/csrf_token/"); got != n {
			t.Errorf("%d CSRF tokens for %d bundles", got, n)
		}
	}
}
