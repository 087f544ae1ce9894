package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// until waits for a script to say true.
func (v *visit) until(what, script string) {
	v.Helper()
	for end := time.Now().Add(60 * time.Second); !eval[bool](v, script); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			v.Fatalf("%s:\n%s", what, v.text())
		}
	}
}

// refresh asks for the page again, as its timer does.
func (v *visit) refresh() {
	v.Helper()
	eval[bool](v, `document.dispatchEvent(new Event("patchbay:refresh"))`)
}

// shows waits until the page has a text.
func (v *visit) shows(text string) {
	v.Helper()
	v.until("no "+text, fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// TestRefresh: a new verdict shows without a reload, by itself, and nothing
// else moves.
func TestRefresh(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	v.open("/?lang=en")
	eval[bool](v, `window.same = document.querySelector("[data-live=master]").firstElementChild; window.stays = document.querySelector("h1"); true`)
	g.report(g.fresh, -1, "no more", "", 0)
	v.until("not refreshed", `document.querySelector('a[href="/candidates/`+fmt.Sprint(g.fresh.Number)+`"]').closest("li").innerText.includes("Does not deploy")`)
	if !eval[bool](v, `window.stays === document.querySelector("h1") && window.same === document.querySelector("[data-live=master]").firstElementChild`) {
		t.Error("what did not change was replaced")
	}
}

// TestRefreshAll: name, description, tables and columns follow the candidate
// together with its state; what was typed into the search goes on.
func TestRefreshAll(t *testing.T) {
	t.Parallel()
	s := newSceneOf(t, lab.Postgres(t, 15), laboratories)
	p := s.push("Couriers")
	v := &visit{t, lab.Browser(t), s.serve().URL}
	of := fmt.Sprintf("/candidates/%d", p.Number)
	v.open(of + "/tables?lang=en")
	v.wants("no database")
	if eval[bool](v, `!!document.querySelector("#q").offsetParent`) {
		t.Error("there is a search of nothing")
	}
	s.publish(p, "CREATE TABLE courier (id int); CREATE TABLE other (id int)")
	v.refresh()
	v.shows("courier")
	v.do(chromedp.SendKeys(chromedp.CSS("#q"), "couri"))
	v.until("not filtered", `!document.body.innerText.includes("laboratory")`)
	p = s.clone.Amend(t, "Couriers and cars\n\nWith wheels.", map[string]string{"more": "1"})
	s.publish(p, "CREATE TABLE courier (id int); CREATE TABLE courier_car (id int)")
	v.refresh()
	v.shows("courier_car")
	v.wants("Couriers and cars", "With wheels.", "2 of 11")
	if title := eval[string](v, "document.title"); !strings.Contains(title, "Couriers and cars") || strings.Contains(v.text(), "laboratory") || strings.Contains(v.text(), "older") {
		t.Errorf("%s:\n%s", title, v.text())
	}
	v.open(of + "/tables/courier")
	s.publish(p, "CREATE TABLE courier (id int, wheels int)")
	v.refresh()
	v.shows("wheels")
}

// TestRefreshTells: a page that cannot be refreshed says so, keeps what it
// shows, and goes on when it can.
func TestRefreshTells(t *testing.T) {
	t.Parallel()
	s := newSceneOf(t, lab.Postgres(t, 15), laboratories)
	p := s.push("Couriers")
	server := s.serve()
	v := &visit{t, lab.Browser(t), server.URL}
	v.open(fmt.Sprintf("/candidates/%d?lang=en", p.Number))
	hidden := `document.getElementById("old").hidden`
	if !eval[bool](v, hidden) {
		t.Error("it tells of something at once")
	}
	eval[bool](v, `getSelection().selectAllChildren(document.querySelector("[data-live=changes]")), true`)
	s.publish(p, "CREATE TABLE courier (id int)")
	v.refresh()
	v.shows("Something has changed.")
	if text := v.text(); strings.Contains(text, "has a database") || strings.Contains(text, "registry.courier") {
		t.Errorf("half of it was replaced:\n%s", text)
	}
	eval[bool](v, `getSelection().removeAllRanges(), true`)
	v.refresh()
	v.shows("registry.courier")
	v.wants("has a database")
	if !eval[bool](v, hidden) {
		t.Error("it still tells of something")
	}
	s.gerrit.MustREST(t, s.gerrit.Admin(), "DELETE", lab.ChangePath(p.Project, p.Number), "")
	v.refresh()
	v.shows("Now the server says: There is nothing here")
	v.wants("registry.courier")
	server.stop()
	v.refresh()
	v.shows("The server does not answer")
	v.wants("registry.courier")
}
