//go:build linux

package step

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/ci"
)

// terminal opens a pseudo-terminal: what is written to the keyboard is typed.
func terminal(t *testing.T) (keyboard, stdin *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		stdin, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	return keyboard, stdin
}

func asking(stdin *os.File, env map[string]string) (*Session, *bytes.Buffer) {
	var stderr bytes.Buffer
	getenv := func(name string) string { return env[name] }
	return &Session{CI: ci.Detect(getenv, &stderr), Stdin: stdin, Stderr: &stderr}, &stderr
}

func TestAsk(t *testing.T) {
	t.Parallel()
	keyboard, stdin := terminal(t)
	s, stderr := asking(stdin, nil)
	for typed, want := range map[string]string{"registry-dev-\n": "registry-dev-", "\n": "", " yes \n": "yes"} {
		if _, err := keyboard.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		if got, asked, err := s.Ask(t.Context(), "Go on? "); got != want || !asked || err != nil {
			t.Errorf("typed %q: %q, %t, %v", typed, got, asked, err)
		}
	}
	if !strings.Contains(stderr.String(), "Go on? ") {
		t.Errorf("shown: %q", stderr)
	}
}

// TestAskEndsWithASignal: the read of a terminal cannot be interrupted.
func TestAskEndsWithASignal(t *testing.T) {
	t.Parallel()
	_, stdin := terminal(t)
	s, _ := asking(stdin, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, asked, err := s.Ask(ctx, "Go on? ")
	if f := change.AsFailure(err); !asked || f == nil || f.Kind != change.KindCancelled {
		t.Errorf("%t, %v", asked, err)
	}
}

func TestAskNobody(t *testing.T) {
	t.Parallel()
	_, stdin := terminal(t)
	for name, env := range map[string]map[string]string{"Jenkins": {"JENKINS_URL": "https://ci.example.org"}, "GitHub": {"GITHUB_ACTIONS": "true"}} {
		s, _ := asking(stdin, env)
		if _, asked, err := s.Ask(t.Context(), "Go on? "); asked || err != nil {
			t.Errorf("%s: asked %t, %v", name, asked, err)
		}
	}
	s, stderr := asking(nil, nil)
	s.Stdin = strings.NewReader("registry-dev-\n")
	if _, asked, err := s.Ask(t.Context(), "Go on? "); asked || err != nil || stderr.Len() > 0 {
		t.Errorf("a pipe: asked %t, %v, %q", asked, err, stderr)
	}
}
