package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// stop is where the focus stands, as a person sees it.
type stop struct {
	Tag, Class, Href, ID, Name, Text string
	Ring                             bool // it can be seen that the focus is here
	InView                           bool
}

const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e === document.documentElement) return {Tag: ""};
	const box = e.getBoundingClientRect(), style = getComputedStyle(e);
	return {
		Tag: e.tagName.toLowerCase(), Class: e.getAttribute("class") || "", Href: e.getAttribute("href") || "", ID: e.id, Name: e.getAttribute("name") || "", Text: e.textContent.trim().slice(0, 60),
		Ring: e.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
		InView: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
	};
})()`

// press presses keys and says where the focus stands then.
func (v *visit) press(keys string, options ...chromedp.KeyOption) stop {
	v.Helper()
	v.do(chromedp.KeyEvent(keys, options...))
	return eval[stop](v, focused)
}

// tabTo presses Tab until the focus stands on what is looked for; at each stop
// on the way it must be seen.
func (v *visit) tabTo(what string, wanted func(stop) bool) {
	v.Helper()
	var way []string
	for range 80 {
		s := v.press(kb.Tab)
		way = append(way, s.Tag+" "+s.Text)
		if s.Tag != "" && (!s.Ring || !s.InView) {
			v.Errorf("the focus cannot be seen: %+v", s)
		}
		if wanted(s) {
			return
		}
	}
	v.Fatalf("Tab does not lead to %s:\n%s", what, strings.Join(way, "\n"))
}

func linkTo(href string) func(stop) bool { return func(s stop) bool { return s.Href == href } }

// enter presses a key that leads to another page and waits for it.
func (v *visit) enter(key string) {
	v.Helper()
	eval[bool](v, "window.left = true")
	v.do(chromedp.KeyEvent(key))
	v.arrived()
}

// arrived waits until the page behind a link is there.
func (v *visit) arrived() {
	v.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		there, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`!window.left && document.readyState === "complete"`))
		if err == nil && there {
			return
		}
		if time.Now().After(end) {
			v.Fatalf("no other page came: %v", err)
		}
	}
}

// TestKeyboard goes through all pages by keys alone.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	good := fmt.Sprintf("/candidates/%d", g.good.Number)
	v.open("/?lang=en")

	// The first stop skips what every page begins with.
	if s := v.press(kb.Tab); s.Href != "#content" || !s.Ring || !s.InView {
		t.Errorf("the first stop is %+v", s)
	}
	v.do(chromedp.KeyEvent(kb.Enter))
	if s := v.press(kb.Tab); s.Href != "/master" {
		t.Errorf("behind the skipped header is %+v", s)
	}

	// List → candidate → its tables → search → table.
	v.tabTo("the candidate", linkTo(good))
	v.enter(kb.Enter)
	v.wants("Calibrations of equipment", "registry.calibration")
	v.tabTo("its tables", linkTo(good+"/tables"))
	v.enter(kb.Enter)
	v.tabTo("the search", func(s stop) bool { return s.ID == "q" })
	rows := func() int {
		return eval[int](v, `[...document.querySelectorAll("#tables tbody tr")].filter(r => r.offsetParent).length`)
	}
	all := rows()
	v.do(chromedp.KeyEvent("labor"))
	if got := rows(); got != 1 {
		t.Errorf("while typing: %d of %d tables", got, all)
	}
	if s := v.press(kb.Escape); rows() != all || s.ID != "q" {
		t.Errorf("after Escape: %d of %d tables, focus on %+v", rows(), all, s)
	}
	v.do(chromedp.KeyEvent("labor"), chromedp.KeyEvent(kb.Enter)) // submits nothing where it filters
	v.tabTo("the table", linkTo(good+"/tables/laboratory"))
	v.enter(kb.Enter)
	v.wants("laboratory", "email")

	// Wide tables are scrolled by arrows, neighbours in the picture are links.
	v.do(chromedp.EmulateViewport(390, 844))
	v.tabTo("the columns", func(s stop) bool { return strings.HasPrefix(s.Class, "scroll") })
	v.do(chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 5)))
	for end := time.Now().Add(10 * time.Second); eval[float64](v, "document.activeElement.scrollLeft") == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the arrows do not scroll the columns")
		}
	}
	v.do(chromedp.EmulateViewport(1280, 800))
	v.tabTo("a neighbour", func(s stop) bool { return s.Tag == "a" && s.Href == good+"/tables/koatuu" })
	v.enter(kb.Enter)
	v.wants("Адміністративно-територіальний устрій")

	// And back: the difference, the other one, the list.
	v.tabTo("the difference", linkTo(good))
	v.enter(kb.Enter)
	v.tabTo("the other difference", linkTo(good+"?against=base"))
	v.enter(kb.Enter)
	v.wants("Before")
	v.tabTo("all versions", linkTo("/"))
	v.tabTo("the way back", func(s stop) bool { return s.Href == "/" && strings.Contains(s.Text, "All versions") })
	v.enter(kb.Enter)

	// The language, by the space bar.
	v.tabTo("the language", func(s stop) bool { return s.Name == "lang" })
	v.enter(" ")
	v.wants("Версії-кандидати")
}

// TestTabOrder: on every page Tab passes everything that can be reached, in
// the order in which it is read, each once, and gets out at the end.
func TestTabOrder(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	good, failed := fmt.Sprintf("/candidates/%d", g.good.Number), fmt.Sprintf("/candidates/%d", g.failed.Number)
	for _, path := range []string{"/", "/master", "/master/tables/laboratory", good, good + "/tables", good + "/tables/laboratory", failed, "/candidates/9999999"} {
		v.open(path)
		want := eval[int](v, `(() => {
			window.order = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), [tabindex='0']")].filter(e => e.getClientRects().length);
			return window.order.length; })()`)
		for i := range want {
			s := v.press(kb.Tab)
			if at := eval[int](v, "window.order.indexOf(document.activeElement)"); at != i || !s.Ring || !s.InView {
				t.Fatalf("%s: stop %d of %d is number %d: %+v", path, i, want, at, s)
			}
		}
		if s := v.press(kb.Tab); s.Tag != "" && s.Class != "skip" {
			t.Errorf("%s: after the last stop comes %+v", path, s)
		}
	}
}

// TestRefreshKeepsFocus: a part that changes under the focus is refreshed, and
// the focus and the place on the page stay.
func TestRefreshKeepsFocus(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	v := &visit{t, lab.Browser(t), g.URL}
	v.do(chromedp.EmulateViewport(390, 500)) // so that there is something to scroll
	v.open("/?lang=en")
	link := fmt.Sprintf("/candidates/%d", g.fresh.Number)
	v.tabTo("the candidate", linkTo(link))
	before := eval[float64](v, "scrollY")
	if before == 0 {
		t.Fatal("the page is not scrolled")
	}
	eval[bool](v, `window.gone = document.activeElement; true`)
	g.report(g.fresh, -1, "no more", "", 0)
	eval[bool](v, `document.dispatchEvent(new Event("patchbay:refresh")); true`)
	for end := time.Now().Add(20 * time.Second); !eval[bool](v, `document.activeElement.closest("li")?.innerText.includes("Does not deploy") ?? false`); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not refreshed under the focus, which is on %+v", eval[stop](v, focused))
		}
	}
	s := eval[stop](v, focused)
	if s.Href != link || !s.Ring || !s.InView || eval[bool](v, "window.gone.isConnected") {
		t.Errorf("the focus is on %+v", s)
	}
	if after := eval[float64](v, "scrollY"); after != before {
		t.Errorf("scrolled from %v to %v", before, after)
	}
	if s := v.press(kb.Tab); s.Tag != "a" || s.Href == link {
		t.Errorf("the next stop is %+v", s)
	}
}
