package seed_test

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

// TestSeed: two sites with what people make by hand, put back at once.
func TestSeed(t *testing.T) {
	pair := lab.Supersets(t)
	if _, err := seed.Fill(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	client, err := seed.Client(pair.Prod, "admin")
	if err != nil {
		t.Fatal(err)
	}
	count := func(kind assets.Kind) int {
		rows, err := client.List(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	for kind, want := range map[assets.Kind]int{assets.Database: 2, assets.Dataset: 6, assets.Chart: 11, assets.Dashboard: 4} {
		if got := count(kind); got != want {
			t.Errorf("%d %ss, want %d", got, kind, want)
		}
	}
	if err := pair.Reset(""); err != nil {
		t.Fatal(err)
	}
	if got := count(assets.Chart); got != 0 {
		t.Errorf("%d charts after the reset", got)
	}
}
