package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/message"
	"github.com/patchbay-ci/patchbay/internal/pg"
	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestShownSettings: what is hidden, what is a view and what is an engine's is
// what the settings say, and nothing of their defaults.
func TestShownSettings(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.site.Super(t, s.master, "CREATE TABLE registry.model_version (id int); CREATE TABLE registry.model_version_lock (id int)")
	v := s.serve("PATCHBAY_HIDE_TABLE_SUFFIXES=_result", "PATCHBAY_HIDE_COLUMN_PREFIXES=pho,na", "PATCHBAY_HIDE_INDEX_SUFFIXES=_name",
		"PATCHBAY_VIEW_SUFFIXES=mark", "PATCHBAY_TRACKING_TABLES=nokey", "PATCHBAY_CHANGELOG_TABLE=model_version")
	tables, _ := read[[]api.TableInfoShort](v, "/versions/master/tables")
	if diff := cmp.Diff([]string{"databasechangelog", "databasechangeloglock", "laboratory", "laboratory_hst", "subject"}, names(tables)); diff != "" {
		t.Error(diff)
	}
	table, _ := read[api.TableInfo](v, "/versions/master/tables/laboratory")
	var columns, indexes []string
	for _, c := range table.Columns {
		columns = append(columns, c.Name)
	}
	for _, i := range append(table.UniqueConstraints, table.Indices...) {
		indexes = append(indexes, i.Name)
	}
	if diff := cmp.Diff([]string{"laboratory_id", "edrpou", "state", "tags", "subject_id", "price", "number", "ddm_created_at", "dcm_access_role", "ddmark"}, columns); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ui_laboratory_edrpou", "ix_laboratory_lower", "ix_laboratory_tags_m2m"}, indexes); diff != "" {
		t.Error(diff)
	}
	v.wantErrors(
		errorRow{"/versions/master/tables/ddmark", 400, api.CodeBadRequest, false, "mark"},
		errorRow{"/versions/master/tables/laboratory_v", 404, api.CodeTableNotFound, false, ""},
		errorRow{"/versions/master/tables/test_result", 404, api.CodeTableNotFound, false, ""},
		errorRow{"/versions/master/tables/model_version_lock", 404, api.CodeTableNotFound, false, ""},
	)
}

// TestReviewSettings: label, pipeline, account and branch are the ones that are
// set.
func TestReviewSettings(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	merged := s.push("storage")
	s.report(merged, 1, "1 table added", "", 0)
	s.submit(merged)
	p := s.push("couriers")
	s.report(p, -1, "no such type", "data-model/couriers.xml", 3)
	s.gerrit.MustREST(t, s.gerrit.Admin(), "POST", lab.ChangePath(p.Project, p.Number, "revisions", "current", "review"),
		`{"labels":{"Code-Review":2},"tag":"`+message.Tag("other")+`","message":"Not verified: of another\n\npatchbay revision=`+p.Revision+` attempt=ffffffff verdict=0 digest=none base=none"}`)
	for name, c := range map[string]struct {
		settings       []string
		result, reason string
		merged         bool
	}{
		"defaults":         {nil, api.Failed, "no such type", true},
		"another label":    {[]string{"PATCHBAY_LABEL=Code-Review"}, api.Success, "", true},
		"no such label":    {[]string{"PATCHBAY_LABEL=Other", "PATCHBAY_PIPELINE=other", "PATCHBAY_VOTER=" + s.gerrit.Admin().Username}, api.Unknown, "of another", true},
		"another pipeline": {[]string{"PATCHBAY_PIPELINE=other"}, api.Failed, "", true},
		"another account":  {[]string{"PATCHBAY_VOTER=" + s.gerrit.Admin().Username}, api.Failed, "", true},
		"another branch":   {[]string{"GERRIT_BRANCH=release"}, api.Failed, "no such type", false},
	} {
		v := s.serve(c.settings...)
		d, _ := read[api.VersionInfoDetailed](v, fmt.Sprintf("/versions/candidates/%d", p.Number))
		reason := ""
		if r := d.Validations[0].Reason.Value; r != nil {
			reason = r.Message
		}
		master, _ := read[api.MasterVersionInfoDetailed](v, "/versions/master")
		if d.Validations[0].Result != c.result || reason != c.reason || (master.ID != nil) != c.merged {
			t.Errorf("%s: %s %q, master %v", name, d.Validations[0].Result, reason, master.ID)
		}
	}
}

// TestRoleClaim: the roles are looked for where it is said.
func TestRoleClaim(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	v := newScene(t).serve(append(ofIssuer(p.issuer), "PATCHBAY_OIDC_ROLE_CLAIM=groups.of")...)
	for status, claims := range map[int]map[string]any{200: {"groups": map[string]any{"of": []string{"developer"}}}, 403: nil} {
		if a := v.get("/versions/master", "X-Access-Token", p.sign(claims, false)); a.status != status {
			t.Errorf("want %d: %d %s", status, a.status, a.body)
		}
	}
}

// TestMasterDefault: without a URL of its own master is "registry" on the
// server of the candidates.
func TestMasterDefault(t *testing.T) {
	t.Parallel()
	server, err := lab.StartOwnPostgres(t.Context(), 15)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := newSceneOf(t, server.Site(t), model)
	v := s.serve("PATCHBAY_MASTER_URL=")
	v.wantErrors(errorRow{"/versions/master/tables", 500, api.CodeMasterDatabase, false, "does not exist"})
	s.site.Super(t, "postgres", "CREATE DATABASE registry TEMPLATE "+pg.Ident(s.master))
	s.site.Super(t, "registry", "CREATE TABLE registry.here (id int)")
	t.Cleanup(func() { s.drop("registry") })
	tables, _ := read[[]api.TableInfoShort](v, "/versions/master/tables")
	if diff := cmp.Diff([]string{"ddmark", "here", "laboratory", "nokey", "subject", "test_result"}, names(tables)); diff != "" {
		t.Error(diff)
	}
}
