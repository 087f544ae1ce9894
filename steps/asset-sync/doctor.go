package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

var doctorProgram = step.Program{
	Name: "doctor",
	Contract: `Checks environments: version, login, rights on each kind, CSRF, the cap of
pages, the clock, the mapping of databases. Nothing is written. A warehouse that
does not answer is a warning.`,
	Exits:    exits,
	Examples: []string{"asset-sync doctor", "asset-sync doctor --env qa"},
}

// Doctor is the configuration of the sub-command.
type Doctor struct {
	Settings   `embed:""`
	Env        []string `name:"env" env:"PATCHBAY_ASSETS_DOCTOR" placeholder:"ENVIRONMENT" help:"What is checked; default: all."`
	Warehouses bool     `name:"warehouses" env:"PATCHBAY_ASSETS_WAREHOUSES" default:"true" negatable:"" help:"Also ask each database for its schemas."`
}

// checkup collects what was found.
type checkup struct {
	*step.Session
	reader *reader
	result *change.AssetSync
	lines  []string
	faults int
}

func doctor(ctx context.Context, s *step.Session, c *Doctor) error {
	d := &checkup{Session: s, result: &change.AssetSync{Command: "doctor", Counts: map[string]int{}}}
	var err error
	if d.reader, err = newReader(s, c.Settings, ""); err != nil {
		return s.Fail(d.result, change.Refused, err)
	}
	names := c.Env
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(d.reader.config.Environments))
	}
	if len(names) == 0 {
		return s.Fail(d.result, change.Refused, change.Failf(change.KindConfiguration, "no environment is given").WithHint("write %s, see docs/asset-sync.md", c.Config))
	}
	logicals := map[string][]string{}
	for _, name := range names {
		d.environment(ctx, name, c.Warehouses, logicals)
	}
	d.mapping(names, logicals)
	d.result.Counts["faults"] = d.faults
	d.result.Outcome = change.Done
	var failure error
	if d.faults > 0 {
		f := change.Failf(change.KindConfiguration, "%s found", plural(d.faults, "fault"))
		d.result.Outcome, d.result.Failure, failure = change.Refused, f, f
	}
	return errors.Join(failure, publish(s, c.Format, d.result, strings.Join(d.lines, "\n")))
}

func (d *checkup) say(mark, environment, format string, args ...any) {
	text := change.OneLine(fmt.Sprintf(format, args...))
	d.lines = append(d.lines, fmt.Sprintf("%-5s %s: %s", mark, environment, text))
	if mark != "ok" && d.reader.settings.Format != "text" { // there the lines are shown
		d.result.Notes = append(d.result.Notes, mark+" "+environment+": "+text)
	}
	if mark == "FAULT" {
		d.faults++
	}
	d.result.Counts[strings.ToLower(mark)]++
}

func (d *checkup) fault(environment string, err error) {
	f := change.AsFailure(err)
	text := f.Error()
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	d.say("FAULT", environment, "%s", text)
}

func (d *checkup) environment(ctx context.Context, name string, warehouses bool, logicals map[string][]string) {
	e, err := d.reader.environment(name)
	if err != nil {
		d.fault(name, err)
		return
	}
	client, err := e.client(d.Session, true)
	if err != nil {
		d.fault(name, err)
		return
	}
	defer func() {
		sent, _ := client.Requests()
		d.result.Requests += sent
	}()
	t := &site{environment: e, client: client, config: d.reader.config}
	if err := client.RenewCSRF(ctx); err != nil {
		d.fault(name, err)
		return
	}
	d.say("ok", name, "login and CSRF token")
	version, text := client.Version(ctx)
	switch {
	case text == "":
		d.say("warn", name, "the server does not tell its version")
	case version.Before(assets.Version{Major: 4, Minor: 1}):
		d.say("FAULT", name, "Superset %s: 4.1 or newer is needed", text)
	default:
		d.say("ok", name, "Superset %s", text)
	}
	d.clock(client, name)
	d.rights(ctx, client, name)
	if err := d.lists(ctx, t, logicals); err != nil {
		d.fault(name, err)
		return
	}
	if warehouses {
		d.warehouses(ctx, t)
	}
}

