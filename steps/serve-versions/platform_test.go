package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// documented is a registry as the platform's own changelog makes it. What its
// service would answer of it lies in testdata/platform, written by hand after
// its documentation; this server never writes there.
const documented = `
CREATE EXTENSION "uuid-ossp" SCHEMA public;
CREATE SCHEMA registry; SET search_path = registry, public;
CREATE DOMAIN dn_edrpou AS text CHECK (VALUE ~ '^[0-9]{8}$');
CREATE TYPE type_file AS (id text, checksum text);
CREATE TABLE subject (subject_id uuid CONSTRAINT pk_subject_id PRIMARY KEY);
CREATE TABLE "Koatuu" (koatuu_id uuid CONSTRAINT pk_koatuu_id PRIMARY KEY);
COMMENT ON TABLE "Koatuu" IS 'Адміністративно-територіальний устрій';
CREATE TABLE laboratory (
	laboratory_id uuid DEFAULT uuid_generate_v4() CONSTRAINT pk_laboratory_id PRIMARY KEY,
	name text NOT NULL, edrpou dn_edrpou CONSTRAINT ui_laboratory_edrpou UNIQUE, kind char(1) NOT NULL DEFAULT 'A', phone varchar(50),
	active boolean DEFAULT true, founded date, seen timestamptz, rooms int DEFAULT 0, area double precision, visits bigint, staff_ids uuid[], licence type_file,
	koatuu_id uuid NOT NULL CONSTRAINT fk_laboratory_koatuu REFERENCES "Koatuu",
	subject_id uuid NOT NULL CONSTRAINT fk_laboratory_subject REFERENCES subject,
	ddm_created_at timestamptz NOT NULL DEFAULT now(), ddm_created_by text, dcm_classification text);
COMMENT ON TABLE laboratory IS 'Лабораторія'; COMMENT ON COLUMN laboratory.laboratory_id IS 'Ідентифікатор';
CREATE UNIQUE INDEX ux_laboratory_name ON laboratory (name DESC, phone);
CREATE INDEX ix_laboratory_koatuu__koatuu_id ON laboratory (koatuu_id);
CREATE INDEX ix_laboratory_hash ON laboratory USING hash (name);
CREATE INDEX ix_laboratory_staff_m2m ON laboratory USING gin (staff_ids);
CREATE TABLE laboratory_hst (laboratory_id uuid, ddm_created_at timestamptz, CONSTRAINT ui_laboratory_hst UNIQUE (laboratory_id, ddm_created_at));
CREATE VIEW laboratory_staff_rel_v AS SELECT laboratory_id FROM laboratory;
CREATE TABLE staff (staff_id uuid CONSTRAINT pk_staff_id PRIMARY KEY, subject_id uuid CONSTRAINT fk_staff_subject REFERENCES subject);
CREATE TABLE staff_status (id uuid); COMMENT ON TABLE staff_status IS 'Статус працівника';
CREATE TABLE staffing (note text); CREATE TABLE ddm_source_system (id int);
CREATE TABLE databasechangelog (id text); CREATE TABLE databasechangeloglock (id int);
`

// TestDocumentedExamples: names, order and values are the platform's; what is
// ours stands behind them.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	s := newSceneOf(t, lab.Postgres(t, 15), documented)
	v := s.serve("PATCHBAY_PENDING_NAME=PENDING")
	v.wantExample("master-none.json", "/versions/master")
	merged := s.push("storage")
	s.report(merged, 1, "1 table added", "", 0)
	s.submit(merged)
	s.clone.Git(t, "fetch", "-q", "origin")
	p := s.push("calibrations")
	s.gerrit.MustREST(t, s.gerrit.Dev(), "PUT", lab.ChangePath(p.Project, p.Number, "topic"), `{"topic":"Повірка обладнання"}`)
	s.publish(p, "")
	of := fmt.Sprintf("/versions/candidates/%d", p.Number)
	for file, path := range map[string]string{
		"master.json": "/versions/master", "candidates.json": "/versions/candidates", "candidate.json": of,
		"error-change.json": "/versions/candidates/9999999", "error-view.json": of + "/tables/laboratory_staff_rel_v",
	} {
		v.wantExample(file, path)
	}
	for file, below := range map[string]string{"tables.json": "", "table.json": "/laboratory", "table-nokey.json": "/staffing", "error-table.json": "/none"} {
		v.wantExample(file, "/versions/master/tables"+below)
		v.wantExample(file, of+"/tables"+below)
	}
}

func (v *served) wantExample(file, path string) {
	v.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "platform", file))
	v.must(err)
	v.like(path, text, []byte(v.get(path).body))
}

// maps are objects whose keys are names of the model, in no order.
var maps = []string{"columns", "foreignKeys", "uniqueConstraints", "indices", "messageParameters"}

// like compares JSON as it stands on the wire. An example of the form "/…/" is
// a pattern.
func (v *served) like(at string, want, got json.RawMessage) {
	v.Helper()
	var text string
	switch {
	case bytes.HasPrefix(want, []byte("{")) && bytes.HasPrefix(got, []byte("{")):
		v.likeObject(at, want, got)
	case bytes.HasPrefix(want, []byte("[")) && bytes.HasPrefix(got, []byte("[")):
		var wants, gots []json.RawMessage
		v.must(json.Unmarshal(want, &wants))
		v.must(json.Unmarshal(got, &gots))
		if len(wants) != len(gots) {
			v.Errorf("%s: %d elements, want %d: %s", at, len(gots), len(wants), got)
			return
		}
		for i := range wants {
			v.like(at+"["+strconv.Itoa(i)+"]", wants[i], gots[i])
		}
	case json.Unmarshal(want, &text) == nil && len(text) > 1 && strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/"):
		var value string
		if json.Unmarshal(got, &value) != nil || !regexp.MustCompile(text[1:len(text)-1]).MatchString(value) {
			v.Errorf("%s: %s, want %s", at, got, text)
		}
	case !bytes.Equal(bytes.TrimSpace(want), bytes.TrimSpace(got)):
		v.Errorf("%s: %s, want %s", at, got, want)
	}
}

func (v *served) likeObject(at string, want, got json.RawMessage) {
	v.Helper()
	wantKeys, gotKeys := firstKeys(v.T, string(want)), firstKeys(v.T, string(got))
	if slices.Contains(maps, at[strings.LastIndexByte(at, '.')+1:]) {
		slices.Sort(wantKeys)
		slices.Sort(gotKeys)
	} else {
		gotKeys = gotKeys[:min(len(wantKeys), len(gotKeys))]
	}
	if !slices.Equal(gotKeys, wantKeys) {
		v.Errorf("%s: fields %v, want %v", at, gotKeys, wantKeys)
		return
	}
	for _, key := range wantKeys {
		v.like(at+"."+key, json.RawMessage(field(v.T, string(want), key)), json.RawMessage(field(v.T, string(got), key)))
	}
}
