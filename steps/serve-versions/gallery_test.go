package main

import (
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// gallery is a registry that looks like one, with a candidate of each kind:
// for people to look at, and for the checks of what they see.
type gallery struct {
	*served
	good, failed, fresh, stale lab.Pushed
}

const laboratories = `
CREATE SCHEMA registry; SET search_path = registry;
CREATE TABLE subject (subject_id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_subject PRIMARY KEY, kind text NOT NULL);
COMMENT ON TABLE subject IS 'Суб’єкт: фізична чи юридична особа';
CREATE TABLE koatuu (koatuu_id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_koatuu_id PRIMARY KEY, code varchar(10) NOT NULL CONSTRAINT ui_koatuu_code UNIQUE, name text NOT NULL);
COMMENT ON TABLE koatuu IS 'Адміністративно-територіальний устрій';
CREATE TABLE ownership (ownership_id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_ownership_id PRIMARY KEY, name text NOT NULL);
COMMENT ON TABLE ownership IS 'Форма власності';
CREATE TABLE laboratory (
	laboratory_id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_laboratory_id PRIMARY KEY,
	name text NOT NULL, edrpou char(8) CONSTRAINT ui_laboratory_edrpou UNIQUE, address text NOT NULL, phone varchar(50),
	koatuu_id uuid NOT NULL CONSTRAINT fk_laboratory_koatuu REFERENCES koatuu,
	ownership_id uuid CONSTRAINT fk_laboratory_ownership REFERENCES ownership,
	subject_id uuid CONSTRAINT fk_laboratory_subject REFERENCES subject,
	CONSTRAINT ck_laboratory_phone CHECK (phone ~ '^[+0-9 ]*$'));
CREATE INDEX ix_laboratory_koatuu ON laboratory (koatuu_id);
CREATE INDEX ix_laboratory_name ON laboratory (name, address DESC);
COMMENT ON TABLE laboratory IS 'Лабораторія';
COMMENT ON COLUMN laboratory.name IS 'Повна назва'; COMMENT ON COLUMN laboratory.edrpou IS 'Код ЄДРПОУ';
COMMENT ON COLUMN laboratory.address IS 'Адреса'; COMMENT ON COLUMN laboratory.phone IS 'Телефон'; COMMENT ON COLUMN laboratory.koatuu_id IS 'Територія';
CREATE TABLE staff (staff_id uuid CONSTRAINT pk_staff_id PRIMARY KEY, full_name text NOT NULL, salary numeric(12,2),
	laboratory_id uuid NOT NULL CONSTRAINT fk_staff_laboratory REFERENCES laboratory, subject_id uuid NOT NULL CONSTRAINT fk_staff_subject REFERENCES subject);
COMMENT ON TABLE staff IS 'Працівник лабораторії';
CREATE TABLE equipment (equipment_id uuid CONSTRAINT pk_equipment_id PRIMARY KEY, name text NOT NULL, laboratory_id uuid CONSTRAINT fk_equipment_laboratory REFERENCES laboratory);
COMMENT ON TABLE equipment IS 'Обладнання';
CREATE TABLE sample (sample_id uuid CONSTRAINT pk_sample_id PRIMARY KEY, barcode varchar(32) NOT NULL CONSTRAINT ui_sample_barcode UNIQUE, taken_at timestamptz NOT NULL,
	laboratory_id uuid NOT NULL CONSTRAINT fk_sample_laboratory REFERENCES laboratory);
COMMENT ON TABLE sample IS 'Зразок';
CREATE TABLE test_result (test_result_id uuid CONSTRAINT pk_test_result_id PRIMARY KEY, value numeric(14,4) NOT NULL, unit varchar(16) NOT NULL,
	sample_id uuid NOT NULL CONSTRAINT fk_test_result_sample REFERENCES sample, equipment_id uuid CONSTRAINT fk_test_result_equipment REFERENCES equipment);
COMMENT ON TABLE test_result IS 'Результат дослідження';
CREATE TABLE inspection (inspection_id uuid CONSTRAINT pk_inspection_id PRIMARY KEY, inspected_on date NOT NULL, conclusion text,
	laboratory_id uuid NOT NULL CONSTRAINT fk_inspection_laboratory REFERENCES laboratory);
COMMENT ON TABLE inspection IS 'Перевірка лабораторії';
`

func newGallery(t *testing.T, settings ...string) *gallery {
	t.Helper()
	s := newSceneOf(t, lab.Postgres(t, 15), laboratories)
	g := &gallery{}
	merged := s.push("Storage of samples")
	s.report(merged, 1, "1 table added", "", 0)
	s.submit(merged)
	s.clone.Git(t, "fetch", "-q", "origin")
	g.fresh = s.push("Say who answers for the registry")
	g.stale = s.push("Shorter addresses")
	s.publish(g.stale, "ALTER TABLE laboratory ALTER address TYPE varchar(100)")
	g.stale = s.clone.Amend(t, "", map[string]string{"more": "1"})
	g.failed = s.push("Couriers bring samples")
	s.report(g.failed, -1, `relation "registry.curier" does not exist`, "data-model/courier.xml", 11)
	g.good = s.push("Calibrations of equipment")
	s.publish(g.good, `CREATE TABLE calibration (calibration_id uuid CONSTRAINT pk_calibration_id PRIMARY KEY, calibrated_on date NOT NULL,
			equipment_id uuid NOT NULL CONSTRAINT fk_calibration_equipment REFERENCES equipment);
		COMMENT ON TABLE calibration IS 'Повірка обладнання';
		ALTER TABLE equipment ADD next_calibration date; COMMENT ON COLUMN equipment.next_calibration IS 'Наступна повірка';
		ALTER TABLE laboratory ALTER phone TYPE varchar(20), ADD email text NOT NULL; ALTER TABLE staff DROP salary`)
	s.report(g.good, 1, "1 table added", "", 0)
	g.served = s.serve(settings...)
	return g
}
