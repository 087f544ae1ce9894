package pg

import (
	"context"
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// readerSettings keep a reader to looking, by whatever program it looks. The
// time may be another one, the DBA's own.
var readerSettings = []struct{ name, value string }{
	{"default_transaction_read_only", "on"},
	{"search_path", "pg_catalog"},
	{"statement_timeout", "60s"},
}

// MissingSettings lists the statements that give a reader the settings that it
// lacks.
func (r *Role) MissingSettings() (statements []string) {
	for _, setting := range readerSettings {
		has := r.setting(setting.name)
		if has == setting.value || setting.name == "statement_timeout" && has != "" && has != "0" {
			continue
		}
		statements = append(statements, fmt.Sprintf("ALTER ROLE %s SET %s = %s", Ident(r.Name), setting.name, Literal(setting.value)))
	}
	return statements
}

func (r *Role) setting(name string) string {
	for _, setting := range r.Settings {
		if value, is := strings.CutPrefix(setting, name+"="); is {
			return value
		}
	}
	return ""
}

// ReaderFaults says by what a role could do more than look, each with the
// statement that mends it: a reader shall have CONNECT and nothing else.
func (r *Role) ReaderFaults(service string) (faults, remedies []string) {
	f := faultList{role: r}
	f.attributes()
	f.belongings(Ident(service))
	return f.faults, f.remedies
}

// CheckReaderRole refuses a reader role that could do more than look.
func (s *Server) CheckReaderRole(r *Role) error {
	faults, remedies := r.ReaderFaults(s.User())
	if len(faults) == 0 {
		return nil
	}
	return change.Failf(change.KindConfiguration, "reader role %q %s: it shall do nothing but look", r.Name, strings.Join(faults, ", ")).
		WithHint("as superuser: %s or give another role by --reader-role", strings.Join(remedies, " "))
}

// SetReader gives a reader that the service role manages the settings that it
// lacks.
func (s *Server) SetReader(ctx context.Context, r *Role) error {
	if err := s.transaction(ctx, r.MissingSettings()...); err != nil {
		return fmt.Errorf("set up reader role %q: %w", r.Name, Classify(err))
	}
	return nil
}
