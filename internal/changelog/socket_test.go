package changelog_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// throughSocket makes the bench reach its server by a Unix socket only.
func (b *bench) throughSocket() {
	b.t.Helper()
	dir := lab.NewSocket(b.t, fmt.Sprintf("%s:%d", b.site.Server.Host, b.site.Server.Port))
	u, err := url.Parse(b.site.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	u.Host, u.RawQuery = "", url.Values{"host": {dir}, "port": {"5432"}}.Encode()
	if b.server, err = pg.Connect(b.t.Context(), pg.Config{URL: u.String()}); err != nil {
		b.t.Fatal(err)
	}
	server := b.server
	b.t.Cleanup(func() { server.Close(b.t.Context()) })
}

// TestSocketOnly: goose goes that way, Java's driver cannot.
func TestSocketOnly(t *testing.T) {
	t.Parallel()
	goose := gooseBench(t, 15)
	goose.throughSocket()
	goose.base(migrated)
	java := liquibaseBench(t, "4.33.0")
	java.throughSocket()
	_, err := java.engine().Apply(t.Context(), java.job(simple, java.database("")))
	if f := change.AsFailure(err); f == nil || f.Kind != change.KindConfiguration || !strings.Contains(f.Message, "Unix socket") || !strings.Contains(f.Hint, "DATABASE_URL") {
		t.Errorf("got %v, want a fault of the configuration", err)
	}
}
