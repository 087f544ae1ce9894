package schema_test

var keyCases = []difference{
	{"new rules over existing rows", laboratory, `ALTER TABLE laboratory ADD UNIQUE (name), ADD CHECK (staff >= 0),
		ADD CONSTRAINT later CHECK (staff < 9) NOT VALID, ADD EXCLUDE (founded WITH =);
		CREATE UNIQUE INDEX laboratory_lower_idx ON laboratory (lower(name));
		CREATE INDEX laboratory_founded_idx ON laboratory (founded DESC) WHERE staff > 0;
		ALTER TABLE staff DROP CONSTRAINT pk_staff_id`, []string{
		`+ unique registry.laboratory.laboratory_name_key UNIQUE (name)  ! may fail on existing rows`,
		`+ check registry.laboratory.laboratory_staff_check CHECK ((staff >= 0))  ! may fail on existing rows`,
		`+ check registry.laboratory.later CHECK ((staff < 9)) NOT VALID`,
		`+ exclusion registry.laboratory.laboratory_founded_excl EXCLUDE USING btree (founded WITH =)  ! may fail on existing rows`,
		`+ index registry.laboratory.laboratory_founded_idx btree (founded DESC) WHERE (staff > 0)`,
		`+ index registry.laboratory.laboratory_lower_idx UNIQUE btree (lower(name))  ! may fail on existing rows`,
		`- primary key registry.staff.pk_staff_id  ! duplicates become possible`,
	}},
	{"rules over new columns", laboratory, `ALTER TABLE staff ADD head_id uuid REFERENCES staff, ADD code text UNIQUE`, []string{
		`+ column registry.staff.head_id uuid`,
		`+ column registry.staff.code text`,
		`+ unique registry.staff.staff_code_key UNIQUE (code)`,
		`+ foreign key registry.staff.staff_head_id_fkey FOREIGN KEY (head_id) REFERENCES registry.staff(staff_id)`,
	}},
	{"renamed key", laboratory, "ALTER TABLE laboratory RENAME CONSTRAINT laboratory_edrpou_key TO uq_edrpou", []string{
		"- unique registry.laboratory.laboratory_edrpou_key",
		"+ unique registry.laboratory.uq_edrpou UNIQUE (edrpou)",
	}},
	{"key over other columns", laboratory, `ALTER TABLE laboratory DROP CONSTRAINT pk_laboratory_id CASCADE,
		ADD CONSTRAINT pk_laboratory_id PRIMARY KEY (name)`, []string{
		`~ primary key registry.laboratory.pk_laboratory_id PRIMARY KEY (laboratory_id) → PRIMARY KEY (name)  ! duplicates become possible; may fail on existing rows`,
		`- foreign key registry.staff.fk_staff_laboratory`,
	}},
	{"foreign key that cascades", laboratory, `ALTER TABLE staff DROP CONSTRAINT fk_staff_laboratory,
		ADD CONSTRAINT fk_staff_laboratory FOREIGN KEY (laboratory_id) REFERENCES laboratory ON DELETE CASCADE`, []string{
		`~ foreign key registry.staff.fk_staff_laboratory FOREIGN KEY (laboratory_id) REFERENCES registry.laboratory(laboratory_id) → FOREIGN KEY (laboratory_id) REFERENCES registry.laboratory(laboratory_id) ON DELETE CASCADE  ! deletes cascade now`,
	}},
	{
		"triggers and policies", laboratory + `
		CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER staff_touch BEFORE INSERT ON staff FOR EACH ROW EXECUTE FUNCTION touch()`,
		`ALTER TABLE staff DISABLE TRIGGER staff_touch;
		CREATE TRIGGER laboratory_touch BEFORE UPDATE ON laboratory FOR EACH ROW EXECUTE FUNCTION touch();
		CREATE POLICY mine ON staff FOR SELECT TO $reader USING (laboratory_id IS NULL)`,
		[]string{
			`+ trigger registry.laboratory.laboratory_touch CREATE TRIGGER laboratory_touch BEFORE UPDATE ON registry.laboratory FOR EACH ROW EXECUTE FUNCTION r…`,
			`~ trigger registry.staff.staff_touch … registry.touch() → … registry.touch() DISABLED`,
			`+ policy registry.staff.mine FOR SELECT TO registry_role USING (laboratory_id IS NULL)`,
		},
	},
}