// clock compares with the time that the server's answers bear.
func (d *checkup) clock(client *superset.Client, name string) {
	if off := client.Ahead().Abs(); off > time.Minute {
		d.say("warn", name, "its clock is %s off", off.Round(time.Second))
	} else {
		d.say("ok", name, "clock")
	}
}

func (d *checkup) rights(ctx context.Context, client *superset.Client, name string) {
	me, err := client.Me(ctx)
	if err != nil {
		d.say("warn", name, "the rights of the account could not be asked: %v", err)
		return
	}
	if me.ID == 0 {
		d.say("warn", name, "it does not say who the account is: set login.username to the account's e-mail address, or whatever was edited last by anybody is a conflict")
		return
	}
	missing := d.databaseRights(me)
	for _, view := range []string{"Dataset", "Chart", "Dashboard"} {
		for _, right := range []string{"can_read", "can_write", "can_export"} {
			if !me.May(right, view) {
				missing = append(missing, right+" on "+view)
			}
		}
	}
	switch {
	case len(missing) > 0:
		d.say("warn", name, "the account %q may read at most: it lacks %s", me.Username, strings.Join(missing, ", "))
	case me.Admin:
		d.say("ok", name, "rights: administrator")
	default:
		d.say("ok", name, "rights: all that is its own; assets of other owners are conflicts")
	}
}

// databaseRights are those on connections that it lacks: they are only read,
// which the lists show, unless one may be made.
func (d *checkup) databaseRights(me superset.Me) (missing []string) {
	if len(d.reader.config.create) > 0 && !me.May("can_write", "Database") {
		missing = append(missing, "can_write on Database, which databases with create need")
	}
	return missing
}

// lists reads the lists as the server gives them.
func (d *checkup) lists(ctx context.Context, t *site, logicals map[string][]string) error {
	counts, without := map[assets.Kind]int{}, 0
	t.rows = map[assets.Key]superset.Row{}
	for _, kind := range assets.Kinds {
		rows, err := t.client.List(ctx, kind)
		if err != nil {
			return err
		}
		counts[kind] = len(rows)
		for _, row := range rows {
			if row.UUID == "" {
				without++
			}
			if kind == assets.Database {
				t.rows[row.Key()] = row
				logicals[t.name] = append(logicals[t.name], t.config.logical(t.name, row.Title, row.UUID))
			}
		}
	}
	pages := "each in one page"
	if size := t.client.PageSize(); size > 0 {
		pages = fmt.Sprintf("%d rows a page", size)
	}
	d.say("ok", t.name, "lists: %d databases, %d datasets, %d charts, %d dashboards; %s", counts[assets.Database], counts[assets.Dataset], counts[assets.Chart], counts[assets.Dashboard], pages)
	if without > 0 {
		d.say("warn", t.name, "its lists have no UUIDs: what changed is exported to find them")
	}
	return nil
}

func (d *checkup) warehouses(ctx context.Context, t *site) {
	for _, row := range sortedRows(t.rows, assets.Database) {
		within, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := t.client.Get(within, fmt.Sprintf("/api/v1/database/%d/schemas/", row.ID), "", &struct{}{})
		cancel()
		if err != nil {
			d.say("warn", t.name, "database %q does not answer", row.Title)
		}
	}
}

// mapping names databases that one environment has and another has not.
func (d *checkup) mapping(names []string, logicals map[string][]string) {
	for _, a := range names {
		for _, b := range names {
			for _, logical := range logicals[a] {
				if logicals[b] != nil && a != b && !slices.Contains(logicals[b], logical) && d.reader.config.create[logical].URI == "" {
					d.say("warn", b, "it has nothing for the database %q of %s: map it under databases", logical, a)
				}
			}
		}
	}
}

func sortedRows(rows map[assets.Key]superset.Row, kind assets.Kind) (all []superset.Row) {
	for _, row := range rows {
		if row.Kind == kind {
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b superset.Row) int { return a.ID - b.ID })
	return all
}
