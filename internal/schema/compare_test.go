package schema_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/schema"
)

// differences are read from two states of one real database.
type difference struct {
	name   string
	before string   // DDL
	change string   // more DDL
	want   []string // lines
}

func TestCompare(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(tableCases, columnCases, keyCases, objectCases, grantCases)
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t, version)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) { c.check(t, d) })
			}
		})
	}
}

func (c difference) check(t *testing.T, d *database) {
	d.reset(t)
	d.exec(t, c.before)
	base := d.snapshot(t, schema.Options{})
	d.exec(t, c.change)
	candidate := d.snapshot(t, schema.Options{})

	found := schema.Compare(base, candidate)
	var got []string
	for _, line := range found.Lines(100) {
		got = append(got, d.unnamed(line))
	}
	if diff := cmp.Diff(c.want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	checkProperties(t, base, candidate, found)
}

// checkProperties holds for any two snapshots.
func checkProperties(t *testing.T, base, candidate *schema.Snapshot, found *schema.Difference) {
	t.Helper()
	for _, s := range []*schema.Snapshot{base, candidate} {
		if again := schema.Compare(s, s); !again.Empty() {
			t.Errorf("a snapshot differs from itself: %v", again.Lines(5))
		}
	}
	if diff := cmp.Diff(found, schema.Compare(base, candidate)); diff != "" {
		t.Errorf("comparing twice gives two answers:\n%s", diff)
	}
	back := schema.Compare(candidate, base)
	if len(back.Changes) != len(found.Changes) {
		t.Errorf("%d changes there, %d back: %v", len(found.Changes), len(back.Changes), back.Lines(20))
	}
	if found.Empty() != (base.Digest() == candidate.Digest()) {
		t.Errorf("%d changes, but digests %s and %s", len(found.Changes), base.Digest(), candidate.Digest())
	}
	if again := roundTrip(t, candidate); again.Digest() != candidate.Digest() {
		t.Error("a snapshot that was written and read again is another one")
	}
	if diff := cmp.Diff(found, schema.Compare(roundTrip(t, base), candidate)); diff != "" {
		t.Errorf("a base that was written and read again compares differently:\n%s", diff)
	}
}

func roundTrip(t *testing.T, s *schema.Snapshot) *schema.Snapshot {
	t.Helper()
	text, ok := schema.Encode(s, 1<<20)
	if !ok {
		t.Fatal("a snapshot of more than a mebibyte")
	}
	again, err := schema.Decode[schema.Snapshot](text)
	if err != nil {
		t.Fatal(err)
	}
	return again
}
