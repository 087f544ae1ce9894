package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// visit is one page in a browser.
type visit struct {
	*testing.T
	ctx context.Context
	url string
}

func (v *visit) do(steps ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.Fatal(err)
	}
}

func eval[T any](v *visit, script string) T {
	v.Helper()
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.Fatalf("%s: %v", script, err)
	}
	return value
}

// follow clicks a link and waits until the page behind it is there.
func (v *visit) follow(selector string) {
	v.Helper()
	eval[bool](v, "window.left = true")
	v.do(chromedp.Click(chromedp.CSS(selector)))
	v.arrived()
}

func (v *visit) open(path string) { v.Helper(); v.do(chromedp.Navigate(v.url + path)) }

func (v *visit) text() string { v.Helper(); return eval[string](v, "document.body.innerText") }

func (v *visit) wants(texts ...string) {
	v.Helper()
	for _, text := range texts {
		if got := v.text(); !strings.Contains(strings.ToLower(got), strings.ToLower(text)) {
			v.Errorf("no %q in:\n%s", text, got)
		}
	}
}

func scheme(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	})
}

func withoutScript(off bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
		return err
	})
}

// kept are the pictures that lie below docs/, for people to look at.
var kept = []string{
	"versions", "versions-dark", "versions-phone", "master-tables", "table", "candidate", "candidate-dark", "candidate-phone",
	"candidate-table-phone", "failed", "failed-dark",
}

// shot takes a picture of the page; UPDATE_SCREENSHOTS=1 keeps it.
func (v *visit) shot(name string) {
	v.Helper()
	dir := v.TempDir()
	if os.Getenv("UPDATE_SCREENSHOTS") != "" && slices.Contains(kept, name) {
		dir = filepath.Join("..", "..", "docs", "screenshots")
	}
	png, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil || len(png) < 5000 {
		v.Errorf("%s: %d bytes, %v", name, len(png), err)
	}
}

// accessible runs axe-core on the page as it is: nothing of WCAG 2.2 A and AA,
// and none of its best practices, may be violated.
func (v *visit) accessible(axe, what string) {
	v.Helper()
	found := eval[[]string](v, axe+`; axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + ": " + n.failureSummary)))`)
	for _, one := range found {
		v.Errorf("%s: %s", what, one)
	}
	if wide := eval[int](v, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
		v.Errorf("%s: %d pixels wider than the window", what, wide)
	}
}

// TestPages looks at every view, in both languages and colour schemes and at
// the width of a phone.
func TestPages(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	axe := lab.Axe(t)
	of := func(p lab.Pushed, below string) string { return fmt.Sprintf("/candidates/%d%s", p.Number, below) }
	views := []struct{ name, path string }{
		{"versions", "/"},
		{"master-tables", "/master"},
		{"table", "/master/tables/laboratory"},
		{"candidate", of(g.good, "")},
		{"candidate-base", of(g.good, "?against=base")},
		{"candidate-tables", of(g.good, "/tables")},
		{"candidate-table", of(g.good, "/tables/laboratory")},
		{"failed", of(g.failed, "")},
		{"failed-tables", of(g.failed, "/tables")},
		{"stale", of(g.stale, "")},
		{"nowhere", "/candidates/9999999"},
	}
	for _, look := range []struct {
		name, lang, scheme string
		width, height      int64
	}{{"", "en", "light", 1280, 800}, {"-dark", "uk", "dark", 1280, 800}, {"-phone", "uk", "light", 390, 844}} {
		v.do(chromedp.EmulateViewport(look.width, look.height), scheme(look.scheme))
		for _, view := range views {
			sep := "?"
			if strings.Contains(view.path, "?") {
				sep = "&"
			}
			v.open(view.path + sep + "lang=" + look.lang)
			v.accessible(axe, view.name+look.name)
			if lang := eval[string](v, "document.documentElement.lang"); lang != look.lang {
				t.Errorf("%s: language %q", view.name, lang)
			}
			v.shot(view.name + look.name)
		}
	}
}

// TestPageContents: what must be seen is seen, and links lead on.
func TestPageContents(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	of := func(p lab.Pushed, below string) string { return fmt.Sprintf("/candidates/%d%s", p.Number, below) }

	v.open("/")
	v.wants("Storage of samples", "Couriers bring samples", "✗ Does not deploy", "✓ Deploys", "? Not known", "has a database", "no database", "dev", "just now", "patch set 1")
	v.follow(`a[href="` + of(g.failed, "") + `"]`)
	v.wants("Couriers bring samples", "Does not deploy", `relation "registry.curier" does not exist`, "data-model/courier.xml:11", "has no database")
	link := eval[string](v, `document.querySelector(".notice a").href`)
	if want := fmt.Sprintf("%s/c/%s/+/%d/1/data-model/courier.xml#11", g.gerrit.URL, g.project, g.failed.Number); link != want {
		t.Errorf("the reason leads to %s, want %s", link, want)
	}
	v.open(of(g.stale, ""))
	v.wants("The database is of patch set 1", "address", "character varying(100)")
	v.open(of(g.good, ""))
	v.wants("Calibrations of equipment", "+ added", "~ changed", "− removed", "registry.calibration", "character varying(50)", "character varying(20)", "narrowed", "its values are lost")
	v.follow(`.choice a[href$="against=base"]`)
	v.wants("registry.calibration", "Before")
	v.open(of(g.good, "/tables"))
	v.wants("calibration", "Повірка обладнання", "+ added", "~ changed", "of a subject")
	v.follow(`#tables a[href$="/tables/laboratory"]`)
	v.wants("email", "+ added", "koatuu", "ix_laboratory_name", "address ↓", "ck_laboratory_phone", "fk_staff_laboratory", "phone")
	if boxes := eval[int](v, `document.querySelectorAll(".picture a").length`); boxes != 7 {
		t.Errorf("%d neighbours in the picture", boxes)
	}
	v.follow(`.grid a[href$="/tables/koatuu"]`)
	v.wants("Адміністративно-територіальний устрій", "ui_koatuu_code", "Referenced by")
	v.follow(`button[name=lang]`)
	v.wants("На неї посилаються", "Стовпці")
	v.open("/")
	v.wants("Версії-кандидати", "Не розгортається") // the choice is kept
}