var objectCases = []difference{
	{"sequences", "CREATE SEQUENCE number; CREATE SEQUENCE old", "ALTER SEQUENCE number INCREMENT 10; DROP SEQUENCE old; CREATE SEQUENCE new AS int START 5", []string{
		`~ sequence registry.number bigint → bigint INCREMENT 10`,
		`- sequence registry.old  ! its counter is lost`,
		`+ sequence registry.new integer START 5`,
	}},
	{
		"types", `CREATE TYPE status AS ENUM ('new', 'done'); CREATE TYPE address AS (city text, street text);
		CREATE DOMAIN code AS text; CREATE DOMAIN short AS varchar(9); CREATE TYPE gone AS ENUM ('x'); CREATE TYPE kind AS ENUM ('a', 'b')`,
		`ALTER TYPE status ADD VALUE 'started' AFTER 'new'; ALTER TYPE address DROP ATTRIBUTE street;
		ALTER DOMAIN code SET NOT NULL; ALTER DOMAIN short ADD CHECK (VALUE <> ''); DROP TYPE gone;
		DROP TYPE kind; CREATE TYPE kind AS ENUM ('a'); CREATE TYPE span AS RANGE (subtype = date)`,
		[]string{
			`~ type registry.address composite (city text, street text) → composite (city text)  ! an attribute is gone`,
			`~ type registry.code domain text → domain text NOT NULL  ! NOT NULL added: may fail on existing rows`,
			`- type registry.gone`,
			`~ type registry.kind enum ('a', 'b') → enum ('a')  ! a label is gone`,
			`~ type registry.short domain character varying(9) → domain character varying(9) CONSTRAINT short_check CHECK (((VALUE)::text <> ''::text))  ! may fail on existing rows`,
			`~ type registry.status enum ('new', 'done') → enum ('new', 'started', 'done')`,
			`+ type registry.span range date`,
		},
	},
	{
		"views", laboratory + "CREATE VIEW laboratory_v AS SELECT 'a'::text AS name; CREATE VIEW old_v AS SELECT 1 AS one",
		`DROP VIEW old_v; CREATE OR REPLACE VIEW laboratory_v AS SELECT 'a'::text AS name, 1 AS number;
		CREATE MATERIALIZED VIEW count_v AS SELECT count(*) FROM laboratory; CREATE UNIQUE INDEX count_i ON count_v (count)`,
		[]string{
			`~ view registry.laboratory_v (name text) AS SELECT 'a'::text AS name; → (name text, number integer) AS SELECT 'a'::text AS name, 1 AS number;`,
			`- view registry.old_v`,
			`+ view registry.count_v MATERIALIZED (count bigint) AS SELECT count(*) AS count FROM registry.laboratory;`,
		},
	},
	{"a view in the place of a table", laboratory, "DROP TABLE staff; CREATE VIEW staff AS SELECT 1 AS one", []string{
		`- table registry.staff (2 columns)  ! its rows are lost`,
		`+ view registry.staff (one integer) AS SELECT 1 AS one;`,
	}},
	{
		"functions", `CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 2'`,
		`CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 3'; DROP FUNCTION f(text);
		CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC SELECT 1; END;
		CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')`,
		[]string{
			`~ function registry.f(a integer) returns integer language sql (4 lines, sha256 b4451aa74414bc02) → returns integer language sql (4 lines, sha256 ce3ea3082b42d2ab)`,
			`- function registry.f(a text)`,
			`+ function registry.p() procedure language sql (5 lines, sha256 2d8a733dd2869228)`,
			`+ function registry.total(integer) aggregate returns integer language internal (1 line, sha256 14ed5e920ceb7a00)`,
		},
	},
	{"rarer kinds", laboratory, `CREATE STATISTICS s ON founded, staff FROM laboratory;
		CREATE RULE r AS ON DELETE TO staff DO INSTEAD NOTHING;
		CREATE COLLATION mine FROM "C"; CREATE PUBLICATION patchbay_p FOR TABLE staff;
		CREATE TYPE status AS ENUM ('a');
		CREATE FUNCTION int_of(status) RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE CAST (status AS int) WITH FUNCTION int_of(status);
		CREATE OPERATOR |+| (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
		COMMENT ON RULE r ON staff IS 'why'`, []string{
		`+ type registry.status enum ('a')`,
		`+ function registry.int_of(registry.status) returns integer language sql (4 lines, sha256 b1b8717d02385cdd)`,
		`+ cast (registry.status AS integer) method f function registry.int_of(registry.status) context e`,
		`+ collation registry.mine provider c collate C deterministic t`,
		`+ operator registry.|+|(integer,integer) function int4pl`,
		`+ publication patchbay_p for registry.staff`,
		`+ rule registry.staff.r CREATE RULE r AS ON DELETE TO registry.staff DO INSTEAD NOTHING;`,
		`+ statistics registry.s CREATE STATISTICS registry.s ON founded, staff FROM registry.laboratory`,
	}},
}

