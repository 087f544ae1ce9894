ALTER TYPE status ADD VALUE 'CLOSED';
DROP SEQUENCE registration_number;
CREATE TABLE staff (
    staff_id uuid NOT NULL CONSTRAINT pk_staff_id PRIMARY KEY,
    laboratory_id uuid NOT NULL CONSTRAINT fk_staff_laboratory REFERENCES laboratory (laboratory_id),
    full_name text NOT NULL
);
COMMENT ON TABLE staff IS 'Персонал';
GRANT SELECT ON staff TO PUBLIC;
ALTER TABLE laboratory ALTER premises_file TYPE varchar(100), DROP tags, ADD phone text NOT NULL;
ALTER TABLE laboratory ADD CONSTRAINT laboratory_name_key UNIQUE (name);
DROP INDEX ix_laboratory_koatuu;
DROP TRIGGER laboratory_touch ON laboratory;
COMMENT ON COLUMN laboratory.name IS 'Повна назва';
DROP TABLE event;
CREATE OR REPLACE VIEW status_v AS SELECT 'ACTIVE'::status AS status;
DROP FUNCTION touch();
GRANT USAGE ON SCHEMA registry TO PUBLIC;
