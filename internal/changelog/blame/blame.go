// Package blame says whose fault an error is that the server reported while a
// changelog ran in its own database.
package blame

import (
	"regexp"

	"github.com/patchbay-ci/patchbay/internal/change"
)

const insufficientPrivilege = "42501"

// reserved are the server's words for what only a DBA creates. They are
// English; in another language the failure stays the candidate's.
var reserved = regexp.MustCompile(`^(?:permission denied to create (?:extension|role|database|tablespace|event trigger|foreign-data wrapper)\b` +
	`|permission denied for (?:language|foreign-data wrapper) ` +
	`|must be superuser to create )`)

// OfServer gives the kind of an error of the server, by its SQLSTATE and its
// primary message, and the remedy where there is a usual one. What only a DBA
// may create is a matter of the template: no author can mend it.
func OfServer(state, message string) (kind change.Kind, hint string) {
	switch {
	case state == "57014":
		return change.KindOfSQLState(state), "PATCHBAY_STATEMENT_TIMEOUT limits one statement"
	case state == insufficientPrivilege && reserved.MatchString(message):
		return change.KindConfiguration, "only a DBA may create it: take it out of the changelog and let the template have it, " +
			"an extension by prepare-template --extensions-from"
	}
	return change.KindOfSQLState(state), ""
}
