package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/step"
)

var program = step.Program{
	Name: "reconcile",
	Contract: `reconcile drops the databases that nobody needs any more.

Reads:  PostgreSQL first, then Gerrit.
Does:   drops the databases of changes that Gerrit says are MERGED or ABANDONED;
        those of changes that answer 404, once they are old enough and if the
        account still sees the project; attempts, logins, base databases and
        local tries that are left over. Each is looked at again under the lock
        of its change right before its drop. No answer, no drop.
Writes: reconcile.json, also to stdout; a table for people; the list of
        --rebuild-list. Outcomes: done, nothing-to-do, refused (too many drops
        would rest on a 404); failed with a "failure".`,
	Exits: `0 done or nothing to do; 1 refused, something could not be decided or
dropped, a server or network; 2 input, login, rights.`,
	Examples: []string{
		"reconcile --dry-run                     what would be dropped, and why",
		"reconcile --rebuild-list rebuild.json   every night",
		"reconcile --change 4711                 when it was merged, abandoned or deleted",
		"reconcile --yes                         many changes were deleted on purpose",
	},
}

// Config is the step's input.
type Config struct {
	step.Common   `embed:""`
	Gerrit        step.Gerrit   `embed:""`
	GerritTimeout time.Duration `name:"gerrit-timeout" env:"PATCHBAY_GERRIT_TIMEOUT" default:"30s" placeholder:"TIME" help:"How long to wait for one answer of Gerrit."`
	Project       string        `name:"project" env:"GERRIT_PROJECT" placeholder:"NAME" help:"The project, as Gerrit names it."`
	Label         string        `name:"label" env:"PATCHBAY_LABEL" default:"Verified" placeholder:"NAME" help:"A label that whoever sees the project sees."`
	Change        int           `name:"change" env:"GERRIT_CHANGE_NUMBER" placeholder:"N" help:"Look at this change only: for its event."`
	Database      step.Database `embed:""`

	Grace       time.Duration `name:"grace" env:"PATCHBAY_GRACE" default:"24h" placeholder:"TIME" help:"How old the database of a change that answers 404 must be, where the account sees private changes."`
	GraceBlind  time.Duration `name:"grace-blind" env:"PATCHBAY_GRACE_BLIND" default:"720h" placeholder:"TIME" help:"The same where it is not known to see them: a change that was made private answers 404 too."`
	SeesPrivate bool          `name:"sees-private" env:"PATCHBAY_SEES_PRIVATE" help:"The account may view private changes of all branches, though there may be none to prove it."`
	MaxDrop     int           `name:"max-drop" env:"PATCHBAY_MAX_DROP" default:"10" placeholder:"N" help:"More drops that rest on a 404, or more than 30 % of all, are refused."`
	Yes         bool          `name:"yes" help:"Drop them all the same."`
	Protect     []string      `name:"protect" env:"PATCHBAY_PROTECT" placeholder:"NAME" help:"Databases that are never dropped."`
	AttemptAge  time.Duration `name:"attempt-age" env:"PATCHBAY_ATTEMPT_AGE" default:"1h" placeholder:"TIME" help:"When an attempt that no step works on is given up."`
	TryAge      time.Duration `name:"try-age" env:"PATCHBAY_TRY_AGE" default:"24h" placeholder:"TIME" help:"When a local try is."`
	KeepBase    int           `name:"keep-base" env:"PATCHBAY_KEEP_BASE" default:"3" placeholder:"N" help:"How many base databases stay, the newest, whether an open change needs them or not."`
	DropEvery   time.Duration `name:"drop-every" env:"PATCHBAY_DROP_EVERY" default:"500ms" placeholder:"TIME" help:"Pace of the drops: each forces a checkpoint."`
	RebuildList string        `name:"rebuild-list" env:"PATCHBAY_REBUILD_LIST" placeholder:"FILE" help:"Write the patch sets that need the pipeline, as JSON."`
	DryRun      bool          `name:"dry-run" env:"PATCHBAY_DRY_RUN" help:"Show what would be dropped."`
}

func (c *Config) names() pg.Names {
	return pg.Names{Prefix: c.Database.Prefix, Template: c.Database.Template}
}

// Faults lists what is missing or malformed.
func (c *Config) Faults() []error {
	faults := append(c.names().Faults(), c.ageFaults()...)
	if c.Gerrit.Username == "" {
		faults = append(faults, errors.New("GERRIT_USERNAME is missing: who is not logged in sees only a part of the changes"))
	}
	if c.Project == "" {
		faults = append(faults, errors.New("GERRIT_PROJECT is missing: the project that the databases belong to"))
	}
	if c.Change < 0 || c.Change > 9_999_999_999 {
		faults = append(faults, fmt.Errorf("change number %d: want 1 to 10 digits", c.Change))
	}
	if c.MaxDrop < 0 || c.KeepBase < 0 {
		faults = append(faults, errors.New("--max-drop and --keep-base: want 0 or more"))
	}
	if c.Change != 0 && c.RebuildList != "" {
		faults = append(faults, errors.New("--rebuild-list tells of all changes, --change looks at one: give one of them (GERRIT_CHANGE_NUMBER counts)"))
	}
	for _, name := range c.Protect {
		if c.names().Parse(name).Kind == pg.Foreign {
			faults = append(faults, fmt.Errorf("--protect %q is not one of ours by its name, and is never dropped anyway", name))
		}
	}
	return faults
}

func (c *Config) ageFaults() (faults []error) {
	for _, age := range []struct {
		flag string
		time.Duration
	}{
		{"grace", c.Grace}, {"grace-blind", c.GraceBlind}, {"attempt-age", c.AttemptAge}, {"try-age", c.TryAge}, {"drop-every", c.DropEvery},
	} {
		if age.Duration < 0 {
			faults = append(faults, fmt.Errorf("--%s %s: want 0 or more", age.flag, age.Duration))
		}
	}
	if c.GraceBlind < c.Grace {
		faults = append(faults, fmt.Errorf("--grace-blind %s: want at least --grace, %s", c.GraceBlind, c.Grace))
	}
	return faults
}

func (c *Config) rules(service string) rules {
	r := rules{
		names: c.names(), service: service, gerrit: string(c.Gerrit.URL), project: c.Project, change: c.Change,
		grace: c.Grace, graceBlind: c.GraceBlind, seesPrivate: c.SeesPrivate, attemptAge: c.AttemptAge, tryAge: c.TryAge,
		maxDrop: c.MaxDrop, yes: c.Yes, keepBase: c.KeepBase, protected: map[string]bool{},
	}
	for _, name := range c.Protect {
		r.protected[name] = true
	}
	return r
}