var grantCases = []difference{
	{"grants", laboratory + "CREATE SEQUENCE number", `GRANT SELECT ON laboratory TO PUBLIC; GRANT SELECT, INSERT ON staff TO $reader WITH GRANT OPTION;
		GRANT SELECT (name) ON laboratory TO $reader; REVOKE UPDATE ON SEQUENCE number FROM $owner`, []string{
		`+ grant registry.number registry_owner_role: SELECT, USAGE`,
		`+ grant registry.laboratory PUBLIC: SELECT  ! granted to PUBLIC`,
		`+ grant registry.laboratory.name registry_role: SELECT`,
		`+ grant registry.staff registry_role: INSERT WITH GRANT OPTION, SELECT WITH GRANT OPTION`,
	}},
	{"a grant of what is the default", laboratory, "GRANT ALL ON laboratory TO $owner", nil},
	{"grants on new objects", "", laboratory + `GRANT SELECT ON laboratory TO PUBLIC; CREATE VIEW v AS SELECT 1 AS one; GRANT SELECT (one) ON v TO PUBLIC;
		CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE status AS ENUM ('a')`, []string{
		`+ type registry.status enum ('a')`,
		`+ table registry.laboratory (5 columns)  ! granted to PUBLIC`,
		`+ table registry.staff (2 columns)`,
		`+ view registry.v (one integer) AS SELECT 1 AS one;  ! granted to PUBLIC`,
		`+ function registry.f() returns integer language sql (4 lines, sha256 75c8f113c6aaa7e8)`,
	}},
	{
		"functions closed and opened", `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
		REVOKE EXECUTE ON FUNCTION g() FROM PUBLIC`,
		"REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION g() TO PUBLIC",
		[]string{
			`- grant registry.f() PUBLIC: EXECUTE`,
			`+ grant registry.g() PUBLIC: EXECUTE  ! granted to PUBLIC`,
		},
	},
	{"schema", "", "GRANT USAGE ON SCHEMA registry TO PUBLIC; COMMENT ON SCHEMA registry IS 'Реєстр'; ALTER DEFAULT PRIVILEGES IN SCHEMA registry GRANT SELECT ON TABLES TO PUBLIC", []string{
		`+ comment registry Реєстр`,
		`+ grant registry PUBLIC: USAGE  ! granted to PUBLIC`,
		`+ default privileges tables of registry_owner_role in registry SELECT to PUBLIC  ! granted to PUBLIC`,
	}},
	{"owner", laboratory + "GRANT ALL ON SCHEMA registry TO $reader", "RESET ROLE; ALTER TABLE staff OWNER TO $reader; SET ROLE $owner", []string{
		`~ owner registry.staff registry_owner_role → registry_role`,
	}},
}
