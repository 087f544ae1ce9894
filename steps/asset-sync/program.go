package main

import "github.com/patchbay-ci/patchbay/internal/step"

var program = step.Program{
	Name: "asset-sync",
	Contract: `asset-sync keeps the datasets, charts and dashboards of Superset environments alike.

A PLACE is prod (an environment of asset-sync.yaml), ./dir (a tree that export
made), dir@REV (the tree at a git revision), file.zip (an export of Superset) or
snapshot:NAME (what a sync kept before it wrote).`,
	Exits: exits,
	Examples: []string{
		"asset-sync export --from prod --dir assets",
		"asset-sync plan --from prod --to qa",
		"asset-sync sync --from assets@v1.2 --to qa --yes",
	},
}

// exits are those of all sub-commands.
const exits = `0 done or nothing to do; 1 partial, failed, cancelled; 2 bad input or
configuration, or refused; 4 with --exit-code: there is something to do.`

func commands() []step.Command {
	return []step.Command{
		step.NewCommand("reads a place into a tree for git", exportProgram, &Export{}, export),
		step.NewCommand("shows what sync would do", planProgram, &Planned{}, plan),
		step.NewCommand("makes an environment like a place", syncProgram, &Sync{}, synchronise),
		step.NewCommand("takes back what a sync wrote", rollbackProgram, &Rollback{}, rollback),
		step.NewCommand("says in words what is different", diffProgram, &Diff{}, diff),
		step.NewCommand("mends references that an import broke", repairProgram, &Repairing{}, repair),
		step.NewCommand("lists which id each asset has", idsProgram, &IDs{}, ids),
		step.NewCommand("brings an export into other ids", patchProgram, &Patch{}, patch),
		step.NewCommand("checks environments", doctorProgram, &Doctor{}, doctor),
	}
}

// Settings are what every sub-command takes.
type Settings struct {
	step.Common `embed:""`
	step.Cache  `embed:""`
	Config      string   `name:"config" env:"PATCHBAY_ASSETS_CONFIG" default:"asset-sync.yaml" placeholder:"FILE" help:"Environments, databases and selection. Environments may also be given by SUPERSET_<NAME>_URL, _USERNAME, _PASSWORD, _PASSWORD_FILE, _TOKEN, _PROVIDER."`
	Set         []string `name:"set" env:"PATCHBAY_ASSETS_SET" sep:"none" placeholder:"YAML" help:"A piece of the configuration that replaces what the file says, like 'databases: {Trino: {qa: Trino QA}}'."`
	Owners      string   `name:"owners" env:"PATCHBAY_ASSETS_OWNERS" placeholder:"keep|map" help:"Owners and the roles that see a dashboard: the target keeps its own, or gets the source's, accounts by e-mail address and roles by name. Default: what the file says, else keep."`
	NoCache     bool     `name:"no-cache" env:"PATCHBAY_ASSETS_NO_CACHE" help:"Read everything anew; decides the same."`
	Format      string   `name:"format" env:"PATCHBAY_ASSETS_FORMAT" default:"text" enum:"text,json,markdown" help:"What stdout gets: ${enum}."`
}

// Filter is what of a place is looked at; given here it adds to the file's.
type Filter struct {
	Kinds     []string `name:"kinds" env:"PATCHBAY_ASSETS_KINDS" placeholder:"KIND" help:"dataset, chart, dashboard; with what they stand on. Default: all."`
	Title     []string `name:"title" env:"PATCHBAY_ASSETS_TITLE" placeholder:"PATTERN" help:"Assets of these titles; * and ? are taken."`
	Tag       []string `name:"tag" env:"PATCHBAY_ASSETS_TAG" placeholder:"TAG" help:"Assets with one of these tags."`
	UUID      []string `name:"uuid" env:"PATCHBAY_ASSETS_UUID" placeholder:"UUID" help:"These assets."`
	Slug      []string `name:"slug" env:"PATCHBAY_ASSETS_SLUG" placeholder:"SLUG" help:"Dashboards of these slugs."`
	Only      []string `name:"only" env:"PATCHBAY_ASSETS_ONLY" placeholder:"KIND:NAME" help:"One asset with what it stands on: dashboard:<slug or UUID>, chart:<UUID>."`
	Published bool     `name:"published" env:"PATCHBAY_ASSETS_PUBLISHED" help:"Published dashboards alone, with what they stand on."`
	Ignore    []string `name:"ignore" env:"PATCHBAY_ASSETS_IGNORE" placeholder:"NAME" help:"Titles (patterns), slugs or UUIDs to leave out."`
}
