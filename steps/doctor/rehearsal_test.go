package main

import (
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// TestWorks: what the server refuses is the template's fault, what never
// arrives is not.
func TestWorks(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want change.Kind
		hint string
	}{
		{"the server refuses", &pgconn.PgError{Code: "42501", Message: "permission denied for schema public"}, change.KindConfiguration, "prepare-template"},
		{"the connection breaks", io.ErrUnexpectedEOF, change.KindInfrastructure, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := change.AsFailure(works("owner", func(sql string) ([]string, error) {
				if strings.HasPrefix(sql, "DROP TABLE") {
					return nil, test.err
				}
				return []string{"owner"}, nil
			}))
			if f == nil || f.Kind != test.want || !strings.HasPrefix(f.Message, "DROP TABLE public.patchbay_doctor: ") || !strings.Contains(f.Hint, test.hint) {
				t.Errorf("%+v", f)
			}
		})
	}
}
