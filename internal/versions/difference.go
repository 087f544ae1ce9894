package versions

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// What a candidate can be compared with.
const (
	AgainstMaster = "master" // as master is now
	AgainstBase   = "base"   // what it was made from; recorded when it was
)

// Difference is what a candidate changes.
func (v *Versions) Difference(ctx context.Context, version Version, against string) (*api.Difference, Origin, error) {
	compare := v.againstMaster
	if against == AgainstBase {
		compare = v.againstBase
	}
	difference, origin, err := compare(ctx, version)
	if errors.Is(err, errAbsent) {
		err = noDatabase(version)
	}
	if err != nil {
		return nil, origin, err
	}
	answer := &api.Difference{FormatVersion: difference.FormatVersion, Against: against, Changes: []api.Change{}}
	for _, c := range difference.Changes {
		answer.Changes = append(answer.Changes, api.Change(c))
	}
	return answer, origin, nil
}

func noDatabase(version Version) *Fault {
	return fault(http.StatusNotFound, api.CodeNoDatabase, "candidate %d has no database: it was not deployed, or it failed", version.Change)
}

// againstMaster compares two structures as they are now. Owners and grants are
// left out: the roles of a development server are not those of master.
func (v *Versions) againstMaster(ctx context.Context, version Version) (*schema.Difference, Origin, error) {
	var master, changed *Model
	var masterErr, err error
	var both sync.WaitGroup
	both.Go(func() { master, masterErr = v.Model(ctx, Master, false) })
	both.Go(func() { changed, err = v.Model(ctx, version, false) })
	both.Wait()
	if err := errors.Join(err, masterErr); err != nil {
		return nil, changed.Origin, err
	}
	return schema.Compare(schema.WithoutRights(master.Snapshot), schema.WithoutRights(changed.Snapshot)), changed.Origin, nil
}

func (v *Versions) againstBase(ctx context.Context, version Version) (*schema.Difference, Origin, error) {
	var recorded *candidate.Provenance
	origin, err := v.read(ctx, version, func(ctx context.Context, conn *pg.Conn) (string, error) {
		comment, err := schema.Comment(ctx, conn)
		recorded = candidate.ParseProvenance(comment)
		return comment, err
	})
	if err != nil {
		return nil, origin, err
	}
	if recorded == nil || recorded.Difference == "" {
		return nil, origin, fault(http.StatusNotFound, api.CodeNoDifference, "the database of candidate %d has no difference recorded: it was too large, or another program made the database", version.Change)
	}
	difference, err := schema.Decode[schema.Difference](recorded.Difference)
	if err != nil {
		return nil, origin, fault(http.StatusNotFound, api.CodeNoDifference, "the difference recorded in the database of candidate %d cannot be read", version.Change).because(err)
	}
	return difference, origin, nil
}

// Structure is schema.json of a candidate, live.
func (v *Versions) Structure(ctx context.Context, version Version) (*Model, error) {
	m, err := v.Model(ctx, version, true)
	if errors.Is(err, errAbsent) {
		err = noDatabase(version)
	}
	return m, err
}
