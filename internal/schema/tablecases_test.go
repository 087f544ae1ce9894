package schema_test

const laboratory = `
	CREATE TABLE laboratory (
		laboratory_id uuid NOT NULL,
		name text NOT NULL,
		edrpou character varying(100),
		founded date,
		staff bigint DEFAULT 0,
		CONSTRAINT pk_laboratory_id PRIMARY KEY (laboratory_id),
		CONSTRAINT laboratory_edrpou_key UNIQUE (edrpou));
	CREATE TABLE staff (
		staff_id uuid NOT NULL CONSTRAINT pk_staff_id PRIMARY KEY,
		laboratory_id uuid CONSTRAINT fk_staff_laboratory REFERENCES laboratory (laboratory_id));`

var tableCases = []difference{
	{"nothing", laboratory, "", nil},
	{"new tables, one with a serial", "", laboratory + "CREATE TABLE koatuu (id bigserial, code text)", []string{
		"+ table registry.koatuu (2 columns)",
		"+ table registry.laboratory (5 columns)",
		"+ table registry.staff (2 columns)",
	}},
	{"dropped table", laboratory, "DROP TABLE laboratory CASCADE", []string{
		"- table registry.laboratory (5 columns)  ! its rows are lost",
		"- foreign key registry.staff.fk_staff_laboratory",
	}},
	{"renamed table", "CREATE TABLE a (id int)", "ALTER TABLE a RENAME TO b", []string{
		"- table registry.a (1 column)  ! its rows are lost",
		"+ table registry.b (1 column)",
	}},
	{"table moved to another schema", "CREATE TABLE a (id int)", "CREATE SCHEMA archive; ALTER TABLE a SET SCHEMA archive", []string{
		"+ schema archive",
		"- table registry.a (1 column)  ! its rows are lost",
		"+ table archive.a (1 column)",
	}},
	{
		"unlogged, row security", laboratory + "ALTER TABLE staff ENABLE ROW LEVEL SECURITY",
		"ALTER TABLE staff SET UNLOGGED, DISABLE ROW LEVEL SECURITY; ALTER TABLE laboratory ENABLE ROW LEVEL SECURITY",
		[]string{
			`~ table registry.laboratory table → table, ROW SECURITY`,
			`~ table registry.staff table, ROW SECURITY → table, UNLOGGED  ! its rows do not survive a crash; rows are no longer filtered`,
		},
	},
	{
		"partitions", "CREATE TABLE log (id int, day date) PARTITION BY RANGE (day)",
		"CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
		[]string{
			"+ table registry.log_2026 (2 columns, PARTITION OF registry.log, FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'))",
		},
	},
	{
		"what partitions inherit is said once", `CREATE TABLE log (id int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
		CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`,
		`ALTER TABLE log ADD note text, ADD PRIMARY KEY (id, day);
		CREATE INDEX log_note ON log (note)`,
		[]string{
			"+ column registry.log.note text",
			"+ primary key registry.log.log_pkey PRIMARY KEY (id, day)  ! may fail on existing rows",
			"+ index registry.log.log_note btree (note)",
		},
	},
	{
		"what is a partition's own", `CREATE TABLE log (id int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
		CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`,
		`ALTER TABLE log ALTER id TYPE bigint; ALTER TABLE log_2026 ALTER day SET DEFAULT '2026-01-01';
		COMMENT ON COLUMN log_2026.id IS 'own'`,
		[]string{
			"~ column registry.log.id integer NOT NULL → bigint NOT NULL",
			"+ comment registry.log_2026.id own",
			"~ column registry.log_2026.day date NOT NULL → date NOT NULL DEFAULT '2026-01-01'::date",
		},
	},
	{
		"detached partition", `CREATE TABLE log (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (2)`,
		"ALTER TABLE log DETACH PARTITION log_1",
		[]string{
			"~ table registry.log_1 table, PARTITION OF registry.log, FOR VALUES FROM (1) TO (2) → table",
		},
	},
	{
		"foreign key to a partitioned table", `CREATE TABLE log (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (2);
		CREATE TABLE entry (log_id int)`,
		"ALTER TABLE entry ADD CONSTRAINT fk_entry_log FOREIGN KEY (log_id) REFERENCES log",
		[]string{
			"+ foreign key registry.entry.fk_entry_log FOREIGN KEY (log_id) REFERENCES registry.log(id)  ! may fail on existing rows",
		},
	},
	{"names that people would misread", "", `CREATE TABLE "a.b" ("x "" y" int, "рік" int); CREATE TABLE a (id int)`, []string{
		`+ table registry.a (1 column)`,
		`+ table registry."a.b" (2 columns)`,
	}},
}

