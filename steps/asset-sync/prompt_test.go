package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// terminal gives a terminal: what is written to the person's side is typed.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// typed runs the program for a person who types a line.
func (s *scene) typed(line string, args ...string) ran {
	s.Helper()
	person, program := terminal(s.T)
	if _, err := person.WriteString(line); err != nil {
		s.Fatal(err)
	}
	p := s.prepare(args...)
	p.Stdin = program
	if err := p.Start(); err != nil {
		s.Fatal(err)
	}
	return p.wait()
}

// TestPrompts: the plan is shown and a person asked; a protected environment
// wants its name; whatever else is typed, nothing is written.
func TestPrompts(t *testing.T) {
	s := newScene(t)
	protected := strings.ReplaceAll(configFile, `qa: {url`, `qa: {protected: true, url`)
	plain, map_, all := []string{"--only", "dashboard:loose"}, []string{"--only", "dashboard:map"}, []string(nil)
	const question, name = "Go on? Type yes: ", "qa is protected. Type its name to go on: "
	for _, test := range []struct {
		why, config, typed string
		args               []string
		status             int
		want               string
	}{
		{"no", configFile, "no\n", plain, 2, question},
		{"nothing", configFile, "\n", plain, 2, question},
		{"the end of input", configFile, "\x04", plain, 2, question},
		{"yes is no name", protected, "yes\n", plain, 2, name},
		{"the name of another", protected, "prod\n", plain, 2, name},
		{"--yes is no name either", protected, "qa\n", append(plain, "--yes"), 2, "give --confirm qa"},
		{"yes", configFile, "yes\n", plain, 0, question},
		{"the name", protected, "qa\n", map_, 0, name},
		{"--confirm", protected, "", append(all, "--confirm", "qa"), 0, ""},
	} {
		s.write("asset-sync.yaml", test.config)
		r := s.typed(test.typed, append([]string{"sync", "--from", "prod", "--to", "qa"}, test.args...)...)
		asked := strings.Contains(r.stderr, question) || strings.Contains(r.stderr, name)
		switch {
		case r.status != test.status || !strings.Contains(r.stderr, test.want):
			t.Errorf("%s: exit status %d, no %q in\n%s", test.why, r.status, test.want, r.stderr)
		case r.status == 0 && (r.result.Outcome != "synced" || r.result.Writes == 0):
			t.Errorf("%s: %+v", test.why, r.result)
		case r.status != 0 && (r.result.Outcome != "refused" || r.result.Writes != 0):
			t.Errorf("%s: %+v", test.why, r.result)
		case asked && !strings.Contains(r.stderr, "+ dashboard"):
			t.Errorf("%s: the plan was not shown before the question:\n%s", test.why, r.stderr)
		case test.typed == "" && asked:
			t.Errorf("%s: asked although it was confirmed", test.why)
		}
	}
	if r := s.typed("no\n", "rollback", "--to", "qa"); r.status != 2 || !strings.Contains(r.stderr, name) {
		t.Errorf("rollback: exit status %d\n%s", r.status, r.stderr)
	}
}

// TestNobodyIsAskedByAPipeline, also where it has a terminal.
func TestNobodyIsAskedByAPipeline(t *testing.T) {
	s := newScene(t)
	s.env = append(s.env, "JENKINS_URL=https://ci.example.org/")
	if r := s.typed("yes\n", "sync", "--from", "prod", "--to", "qa"); r.status != 2 || !strings.Contains(r.stderr, "nobody can be asked") {
		t.Errorf("exit status %d\n%s", r.status, r.stderr)
	}
}

// heard calls a function once a text was written to it.
type heard struct {
	said bytes.Buffer // not embedded: copying would go past Write
	text string
	then func()
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.said.Write(p)
	if h.then != nil && strings.Contains(h.said.String(), h.text) {
		h.then()
		h.then = nil
	}
	return n, err
}

// meanwhile runs the program, does something while it asks, and says yes.
func (s *scene) meanwhile(then func(), args ...string) ran {
	s.Helper()
	person, program := terminal(s.T)
	p := s.prepare(args...)
	p.Stdin = program
	said := &heard{text: "Go on? Type yes: ", then: func() {
		then()
		if _, err := person.WriteString("yes\n"); err != nil {
			s.Error(err)
		}
	}}
	p.Stderr = said
	if err := p.Start(); err != nil {
		s.Fatal(err)
	}
	r := p.wait()
	r.stderr = said.said.String()
	return r
}

// TestCtrlCAtTheQuestion ends the run before it wrote anything.
func TestCtrlCAtTheQuestion(t *testing.T) {
	s := newScene(t)
	_, program := terminal(t)
	p := s.prepare("sync", "--from", "prod", "--to", "qa")
	p.Stdin = program
	said := &heard{text: "Go on? Type yes: ", then: func() { _ = p.Process.Signal(os.Interrupt) }}
	p.Stderr = said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if r := p.wait(); r.status != 1 || r.result.Writes != 0 || r.result.Failure == nil || r.result.Failure.Kind != "cancelled" {
		t.Errorf("exit status %d, %+v\n%s", r.status, r.result.Failure, said.said.String())
	}
}

