package changelog_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog"
	"github.com/patchbay-ci/patchbay/internal/lab"
)

// withoutLandlock is the first argument of a copy of this binary in which
// Landlock's calls answer ENOSYS, as on an old kernel.
const withoutLandlock = "without-landlock"

func openWithoutLandlock(home, mode string) {
	runtime.LockOSThread()
	filter := []unix.SockFilter{
		{Code: 0x20}, // load the number of the call
		{Code: 0x15, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: 0x06, K: 0x00050000 | uint32(unix.ENOSYS)}, // SECCOMP_RET_ERRNO
		{Code: 0x06, K: 0x7fff0000},                       // SECCOMP_RET_ALLOW
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		panic(err)
	}
	s := changelog.Settings{Changelog: []string{"m/a.xml"}, SearchPath: ".", Engine: "auto", LiquibaseHome: home, Sandbox: mode}
	_, err := changelog.Open(context.Background(), s, "", os.Getenv)
	if err != nil {
		f := change.AsFailure(err)
		fmt.Println(f.Kind, f.Message, f.Hint)
		return
	}
	fmt.Println("opened")
}

func TestWithoutLandlock(t *testing.T) {
	t.Parallel()
	home, err := lab.LiquibaseHome(t.Context(), "4.33.0")
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]string{
		"required": "configuration this kernel has no Landlock", "": "PATCHBAY_SANDBOX=optional", "optional": "opened",
	} {
		out, err := exec.CommandContext(t.Context(), os.Args[0], withoutLandlock, home, mode).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v %s, want %s", mode, err, out, want)
		}
	}
}
