package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Drop drops a database with whoever is in it; one that is not there is no
// error. It refuses every name that the grammar does not know.
func (s *Server) Drop(ctx context.Context, n Names, name string) error {
	if n.Parse(name).Kind == Foreign {
		return change.Failf(change.KindConfiguration, "drop %q: it is not one of ours by its name", name)
	}
	return s.drop(ctx, name)
}

func (s *Server) drop(ctx context.Context, name string) error {
	database, err := s.Database(ctx, name)
	if err != nil || database == nil {
		return err
	}
	if database.IsTemplate && !database.Invalid { // an invalid one cannot be altered
		if err := s.exec(ctx, "ALTER DATABASE "+Ident(name)+" IS_TEMPLATE false"); err != nil {
			return fmt.Errorf("drop %s: %w", name, Classify(err))
		}
	}
	err = s.forceDrop(ctx, name)
	switch {
	case err == nil:
		return nil
	case state(err) == objectInUse || state(err) == insufficientRight && database.Owner == s.User():
		return change.Failf(change.KindInfrastructure, "drop %s: a session that the service role may not end is in it: %w", name, Classify(err)).
			WithHint("end the superuser's session or the prepared transaction in it; the next run drops it")
	}
	return fmt.Errorf("drop %s: %w", name, Classify(err))
}

// forceDrop tries for a second: a superuser's session, which cannot be ended,
// may be on its way out.
func (s *Server) forceDrop(ctx context.Context, name string) (err error) {
	for range 5 {
		err = s.exec(ctx, "DROP DATABASE IF EXISTS "+Ident(name)+" WITH (FORCE)")
		switch state(err) {
		case invalidCatalogName: // another run was faster
			return nil
		case objectInUse, insufficientRight:
			if sleep(ctx, 200*time.Millisecond) != nil {
				return err
			}
		default:
			return err
		}
	}
	return err
}
