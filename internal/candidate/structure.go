package candidate

import (
	"context"
	"fmt"
	"slices"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/schema"
)

// structureLimit is how much of a comment the compressed structure of a base
// database takes: some thousand tables.
const structureLimit = 512 << 10

// describe is a base database's comment, with its structure: nobody enters it
// any more once it is closed, so it is read once and not by every run.
func (b *Builder) describe(ctx context.Context, database string, p Provenance) (string, error) {
	session := b.observe(database)
	defer session.End(ctx)
	snapshot, err := session.Read(ctx)
	switch {
	case err == nil:
		p.ReadBy = b.readBy(p.Version)
		p.Structure, _ = schema.Encode(snapshot, structureLimit)
	case change.AsFailure(err).Kind != change.KindLimit: // else it is the candidates' runs that say so
		return "", err
	}
	return p.Comment()
}

// readBy names what decides how a structure is read: ours and the server's
// program.
func (b *Builder) readBy(version string) string {
	return fmt.Sprintf("patchbay %s, PostgreSQL %d", version, b.Server.VersionNumber())
}

// baseOf is the structure of an attempt that no engine has entered yet.
func (b *Builder) baseOf(ctx context.Context, in Application, attempt *schema.Session) (*schema.Snapshot, error) {
	if snapshot := b.recorded(in); snapshot != nil {
		return snapshot, nil
	}
	return attempt.Read(ctx)
}

// recorded is the structure of the base database that the attempt is a clone
// of, as its comment has it; nil when it has to be read.
func (b *Builder) recorded(in Application) *schema.Snapshot {
	all := in.standing
	at := slices.IndexFunc(all, func(s Standing) bool {
		return s.Parsed.Kind == pg.Base && s.Name == in.Plan.BaseDatabase && s.Owner == b.Server.User() && !s.AllowConnections
	})
	if at < 0 || all[at].Provenance == nil || all[at].Provenance.ReadBy != b.readBy(in.Run.Version) {
		return nil
	}
	snapshot, err := schema.Decode[schema.Snapshot](all[at].Provenance.Structure)
	if err != nil {
		return nil
	}
	return snapshot
}