var columnCases = []difference{
	{"new columns", laboratory, `ALTER TABLE laboratory ADD phone text, ADD kind text NOT NULL,
		ADD active boolean NOT NULL DEFAULT true, ADD number int GENERATED ALWAYS AS IDENTITY (START 100),
		ADD label text GENERATED ALWAYS AS (upper(name)) STORED`, []string{
		"+ column registry.laboratory.phone text",
		"+ column registry.laboratory.kind text NOT NULL  ! NOT NULL without default: fails on existing rows",
		"+ column registry.laboratory.active boolean NOT NULL DEFAULT true",
		"+ column registry.laboratory.number integer NOT NULL GENERATED ALWAYS AS IDENTITY (START 100)",
		"+ column registry.laboratory.label text GENERATED ALWAYS AS (upper(name)) STORED",
	}},
	{"dropped columns", laboratory, "ALTER TABLE laboratory DROP edrpou, DROP founded", []string{
		"- column registry.laboratory.edrpou  ! its values are lost",
		"- column registry.laboratory.founded  ! its values are lost",
		"- unique registry.laboratory.laboratory_edrpou_key",
	}},
	{"narrowed types", laboratory, `ALTER TABLE laboratory ALTER name TYPE varchar(50),
		ALTER edrpou TYPE varchar(8), ALTER staff TYPE int`, []string{
		"~ column registry.laboratory.name text NOT NULL → character varying(50) NOT NULL  ! narrowed",
		"~ column registry.laboratory.edrpou character varying(100) → character varying(8)  ! narrowed",
		"~ column registry.laboratory.staff bigint DEFAULT 0 → integer DEFAULT 0  ! narrowed",
	}},
	{"widened types", laboratory, `ALTER TABLE laboratory ALTER edrpou TYPE varchar(200),
		ALTER founded TYPE timestamptz, ALTER staff TYPE numeric`, []string{
		"~ column registry.laboratory.edrpou character varying(100) → character varying(200)",
		"~ column registry.laboratory.founded date → timestamp with time zone",
		"~ column registry.laboratory.staff bigint DEFAULT 0 → numeric DEFAULT 0",
	}},
	{"converted type", laboratory, "ALTER TABLE laboratory ALTER edrpou TYPE uuid USING NULL", []string{
		"~ column registry.laboratory.edrpou character varying(100) → uuid  ! existing values may not convert",
	}},
	{"nullability and default", laboratory, `ALTER TABLE laboratory ALTER founded SET NOT NULL, ALTER name DROP NOT NULL,
		ALTER staff SET DEFAULT 1`, []string{
		"~ column registry.laboratory.name text NOT NULL → text",
		"~ column registry.laboratory.founded date → date NOT NULL  ! NOT NULL added: may fail on existing rows",
		"~ column registry.laboratory.staff bigint DEFAULT 0 → bigint DEFAULT 1",
	}},
	{"collation", laboratory, `ALTER TABLE laboratory ALTER name TYPE text COLLATE "C"`, []string{
		`~ column registry.laboratory.name text NOT NULL → text COLLATE pg_catalog."C" NOT NULL`,
	}},
	{
		"comments", laboratory + "COMMENT ON TABLE staff IS 'Персонал'; COMMENT ON COLUMN laboratory.name IS 'Назва'",
		`COMMENT ON TABLE laboratory IS 'Лабораторія'; COMMENT ON TABLE staff IS NULL;
		COMMENT ON COLUMN laboratory.name IS 'Повна назва'; COMMENT ON CONSTRAINT pk_laboratory_id ON laboratory IS 'Ключ'`,
		[]string{
			"+ comment registry.laboratory Лабораторія",
			"~ comment registry.laboratory.name Назва → Повна назва",
			"+ comment registry.laboratory.pk_laboratory_id Ключ",
			"- comment registry.staff Персонал",
		},
	},
}
