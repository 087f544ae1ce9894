package liquibase

// OwnTable is Liquibase's name for its tracking table, as PostgreSQL folds it.
const OwnTable = "databasechangelog"

// LockTable is the lock table beside a tracking table.
func LockTable(table string) string {
	if table == OwnTable {
		return table + "lock"
	}
	return table + "_lock"
}
