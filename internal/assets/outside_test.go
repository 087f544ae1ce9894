package assets_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

const some = "11111111-2222-4333-8444-555555555555"

// packed makes a ZIP of one member.
func packed(t *testing.T, name, text string, mode fs.FileMode) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(mode)
	out, err := w.CreateHeader(header)
	if err == nil {
		_, err = out.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// claiming makes a ZIP of members that say they were so long, whatever they
// hold.
func claiming(t *testing.T, members int, size uint64, text string) []byte {
	t.Helper()
	var held, b bytes.Buffer
	deflate, err := flate.NewWriter(&held, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deflate.Write([]byte(text)); err != nil || deflate.Close() != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&b)
	name := "x/charts/%d.yaml"
	if text == "" {
		name = "x/charts/%d.txt" // which is not opened
	}
	for i := range members {
		header := &zip.FileHeader{Name: fmt.Sprintf(name, i), Method: zip.Deflate, UncompressedSize64: size, CompressedSize64: max(size/100, uint64(held.Len()))}
		out, err := w.CreateRaw(header)
		if err == nil {
			_, err = out.Write(held.Bytes())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBundlesFromOutside are limited before they are taken in.
func TestBundlesFromOutside(t *testing.T) {
	t.Parallel()
	chart := "slice_name: x\nuuid: " + some + "\n"
	for want, bundle := range map[string][]byte{
		"no ZIP":                []byte("PK nothing"),
		"leads out":             packed(t, "x/../../charts/a.yaml", chart, 0o600),
		"no regular file":       packed(t, "x/charts/a.yaml", "/etc/passwd", fs.ModeSymlink|0o777),
		"packed more than 200":  packed(t, "x/charts/a.yaml", chart+strings.Repeat("# a\n", 1<<20), 0o600),
		"anchors and aliases":   packed(t, "x/charts/a.yaml", chart+"a: &a [1]\nb: *a\n", 0o600),
		"it has no uuid":        packed(t, "x/charts/a.yaml", "slice_name: x\n", 0o600),
		"/charts/a.yaml leads ": packed(t, "/charts/a.yaml", chart, 0o600),
	} {
		if _, err := assets.ReadExport(bundle); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	const mebibyte = 1 << 20
	for want, bundle := range map[string][]byte{
		"x/charts/0.txt: too long":               claiming(t, 1, 101*mebibyte, ""),
		"x/charts/10.txt: too long":              claiming(t, 11, 99*mebibyte, ""), // together
		"more than 200000 files":                 claiming(t, 200_001, 0, ""),
		"x/charts/0.yaml: zip: not a valid zip ": claiming(t, 1, 10, chart),
	} {
		if _, err := assets.ReadExport(bundle); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	raws, err := assets.ReadExport(packed(t, "x/charts/x_12.yaml", chart, 0o600))
	if err != nil || len(raws) != 1 || raws[0].ID != 12 {
		t.Errorf("%+v, %v", raws, err)
	}
}

func chartOf(t *testing.T, text string) *assets.Asset {
	t.Helper()
	doc, err := document.ParseYAML([]byte("{slice_name: x, uuid: " + some + ", " + text + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return &assets.Asset{Kind: assets.Chart, UUID: some, Doc: doc}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`params: {password: hunter-22}`: 1, `params: {mapbox: {api_key: "pk.123"}}`: 1, `description: "postgresql://u:pw-1@h/db"`: 1,
		`description: "-----BEGIN RSA PRIVATE KEY-----"`: 1, `params: {password: "XXXXXXXXXX"}`: 0, `params: {password: ""}`: 0,
		`description: "https://example.org:8080/a@b"`: 0, `params: {token_count: 7, tokens: "a"}`: 0, `description: "postgresql://u:XXXXXXXXXX@h/db"`: 0,
	} {
		if got := assets.Secrets(assets.NewSet(chartOf(t, text)), nil); len(got) != want {
			t.Errorf("%s: found %v", text, got)
		}
	}
	set := assets.NewSet(chartOf(t, `params: {password: hunter-22}`))
	if got := assets.Secrets(set, []string{some + ": params.password"}); len(got) != 0 {
		t.Errorf("allowed, but found %v", got)
	}
}

// TestTrees: what is written is read back the same; faults are told together.
func TestTrees(t *testing.T) {
	t.Parallel()
	doc := chartOf(t, `viz_type: pie, params: {a: "1e3", b: 1.0e-07}, tags: [one], dataset_uuid: 21111111-2222-4333-8444-555555555555`).Doc
	set := assets.FromExport([]assets.Raw{{Kind: assets.Chart, UUID: some, Doc: doc}}, nil)
	files := assets.TreeFiles(set)
	back, faults := assets.ReadTree(files)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if diff := cmp.Diff(files, assets.TreeFiles(back)); diff != "" {
		t.Error(diff)
	}
	files["charts/b.yaml"], files["dashboards/c.yaml"] = []byte("a: [1\n"), []byte("uuid: x\n")
	files["datasets/d.yaml"] = []byte("table_name: t\nuuid: 31111111-2222-4333-8444-555555555555\ndata: http://169.254.169.254/\n") // the server would fetch it
	if _, faults := assets.ReadTree(files); len(faults) != 3 {
		t.Errorf("%v", faults)
	}
	delete(files, assets.Marker)
	if _, faults := assets.ReadTree(files); len(faults) != 1 || !strings.Contains(faults[0].Error(), "no tree") {
		t.Errorf("%v", faults)
	}
}

// TestOlderServers are not sent what they do not know.
func TestOlderServers(t *testing.T) {
	t.Parallel()
	space := assets.NewSpace()
	space.AddDatabase("21111111-2222-4333-8444-555555555555", "Trino")
	doc, err := document.ParseYAML([]byte("{table_name: t, uuid: " + some + ", database: Trino, columns: [{column_name: c, datetime_format: x}], currency_code_column: c}"))
	if err != nil {
		t.Fatal(err)
	}
	a := &assets.Asset{Kind: assets.Dataset, UUID: some, Doc: doc}
	for version, has := range map[assets.Version]bool{{Major: 5}: false, {Major: 4, Minor: 1}: false, {Major: 6, Minor: 1}: true} {
		set := assets.NewSet(a)
		notes := assets.FitVersion(set, version)
		l := space.Localise(set.Get(a.Key()), version)
		if (l.Doc.Get("currency_code_column") != nil) != has || (l.Doc.Get("columns").Items[0].Get("datetime_format") != nil) != has || len(l.Lost) > 0 {
			t.Errorf("%+v: %s, %v", version, l.Doc.JSON(), l.Lost)
		}
		if want := `dataset "t": without columns.datetime_format, currency_code_column, which the target is too old for`; has && notes != nil || !has && (len(notes) != 1 || notes[0] != want) {
			t.Errorf("%+v: notes %v", version, notes)
		}
	}
}
