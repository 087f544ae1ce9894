package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// provenance is the template's comment.
type provenance struct {
	FormatVersion int       `json:"formatVersion"`
	State         string    `json:"state"`
	Source        string    `json:"source"`
	Version       string    `json:"version"`
	MadeAt        time.Time `json:"madeAt"`
}

const stateTemplate = "template"

func madeHere(comment string) bool {
	var p provenance
	return json.Unmarshal([]byte(comment), &p) == nil && p.State == stateTemplate
}

// builder makes one template. It builds under the name of a base attempt, so
// that whatever a killed run leaves is found and removed by the rules for
// those.
type builder struct {
	server  *pg.Server
	lock    *pg.Lock
	cfg     *Config
	say     func(message string)
	version string
	env     func(string) string
}

// digest stands where a base database's digest stands; the lock of the
// template protects all names with it.
func (b *builder) digest() string { return b.cfg.names().TemplateDigest() }

// build makes the template and puts it in the old one's place; it says
// whether there was one.
func (b *builder) build(ctx context.Context) (replaced bool, err error) {
	if err := b.removeLeftovers(ctx); err != nil {
		return false, err
	}
	now, err := b.server.Now(ctx)
	if err != nil {
		return false, err
	}
	names, stamp := b.cfg.names(), uint32(now.Unix()) //nolint:gosec // fits until 2106
	name, scratch := names.BaseAttempt(b.digest(), stamp), names.BaseAttempt(b.digest(), stamp+1)
	defer func() { err = errors.Join(err, b.cleanUp(ctx)) }()
	if err := b.fill(ctx, name); err != nil {
		return false, err
	}
	if err := b.checkRows(ctx, name, scratch); err != nil {
		return false, err
	}
	return b.publish(ctx, name, now)
}

// fill makes the database and its content, as a throw-away login.
func (b *builder) fill(ctx context.Context, name string) error {
	source := "template0"
	if b.cfg.ExtensionsFrom != "" {
		source = b.cfg.ExtensionsFrom
	}
	if err := b.clone(ctx, source, name); err != nil {
		return err
	}
	if b.cfg.ExtensionsFrom != "" {
		if err := b.checkSource(ctx, name); err != nil {
			return err
		}
	}
	if err := b.server.OpenPublicSchema(ctx, name, b.cfg.Database.OwnerRole); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	return b.withLogin(ctx, name, func(login pg.Login) error {
		if b.cfg.FromDatabase != "" {
			return b.restore(ctx, login)
		}
		return b.migrate(ctx, login)
	})
}

func (b *builder) clone(ctx context.Context, source, name string) error {
	err := b.server.Clone(ctx, source, name, pg.Access{Owner: b.cfg.Database.OwnerRole}, func(reason string) { b.say("waiting: " + reason) })
	var failure *change.Failure
	switch {
	case errors.Is(err, pg.ErrNoDatabase):
		return change.Failf(change.KindConfiguration, "database %q does not exist", source).WithHint("see --extensions-from")
	case errors.As(err, &failure) && failure.SQLState == "42501":
		return failure.WithHint("as superuser: ALTER DATABASE %s OWNER TO %s; (or IS_TEMPLATE true), so that it can be cloned",
			pg.Ident(source), pg.Ident(b.server.User()))
	}
	return err
}

// withLogin works as a throw-away login, which is gone afterwards.
func (b *builder) withLogin(ctx context.Context, database string, work func(pg.Login) error) (err error) {
	login := pg.NewLogin(b.cfg.names().Login(database), database, b.cfg.Database.OwnerRole)
	if err := b.server.CreateLogin(ctx, login, pg.LoginLimits{
		ValidFor: b.cfg.Timeout + time.Minute, Connections: 5, StatementTimeout: b.cfg.Timeout, LockTimeout: 10 * time.Second,
		TempFileLimit: "1GB",
	}); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, b.server.DropLogin(ctx, login))
	}()
	return work(login)
}

// publish is the swap of a candidate database: nobody ever finds no template.
// What was replaced takes the attempt's name and goes with the leftovers.
func (b *builder) publish(ctx context.Context, name string, now time.Time) (bool, error) {
	comment, err := json.Marshal(provenance{
		FormatVersion: change.FormatVersion, State: stateTemplate, Source: b.cfg.source(), Version: b.version, MadeAt: now.UTC().Truncate(time.Second),
	})
	if err != nil {
		return false, fmt.Errorf("encode the provenance: %w", err)
	}
	if err := b.lock.Held(ctx); err != nil {
		return false, err
	}
	swap, err := b.server.Publish(ctx, pg.Publication{
		Attempt: name, Public: b.cfg.Database.Template, Retired: name, Comment: string(comment),
		Owner: b.cfg.Database.OwnerRole, Reader: b.cfg.Database.ReaderRole,
	})
	return swap.Replaced, err
}

func (b *builder) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return b.removeLeftovers(ctx)
}

// removeLeftovers drops what this or a killed run left of a build.
func (b *builder) removeLeftovers(ctx context.Context) error {
	if err := b.lock.Held(ctx); err != nil {
		return err
	}
	names := b.cfg.names()
	databases, err := b.server.Databases(ctx, names)
	errs := []error{err}
	for _, database := range databases {
		if database.Parsed.Kind != pg.BaseAttempt || database.Parsed.Digest != b.digest() {
			continue
		}
		errs = append(errs, b.server.Drop(ctx, names, database.Name),
			b.server.DropRoleAfterDatabase(ctx, names.Login(database.Name)))
	}
	return errors.Join(errs...)
}
