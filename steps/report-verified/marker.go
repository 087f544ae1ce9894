package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/gerrit"
)

// marker is the last paragraph of each message: what was judged, and how. By
// it a later run knows what was said, without any memory but Gerrit's.
type marker struct {
	Revision string // 40 hex digits
	Attempt  string // hex digits: when the run began; later is greater
	Vote     int    // +1, -1, 0
	Digest   string // of the input, 16 hex digits; empty when the run did not come so far
	Base     string // 40 hex digits; empty for a root commit, or when not known
}

const unknown = "none"

var verdicts = map[int]string{1: "+1", -1: "-1", 0: "0"}

// String is the paragraph.
func (m marker) String() string {
	return fmt.Sprintf("patchbay revision=%s attempt=%s verdict=%s digest=%s base=%s",
		m.Revision, m.Attempt, verdicts[m.Vote], orUnknown(m.Digest), orUnknown(m.Base))
}

func orUnknown(text string) string {
	if text == "" {
		return unknown
	}
	return text
}

var markerLine = regexp.MustCompile(`^patchbay revision=([0-9a-f]{40}) attempt=([0-9a-f]{8,16}) verdict=(\+1|-1|0) digest=([0-9a-f]{1,64}|none) base=([0-9a-f]{40}|none)$`)

// parseMarker reads the last line of a message; nothing that is quoted above
// it can pass for a marker.
func parseMarker(text string) (m marker, ok bool) {
	text = strings.TrimSpace(text)
	found := markerLine.FindStringSubmatch(text[strings.LastIndexByte(text, '\n')+1:])
	if found == nil {
		return marker{}, false
	}
	m = marker{Revision: found[1], Attempt: found[2], Digest: known(found[4]), Base: known(found[5])}
	for vote, name := range verdicts {
		if name == found[3] {
			m.Vote = vote
		}
	}
	return m, true
}

func known(text string) string {
	if text == unknown {
		return ""
	}
	return text
}

// newer says that an attempt began after another. Attempts are numbers in
// hexadecimal digits without a bound.
func newer(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// said is a message of an earlier run.
type said struct {
	marker
	headline string
}

// lastSaid finds what the newest attempt said about a revision: by the own
// account and under our tag, because anybody can write a line like a marker.
func lastSaid(messages []gerrit.Message, tag, revision string) (last said, found bool) {
	for _, message := range messages {
		m, ok := parseMarker(message.Text)
		if !ok || !message.Own || message.Tag != tag || m.Revision != revision {
			continue
		}
		if !found || !newer(last.Attempt, m.Attempt) {
			last, found = said{m, headlineOf(message.Text)}, true
		}
	}
	return last, found
}

var headlines = regexp.MustCompile(`(?m)^(Deploys|Does not deploy|Not verified): .*$`)

func headlineOf(text string) string { return headlines.FindString(text) }

// same says that a message would repeat what was said: the same verdict about
// the same input. A run that did not come so far as to know its input repeats
// only what gave the same reason.
func (s said) same(m marker, headline string) bool {
	return s.Vote == m.Vote && s.Digest == m.Digest && (m.Digest != "" || s.headline == headline)
}
