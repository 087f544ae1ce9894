package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// nameIn gives what a database is to be called in an environment, and its UUID
// there: either may be configured.
func (c *configuration) nameIn(e environment, logical string) (name, uuid string) {
	switch as := c.Databases[logical][e.name]; {
	case as == "":
		return logical, assets.NewUUID(e.URL, logical)
	case assets.IsUUID(as):
		return logical, strings.ToLower(as)
	default:
		return as, assets.NewUUID(e.URL, logical)
	}
}

// logical gives the logical name of a database that an environment has.
func (c *configuration) logical(environment, name, uuid string) string {
	for logical, entry := range c.Databases {
		if as := entry[environment]; as != "" && (as == name || strings.EqualFold(as, uuid)) {
			return logical
		}
	}
	return name
}

// logicalAnywhere gives the logical name of a database of some environment: a
// configured UUID tells it surely, else a name, if it is only one database's.
func (c *configuration) logicalAnywhere(name, uuid string) (string, error) {
	var found []string
	for logical, entry := range c.Databases {
		for environment := range c.Environments {
			switch as := entry[environment]; {
			case strings.EqualFold(as, uuid):
				return logical, nil
			case as == name, as == "" && logical == name:
				found = append(found, logical)
			}
		}
	}
	slices.Sort(found)
	switch found = slices.Compact(found); len(found) {
	case 0:
		return name, nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("the database %q (%s) may be any of %s, by its environment: give its UUID under databases, or take the environment itself", name, uuid, strings.Join(quoted(found), ", "))
}

// matchDatabases gives databases of the source that the target has by another
// name the target's: one has the same UUID where the environments were copied
// or imported, as long as nothing else is configured.
func (y *synchronisation) matchDatabases(read *content) {
	for _, a := range y.source.Of(assets.Database) {
		if _, named := y.to.space.DatabaseUUID(a.UUID); named || len(y.reader.config.Databases[a.UUID]) > 0 {
			continue
		}
		uuid := read.databaseUUID(a.UUID)
		there := y.to.space.LogicalName(uuid)
		if uuid == "" || there == uuid || read.set.Get(assets.Key{Kind: assets.Database, UUID: there}) != nil || len(y.reader.config.Databases[there]) > 0 {
			continue
		}
		y.source.RenameDatabase(a.UUID, there)
		y.note("database %q is taken for %q of %s, which has its UUID; name it under databases, so that trees of both are the same", a.UUID, there, y.To)
	}
}

// databaseUUID is that of a logical name in the place itself, "" where it knows
// none.
func (c *content) databaseUUID(logical string) string {
	if c.site != nil {
		uuid, _ := c.site.space.DatabaseUUID(logical)
		return uuid
	}
	return strings.ToLower(c.databases[logical].Get("uuid").Str())
}
