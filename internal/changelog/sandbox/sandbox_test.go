package sandbox

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Exec()
	if len(os.Args) > 2 && os.Args[1] == "probe" {
		probe(os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

// probe does one thing inside the sandbox and says whether it could.
func probe(do []string) {
	var err error
	switch do[0] {
	case "read":
		_, err = os.ReadFile(do[1])
	case "write":
		err = os.WriteFile(do[1], []byte("x"), 0o600)
	case "run":
		err = exec.Command(do[1]).Run()
	case "connect":
		var conn net.Conn
		if conn, err = net.Dial("tcp", do[1]); err == nil {
			conn.Close()
		}
	case "threads":
		done := make(chan bool)
		for range 8 {
			go func() { runtime.LockOSThread(); done <- true }()
		}
		for range 8 {
			<-done
		}
	}
	if err != nil {
		os.Stdout.WriteString("refused")
		return
	}
	os.Stdout.WriteString("done")
}

func TestRules(t *testing.T) {
	t.Parallel()
	if missing := Missing(); len(missing) > 0 {
		t.Fatalf("this machine lacks a part of the sandbox: %q", missing)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	given, own, foreign := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{given, foreign} {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(foreign, "file"), filepath.Join(given, "link")); err != nil {
		t.Fatal(err)
	}
	open, other := listen(t), listen(t)
	rules := Rules{
		Programs: append(SystemLibraries(), program), Read: []string{given, filepath.Join(given, "absent"), "/proc/self"}, Write: []string{own}, Port: portOf(open),
	}
	for _, c := range []struct{ do, what, want string }{
		{"read", filepath.Join(given, "file"), "done"},
		{"read", filepath.Join(given, "link"), "refused"},
		{"read", filepath.Join(foreign, "file"), "refused"},
		{"read", "/etc/passwd", "refused"},
		{"read", "/proc/" + strconv.Itoa(os.Getpid()) + "/environ", "refused"},
		{"write", filepath.Join(own, "file"), "done"},
		{"write", filepath.Join(given, "new"), "refused"},
		{"run", program, "refused"},
		{"run", "/bin/true", "refused"},
		{"connect", open, "done"},
		{"connect", other, "refused"},
		{"threads", "", "done"},
	} {
		cmd, err := Command(t.Context(), rules, []string{program, "probe", c.do, c.what})
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.CombinedOutput()
		if got := string(out); got != c.want {
			t.Errorf("%s %s: %s (%v), want %s", c.do, c.what, got, err, c.want)
		}
	}
}

// Whoever runs as the same user must not read our secrets by /proc.
func TestMemoryIsHidden(t *testing.T) {
	t.Parallel()
	if _, err := Command(t.Context(), Rules{}, []string{"/bin/true"}); err != nil {
		t.Fatal(err)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable %d, %v", dumpable, err)
	}
}

func listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func portOf(address string) uint16 {
	_, port, _ := net.SplitHostPort(address)
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		panic(err)
	}
	return uint16(number)
}

func TestCancelKillsTheGroup(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	rules := Rules{Programs: append(SystemLibraries(), "/bin", "/usr/bin")}
	cmd, err := Command(ctx, rules, []string{"/bin/sleep", "60"})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Run(); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("ended with %v after %s", err, time.Since(began))
	}
}

func TestBadProgram(t *testing.T) {
	t.Parallel()
	cmd, err := Command(t.Context(), Rules{}, []string{"/no/such/program"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "sandbox: execute /no/such/program") {
		t.Errorf("got %v: %s", err, out)
	}
}