// TestSearch filters while one types, and by the server where no script runs.
func TestSearch(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	rows := func() int {
		return eval[int](v, `[...document.querySelectorAll("#tables tbody tr")].filter(r => r.offsetParent).length`)
	}
	v.open("/master")
	if got := rows(); got != 9 {
		t.Errorf("%d tables", got)
	}
	for _, search := range []struct {
		text string
		want int
	}{{"LABOR", 1}, {"зраз", 1}, {"test_result", 1}, {"nothing at all", 0}} {
		v.do(chromedp.Navigate(g.URL+"/master"), chromedp.SendKeys(chromedp.CSS("#q"), search.text))
		if got := rows(); got != search.want {
			t.Errorf("%q while typing: %d tables", search.text, got)
		}
	}
	v.wants("No table matches", "0 of 9")
	v.do(chromedp.Navigate(fmt.Sprintf("%s/candidates/%d/tables", g.URL, g.good.Number)), chromedp.SendKeys(chromedp.CSS("#q"), "added"))
	if got := rows(); got != 0 { // the word of a mark is none of the table's
		t.Errorf("by the word of a mark: %d tables", got)
	}
	v.do(withoutScript(true), chromedp.Navigate(g.URL+"/master"), chromedp.SendKeys(chromedp.CSS("#q"), "labor"), chromedp.Submit(chromedp.CSS("#q")), chromedp.WaitReady(chromedp.CSS(`#q[value="labor"]`)), withoutScript(false))
	if got := rows(); got != 1 {
		t.Errorf("by the server: %d tables", got)
	}
}

// TestPagesAreSafe: what a candidate names is text, no script of any page runs
// inline, and errors are pages for people and JSON for programs.
func TestPagesAreSafe(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.push("<script>alert(1)</script>")
	s.publish(p, `CREATE TABLE "<img src=x onerror=alert(2)>" (id int, "<b>" text DEFAULT '</td><script>alert(3)</script>'); COMMENT ON TABLE nokey IS '<svg onload=alert(4)>'`)
	s.report(p, -1, "<script>alert(5)</script>", "data-model/<x>.xml", 1)
	v := s.serve()
	of := fmt.Sprintf("/candidates/%d", p.Number)
	for _, path := range []string{"/", of, of + "/tables", of + "/tables/%3Cimg%20src=x%20onerror=alert(2)%3E", of + "?against=base", "/candidates/x", "/nowhere%3Cscript%3E"} {
		a := v.get(path, "Accept", "text/html")
		h := a.header
		if !strings.HasPrefix(h.Get("Content-Type"), "text/html") || !strings.Contains(h.Get("Content-Security-Policy"), "script-src 'self'") || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: %d %v", path, a.status, h)
		}
		for _, bad := range []string{"<script>", "<img", "<svg onload", "<b>", "style=\"", "onerror=alert(2)>"} {
			if strings.Contains(a.body, bad) {
				t.Errorf("%s: %s in\n%s", path, bad, a.body)
			}
		}
	}
	if a := v.get("/nowhere", "Accept", "application/json"); a.status != 404 || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", a)
	}
	for path, want := range map[string]int{"/candidates/x": 400, "/candidates/0/tables": 400, "/candidates/9999999": 404, "/master/tables/none": 404, "/master/tables/x_v": 400, "/assets/../page.go": 404, "/assets/none.css": 404} {
		if a := v.get(path, "Accept", "text/html"); a.status != want && a.status != http.StatusMovedPermanently && a.status != http.StatusTemporaryRedirect {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// TestListWithoutGerrit is a page that says so, with master to look at.
func TestListWithoutGerrit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.gerrit.URL)
	proxy.Add(lab.Fault{Path: "/a/", Status: 503})
	v := s.serve("GERRIT_URL=" + proxy.URL)
	a := v.get("/", "Accept-Language", "uk")
	if a.status != 500 || !strings.Contains(a.body, "Зараз неможливо показати версії-кандидати") || !strings.Contains(a.body, `href="/master"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := v.get("/master"); a.status != 200 || !strings.Contains(a.body, "laboratory") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
