package changelog

import (
	"cmp"

	"github.com/pressly/goose/v3"

	"github.com/patchbay-ci/patchbay/internal/changelog/liquibase"
)

// TrackingTables are the tables of the engine itself, which are no part of
// the model: with their schema where the settings name it, else by name alone.
func (s Settings) TrackingTables() []string {
	if s.Goose() {
		return []string{s.gooseTable()}
	}
	table, lock := s.liquibaseTables()
	if s.LiquibaseSchema != "" {
		table, lock = s.LiquibaseSchema+"."+table, s.LiquibaseSchema+"."+lock
	}
	return []string{table, lock}
}

func (s Settings) gooseTable() string { return cmp.Or(s.ChangelogTable, goose.DefaultTablename) }

func (s Settings) liquibaseTables() (table, lock string) {
	table = cmp.Or(s.ChangelogTable, liquibase.OwnTable)
	return table, liquibase.LockTable(table)
}
