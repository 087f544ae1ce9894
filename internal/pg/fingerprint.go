package pg

import (
	"context"
	"fmt"
	"strings"
)

// structural are the catalogs that DDL writes to. Left out: pg_statistic and
// what else VACUUM and ANALYZE write, shared catalogs, and those that an
// ordinary role may not read.
var structural = strings.Fields(`
	pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_cast pg_class
	pg_collation pg_constraint pg_conversion pg_default_acl pg_depend pg_description
	pg_enum pg_event_trigger pg_extension pg_foreign_data_wrapper pg_foreign_server
	pg_foreign_table pg_index pg_inherits pg_init_privs pg_language
	pg_largeobject_metadata pg_namespace pg_opclass pg_operator pg_opfamily
	pg_partitioned_table pg_policy pg_proc pg_publication pg_publication_namespace
	pg_publication_rel pg_range pg_rewrite pg_seclabel pg_sequence pg_statistic_ext
	pg_transform pg_trigger pg_ts_config pg_ts_config_map pg_ts_dict pg_ts_parser
	pg_ts_template pg_type`)

// Fingerprint is a SHA-256, in hex, of the database's OID and of which row
// versions its catalogs hold: their number and the sum of their hashes, which
// needs no sorting. Any DDL makes a new row version; VACUUM and ANALYZE write
// to pg_class in place and so leave it alone. Equal structures in two databases
// have different fingerprints: it tells whether one database was touched, and
// is cheap.
func (s *Server) Fingerprint(ctx context.Context, database string) (string, error) {
	if s.early != nil {
		if f, first := <-s.early; first && f.database == database {
			return f.digest, f.err
		}
	}
	return s.fingerprint(ctx, database)
}

// fingerprint is what was found out about a database, or why nothing was.
type fingerprint struct {
	database, digest string
	err              error
}

func (s *Server) lookEarly(ctx context.Context, database string) {
	early := make(chan fingerprint, 1)
	s.early = early
	go func() {
		defer close(early)
		digest, err := s.fingerprint(ctx, database)
		early <- fingerprint{database, digest, err}
	}()
}

func (s *Server) fingerprint(ctx context.Context, database string) (string, error) {
	conn, err := s.Catalog(ctx, database)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var digest string
	if err := conn.QueryRow(ctx, fingerprintQuery()).Scan(&digest); err != nil {
		return "", fmt.Errorf("fingerprint database %q: %w", database, Classify(err))
	}
	return digest, nil
}

func fingerprintQuery() string {
	selects := make([]string, len(structural))
	for i, catalog := range structural {
		selects[i] = "SELECT tableoid, ctid, xmin FROM pg_catalog." + catalog
	}
	return `SELECT encode(sha256(convert_to(concat_ws(' ', (SELECT oid FROM pg_database WHERE datname = current_database()),
			count(*), sum(hash_record_extended(ROW(tableoid, ctid, xmin), 0)::numeric)), 'UTF8')), 'hex')
		FROM (` + strings.Join(selects, " UNION ALL ") + `) rows`
}
