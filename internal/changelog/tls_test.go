package changelog_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// TestTLS: sslmode and root certificate of DATABASE_URL hold for Liquibase's
// driver too, whichever way it goes to the server.
func TestTLS(t *testing.T) {
	t.Parallel()
	server, err := lab.StartOwnPostgres(t.Context(), 15)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	root, err := server.RequireTLS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	strange, err := lab.StrangeRoot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(root); os.Remove(strange) })
	b := liquibaseBench(t, "4.33.0")
	b.site = server.Site(t)
	b.site.Template(t, "")
	for _, mode := range []string{"prefer", "require", "verify-ca", "verify-full"} {
		file := filepath.Join(t.TempDir(), "root.crt")
		copyFile(t, root, file)
		b.connect(mode, file)
		b.base(simple)
		if !strings.HasPrefix(mode, "verify") {
			continue
		}
		copyFile(t, strange, file) // our own sessions have read it; Java has not
		_, err := b.engine().Apply(t.Context(), b.job(simple, b.database("")))
		if f := change.AsFailure(err); f == nil || f.Kind != change.KindInfrastructure {
			t.Errorf("%s with a root certificate that has not signed the server's: %+v", mode, f)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// connect works on through another connection string.
func (b *bench) connect(mode, root string) {
	b.t.Helper()
	server, err := pg.Connect(b.t.Context(), pg.Config{URL: withTLS(b.t, b.site.URL, mode, root)})
	if err != nil {
		b.t.Fatalf("%s: %v", mode, err)
	}
	b.t.Cleanup(func() { server.Close(context.Background()) })
	b.server = server
}

func withTLS(t *testing.T, text, mode, root string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"sslmode": {mode}}
	if root != "" {
		query.Set("sslrootcert", root)
	}
	u.RawQuery = query.Encode()
	return u.String()
}
