package steps_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/candidate"
	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// shot is how a step is ended.
type shot struct {
	name   string
	signal syscall.Signal
	group  bool // the step's whole process group, as a CI system does
}

var shots = []shot{
	{"killed", syscall.SIGKILL, false},
	{"group killed", syscall.SIGKILL, true},
	{"asked to end", syscall.SIGTERM, false},
	{"group asked to end", syscall.SIGTERM, true},
}

// moment is when: after a time, or with a line of the log.
type moment struct {
	after time.Duration
	line  int // counted from 1; 0: by time
}

func (m moment) String() string {
	if m.line > 0 {
		return fmt.Sprint("at line ", m.line)
	}
	return fmt.Sprint("after ", m.after)
}

// lines counts what a step logs and tells when a line was reached. The buffer
// is not embedded: its ReadFrom would take the lines past Write.
type lines struct {
	text    bytes.Buffer
	mu      sync.Mutex
	wanted  int
	reached chan bool
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted -= bytes.Count(text, []byte("\n"))
	if l.wanted <= 0 && l.reached != nil {
		close(l.reached)
		l.reached = nil
	}
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// shoot runs a step and ends it at the moment, unless it was faster.
func (r *registry) shoot(p lab.Pushed, dir, step string, s shot, m moment) (status int, log string) {
	r.Helper()
	cmd := exec.Command(filepath.Join(bin, step))
	cmd.Env = slices.Concat(os.Environ(), p.Environment(), []string{"PATCHBAY_RUN_DIR=" + dir}, r.pipeline.Env)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	reached := make(chan bool)
	stderr := &lines{wanted: m.line, reached: reached}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if m.line == 0 {
		reached = nil
	}
	var late <-chan time.Time
	if m.line == 0 {
		late = time.After(m.after)
	}
	select {
	case <-reached:
	case <-late:
	case <-ended:
		return cmd.ProcessState.ExitCode(), stderr.String()
	}
	target := cmd.Process.Pid
	if s.group {
		target = -target
	}
	if err := syscall.Kill(target, s.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		r.Fatal(err)
	}
	<-ended
	return cmd.ProcessState.ExitCode(), stderr.String()
}

// settled checks a step that was ended: whatever SIGTERM found half made is
// undone; SIGKILL leaves that to the next run.
func (r *registry) settled(p lab.Pushed, dir, step string, s shot, status int, log string) {
	r.Helper()
	r.quiet(p.Number)
	if s.signal == syscall.SIGKILL || status < 0 { // it was too young to catch a signal
		return
	}
	head := read[change.Header](r, filepath.Join(dir, step+".json"))
	if status == 0 {
		return
	}
	if status != 1 {
		r.Errorf("exit status %d, want 1\n%s", status, log)
	}
	r.failedAs(head, change.KindCancelled)
	_, leftovers := r.databases()
	for _, name := range leftovers {
		if strings.HasPrefix(name, r.site.Names.Candidate(p.Number)+"-") && !r.untouched(name) {
			r.Errorf("%s is left by a step that was asked to end\n%s", name, log)
		}
	}
	r.wantVote(p.Number, 0)
}

// untouched: an attempt is what create-temp-db made until apply-changelog has
// begun with it.
func (r *registry) untouched(name string) bool {
	return r.site.Names.Parse(name).Kind == pg.Attempt && r.provenance(name).State == candidate.StateCreated
}

// busy is a migration that takes a while.
func busy(name string) map[string]string {
	return map[string]string{second: migration("CREATE TABLE registry." + name + " (id int);\nSELECT pg_sleep(0.3);\nCREATE INDEX ON registry." + name + " (id);")}
}

// moments of a sweep over a step's run of about that long.
func moments(whole time.Duration, points, lines int) (all []moment) {
	for i := range points {
		all = append(all, moment{after: whole * time.Duration(i) / time.Duration(points)})
	}
	for i := range lines {
		all = append(all, moment{line: i + 1})
	}
	return all
}

// TestApplyChangelogKilled sweeps over a run of goose.
func TestApplyChangelogKilled(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	sweep := some(moments(900*time.Millisecond, 45, 2), 1, 2, 4, 6, 9, 13, 18, 24, 45, 46)
	changes := r.stack(len(sweep), func(i int) map[string]string { return busy(fmt.Sprint("table_", i)) })
	for i, m := range sweep {
		s := shots[i%len(shots)]
		r.named(s.name+" "+m.String(), func(r *registry) {
			r.Parallel()
			r.shotApply(changes[i], s, m)
		})
	}
}

func (r *registry) shotApply(p lab.Pushed, s shot, m moment) {
	r = r.alone()
	dir := r.begin(p)
	r.create(p, dir, 0)
	status, log := r.shoot(p, dir, "apply-changelog", s, m)
	r.settled(p, dir, "apply-changelog", s, status, log)
	r.recovers(p)
}

// TestCreateTempDBKilled sweeps over runs that make a base database each.
func TestCreateTempDBKilled(t *testing.T) {
	t.Parallel()
	r := newRegistryIn(t, corner{env: []string{"PATCHBAY_CHANGELOG=data-model", "PATCHBAY_MAX_CANDIDATES=0"}},
		map[string]string{"data-model/00001_first.sql": busy("first")[second]})
	sweep := some(moments(1200*time.Millisecond, 60, 2), 1, 3, 5, 8, 12, 20, 60, 61)
	changes := r.stack(len(sweep), func(i int) map[string]string { return newTable(fmt.Sprint("table_", i)) })
	r.named("at", func(r *registry) { // ends when all of them have ended
		for i, m := range sweep {
			s := shots[i%len(shots)]
			r.named(s.name+" "+m.String(), func(r *registry) {
				r.Parallel()
				// A setting of its own gives each run a base database of its own.
				r.shotCreate(changes[i], s, m, fmt.Sprint("PATCHBAY_PARAMETERS=run=", i))
			})
		}
	})
	r.nothingLeft()
}

func (r *registry) shotCreate(p lab.Pushed, s shot, m moment, setting string) {
	r = r.alone().with(setting)
	dir := r.begin(p)
	status, log := r.shoot(p, dir, "create-temp-db", s, m)
	r.settled(p, dir, "create-temp-db", s, status, log)
	r.recovers(p)
}

// TestLiquibaseKilled: the Java process goes with the step, and its statement
// with it.
func TestLiquibaseKilled(t *testing.T) {
	t.Parallel()
	files := people("")
	r := newRegistryIn(t, corner{env: []string{"PATCHBAY_MAX_CANDIDATES=0"}}, files)
	sweep := some(moments(4*time.Second, 40, 2), 4, 40, 41)
	slow := `<changeSet id="slow" author="olena"><sql>SELECT pg_sleep(1)</sql></changeSet>`
	changes := r.stack(len(sweep), func(i int) map[string]string { return people(table(fmt.Sprint("table_", i)) + slow) })
	for i, m := range sweep {
		s := shots[i%len(shots)]
		r.named(s.name+" "+m.String(), func(r *registry) {
			r.Parallel()
			r.shotApply(changes[i], s, m)
		})
	}
}

// TestEveryStepAskedToEnd: get-changes and report-verified end at once, too.
func TestEveryStepAskedToEnd(t *testing.T) {
	t.Parallel()
	r := quick(t, corner{})
	p := r.clone.Push(t, "a table", newTable("asked"))
	faulty, proxy := r.behind()
	silent := lab.Fault{Path: "/a/changes/", Silence: true, Times: 1}
	for step, after := range map[string]func(dir string){
		"get-changes":     func(string) {},
		"report-verified": func(dir string) { result[change.GetChanges](faulty, p, dir, "get-changes", 0) },
	} {
		dir := t.TempDir()
		after(dir)
		proxy.Add(silent)
		began := time.Now()
		status, log := faulty.shoot(p, dir, step, shots[2], moment{after: time.Second})
		if status != 1 || time.Since(began) > 5*time.Second {
			t.Errorf("%s: exit status %d after %s\n%s", step, status, time.Since(began), log)
		}
		r.failedAs(read[change.Header](r, filepath.Join(dir, step+".json")), change.KindCancelled)
		r.wantVote(p.Number, 0)
	}
}
