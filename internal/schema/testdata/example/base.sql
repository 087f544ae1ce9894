CREATE SCHEMA registry;
COMMENT ON SCHEMA registry IS 'Реєстр лабораторій';
GRANT USAGE ON SCHEMA registry TO $reader;
SET search_path = registry;

CREATE TYPE status AS ENUM ('NEW', 'ACTIVE');
COMMENT ON TYPE status IS 'Стан';
CREATE TYPE address AS (city text, street text);
CREATE DOMAIN edrpou AS varchar(8) CONSTRAINT edrpou_digits CHECK (VALUE ~ '^[0-9]+$');
CREATE SEQUENCE registration_number START 1000;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TABLE koatuu (
    koatuu_id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_koatuu_id PRIMARY KEY,
    code char(10) NOT NULL,
    name text NOT NULL,
    CONSTRAINT koatuu_code_key UNIQUE (code)
);
COMMENT ON TABLE koatuu IS 'КОАТУУ';

CREATE TABLE laboratory (
    laboratory_id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_laboratory_id PRIMARY KEY,
    number integer GENERATED ALWAYS AS IDENTITY (START 100),
    name text NOT NULL,
    edrpou edrpou,
    koatuu_id uuid NOT NULL CONSTRAINT fk_laboratory_koatuu REFERENCES koatuu (koatuu_id),
    status status NOT NULL DEFAULT 'NEW',
    tags text[],
    premises_file varchar(255),
    search text GENERATED ALWAYS AS (lower(name)) STORED,
    updated_at timestamptz,
    CONSTRAINT laboratory_edrpou_key UNIQUE (edrpou),
    CONSTRAINT laboratory_name_check CHECK (name <> ''),
    EXCLUDE (number WITH =)
);
COMMENT ON TABLE laboratory IS 'Лабораторія';
COMMENT ON COLUMN laboratory.name IS 'Назва';
CREATE INDEX ix_laboratory_koatuu ON laboratory (koatuu_id, name DESC) WHERE status = 'ACTIVE';
CREATE TRIGGER laboratory_touch BEFORE UPDATE ON laboratory FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE laboratory ENABLE ROW LEVEL SECURITY;
CREATE POLICY active_only ON laboratory FOR SELECT TO $reader USING (status = 'ACTIVE');
GRANT SELECT ON laboratory TO $reader;

CREATE TABLE event (day date NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

CREATE VIEW status_v AS SELECT 'NEW'::status AS status;
CREATE STATISTICS laboratory_statistics ON koatuu_id, status FROM laboratory;
