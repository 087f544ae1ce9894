package candidate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
)

// digestFormat changes when the way a database is built changes, so that no
// database of an older patchbay is taken for one of this.
const digestFormat = 1

// Plan is what a run will build, by content: equal digests, equal databases.
type Plan struct {
	TemplateDigest string // what the template holds
	BaseDigest     string // 16 hex digits
	BaseDatabase   string
	InputDigest    string // 16 hex digits
	BaseParameters map[string]string
	Parameters     map[string]string
}

// lockWaits is how long what was looked at ahead may be used, the template's
// fingerprint or Gerrit's answer: a run that waited longer for its change looks
// again.
const lockWaits = 5 * time.Second

// templateSince looks at the template, which must exist. What OpenToCreate has
// found out ahead does, unless the run has waited since it began.
func (b *Builder) templateSince(ctx context.Context, began time.Time) (string, error) {
	content, err := b.templateFingerprint(ctx)
	if err != nil || time.Since(began) > lockWaits {
		return b.templateFingerprint(ctx)
	}
	return content, nil
}

// plan computes the digests of a run.
func (b *Builder) plan(ctx context.Context, r Run, template string) (p *Plan, err error) {
	if err := b.samePaths(r); err != nil {
		return nil, err
	}
	p = &Plan{TemplateDigest: template}
	if p.BaseParameters, err = b.parameters(ctx, r.Base, r.BaseTrees); err != nil {
		return nil, err
	}
	if p.Parameters, err = b.parameters(ctx, r.PatchSet.Revision, r.Trees); err != nil {
		return nil, err
	}
	p.BaseDigest = digest(digestFormat, b.Server.Version(), template, b.Engine.Digest(), b.Owner, b.Reader, r.BaseTrees, p.BaseParameters)
	p.InputDigest = digest(p.BaseDigest, r.Trees, p.Parameters)
	p.BaseDatabase = b.Names.Base(p.BaseDigest)
	return p, nil
}

// samePaths: the engine must see what was compared and nothing besides.
func (b *Builder) samePaths(r Run) error {
	given := slices.Compact(slices.Sorted(slices.Values(b.Settings.ModelDir)))
	compared := slices.Sorted(maps.Keys(r.Trees))
	if slices.Equal(given, compared) {
		return nil
	}
	return change.Failf(change.KindConfiguration, "get-changes compared the paths %q, not %q", compared, given).
		WithHint("give all steps the same PATCHBAY_MODEL_DIR, then begin again with get-changes")
}

func (b *Builder) templateFingerprint(ctx context.Context) (string, error) {
	content, err := b.Server.Fingerprint(ctx, b.Names.Template)
	if err == nil {
		return content, nil
	}
	return "", cmp.Or(b.whyNoTemplate(ctx), err)
}

// whyNoTemplate is what is wrong with the template, if that is all.
func (b *Builder) whyNoTemplate(ctx context.Context) error {
	template, err := b.Server.Database(ctx, b.Names.Template)
	switch {
	case err != nil:
		return nil // the first error says more
	case template == nil:
		return b.noTemplate()
	case template.Invalid:
		return change.Failf(change.KindConfiguration, "the template database %s is invalid: dropping it was interrupted", template.Name).
			WithHint("make it again with: prepare-template --environment dev --template %s", template.Name)
	}
	return nil
}

// parameters resolves those that name a value in the tree; a commit without
// a model has no changelog that could use them.
func (b *Builder) parameters(ctx context.Context, revision string, trees map[string]string) (map[string]string, error) {
	if revision == "" || empty(trees) {
		return nil, nil
	}
	read := func(path string) ([]byte, error) { return b.Repo.ReadFile(ctx, revision, path, 1<<20) }
	return changelog.Resolve(b.Settings.Changelog.Parameters, read)
}

// digest is the first 16 hex digits of SHA-256 over the values as JSON, which
// sorts the keys of maps.
func digest(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("digest of %T: %v", values, err)) // strings and maps of strings: cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