// TestCtrlCInTheMiddle ends after the request under way and says how to go on:
// a second run finishes, or a rollback takes the half back.
func TestCtrlCInTheMiddle(t *testing.T) {
	s := newScene(t)
	s.must(0, "export", "--from", "qa", "--dir", "before")
	before := s.tree("before")
	if err := s.pair.Keep("interrupted"); err != nil {
		t.Fatal(err)
	}
	through := func() (*scene, *lab.FaultProxy) {
		proxy, proxied := lab.NewFaultProxy(t, s.pair.QA.URL), s.within(t)
		proxied.env = append(append([]string{}, s.env...), "QA_URL="+proxy.URL)
		return proxied, proxy
	}
	interrupted := func(s *scene, proxy *lab.FaultProxy, method, path string, args ...string) ran {
		p, started := s.prepare(append(args, "--to", "qa", "--yes")...), make(chan *os.Process, 1)
		proxy.Add(lab.Fault{Method: method, Path: path, Times: 1, Before: func() { _ = (<-started).Signal(os.Interrupt) }})
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		started <- p.Process
		return p.wait()
	}
	proxied, proxy := through()
	r := interrupted(proxied, proxy, http.MethodPost, "/api/v1/chart/import/", "sync", "--from", "prod")
	want := "cancelled after the request under way; run the same command again to finish, or asset-sync rollback --to qa " + r.result.Snapshot
	if r.status != 1 || r.result.Outcome != "partial" || !strings.Contains(r.stderr, want) || !strings.Contains(r.stdout, "SKIPPED") {
		t.Errorf("exit status %d, outcome %s, no %q in\n%s%s", r.status, r.result.Outcome, want, r.stderr, r.stdout)
	}
	if n := r.result.Writes; n > 3 { // datasets, charts, and nothing after
		t.Errorf("%d writes", n)
	}
	requests := proxy.Requests()
	written := slices.IndexFunc(requests, func(r string) bool { return strings.HasPrefix(r, "POST /api/v1/chart/import/") })
	if after := requests[written:]; strings.Contains(strings.Join(after, "\n"), "/export/") {
		t.Errorf("everything was read back after the end: %v", after)
	}
	s.must(0, "sync", "--from", "prod", "--to", "qa", "--yes")
	if after := s.must(0, "plan", "--from", "prod", "--to", "qa", "--exit-code"); after.result.Counts["unchanged"] != 21 {
		t.Errorf("%+v\n%s", after.result.Counts, after.stdout)
	}
	if err := s.pair.Reset("interrupted"); err != nil {
		t.Fatal(err)
	}
	proxied, proxy = through()
	interrupted(proxied, proxy, http.MethodPost, "/api/v1/chart/import/", "sync", "--from", "prod")
	half := interrupted(proxied, proxy, http.MethodDelete, "/api/v1/chart/", "rollback")
	if half.status != 1 || !strings.Contains(half.stderr, `run the same command again to finish"`) || !strings.Contains(half.stdout, "1 deleted, ") {
		t.Errorf("exit status %d\n%s%s", half.status, half.stderr, half.stdout)
	}
	if back := proxied.must(0, "rollback", "--to", "qa", "--yes"); back.result.Outcome != "synced" || !strings.Contains(back.stdout, fmt.Sprintf(": %d deleted", back.result.Counts["delete"])) {
		t.Errorf("%+v\n%s", back.result.Counts, back.stdout)
	}
	s.must(0, "export", "--from", "qa", "--dir", "before")
	s.same(before, s.tree("before"))
}

// TestOneRunPerTarget: a second run on this machine is refused while the first
// one writes.
func TestOneRunPerTarget(t *testing.T) {
	s := newScene(t)
	proxy := lab.NewFaultProxy(t, s.pair.QA.URL)
	s.env = append(s.env, "QA_URL="+proxy.URL)
	writing, goOn := make(chan bool), make(chan bool)
	proxy.Add(lab.Fault{Method: "POST", Path: "/api/v1/dataset/import/", Times: 1, Before: func() { close(writing); <-goOn }})
	first := s.start("sync", "--from", "prod", "--to", "qa", "--yes", "--run-dir", "first")
	<-writing
	r := s.must(2, "sync", "--from", "prod", "--to", "qa", "--yes")
	if r.result.Outcome != "refused" || r.result.Writes != 0 || !strings.Contains(r.stderr, "another run writes to qa from this machine") {
		t.Errorf("%s\n%s", r.result.Outcome, r.stderr)
	}
	close(goOn)
	if first := first.wait(); first.status != 0 {
		t.Errorf("the first run: exit status %d\n%s", first.status, first.stderr)
	}
}
