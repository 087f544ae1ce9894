package lab

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestStatementProxy: what is lost was done, what never arrived was not, and
// every session goes.
func TestStatementProxy(t *testing.T) {
	t.Parallel()
	site := Postgres(t, 15)
	target := fmt.Sprintf("%s:%d", site.Server.Host, site.Server.Port)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec} {
		for _, cut := range []StatementCut{{At: 3}, {At: 3, Lost: true}, {At: 3, Lost: true, Away: true}} {
			name := strings.NewReplacer(" ", "_", "+", "_").Replace(fmt.Sprint("t_", mode, " ", cut.Lost, " ", cut.Away))
			p := NewStatementProxy(t, target, cut)
			conn, bystander := Connect(t, site.ThroughProxy(p.Address())), Connect(t, site.ThroughProxy(p.Address()))
			for i, sql := range []string{"SELECT 1", "CREATE TABLE " + name + "_a ()", "CREATE TABLE " + name + "_b ()"} {
				if _, err := conn.Exec(t.Context(), sql, mode); (err != nil) != (i == 2) {
					t.Errorf("%+v: statement %d: %v", cut, i+1, err)
				}
			}
			if seen, struck := p.Seen(); seen != 3 || struck != "CREATE TABLE "+name+"_b ()" {
				t.Errorf("%+v: %d statements, cut at %q", cut, seen, struck)
			}
			if bystander.Ping(t.Context()) == nil {
				t.Errorf("%+v: the other session lives on", cut)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			again, err := pgx.Connect(ctx, site.ThroughProxy(p.Address()))
			if (err != nil) != cut.Away {
				t.Errorf("%+v: a new session: %v", cut, err)
			}
			if err == nil {
				again.Close(ctx)
			}
			cancel()
			p.Back()
			direct := Connect(t, site.URL)
			for table, want := range map[string]bool{"_a": true, "_b": cut.Lost} {
				var there bool
				err := direct.QueryRow(t.Context(), "SELECT to_regclass($1) IS NOT NULL", name+table).Scan(&there)
				if err != nil || there != want {
					t.Errorf("%+v: table %s: there %t, %v; want %t", cut, name+table, there, err, want)
				}
			}
		}
	}
}
