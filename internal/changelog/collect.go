package changelog

import (
	"github.com/jackc/pgx/v5"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// What is read of a tracking table at most. A changelog can fill it as it
// likes, and make its columns as wide as it likes.
const (
	maxRows  = 200_000
	maxBytes = 64 << 20
	atMost   = " LIMIT 200001" // one more than maxRows tells that there are more
)

// collect reads the rows of a tracking table up to the limits.
func collect[T any](rows pgx.Rows, scan pgx.RowToFunc[T]) (all []T, err error) {
	defer rows.Close()
	for size := 0; rows.Next(); {
		for _, value := range rows.RawValues() {
			size += len(value)
		}
		if len(all) == maxRows || size > maxBytes {
			return nil, change.Failf(change.KindLimit, "the tracking table holds more than %d rows or %d MiB", maxRows, maxBytes>>20).
				WithHint("a changelog must not write to the tracking tables")
		}
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
