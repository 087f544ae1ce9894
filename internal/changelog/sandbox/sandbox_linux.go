package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

func command(ctx context.Context, rules string, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{marker, rules}, argv...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killed
	return cmd
}

// hideMemory makes /proc/<pid>/environ and the like the superuser's, also
// where Landlock does not keep the program from them.
func hideMemory() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// Available says whether this kernel can keep a program to its files.
func Available() bool { return landlockABI() >= 1 }

// Missing says, a line each, which part of the sandbox this kernel lacks.
func Missing() []string {
	switch abi := landlockABI(); {
	case abi < 1:
		return []string{"this kernel has no Landlock: the engine could read every file of this user"}
	case abi < 4:
		return []string{"this kernel's Landlock is older than 6.7: the engine could connect to other servers"}
	}
	return nil
}

// restrictAndExec keeps to one thread: the rules hold for the thread that set
// them, and the program goes on as that thread.
func restrictAndExec(rules Rules, argv []string) error {
	runtime.LockOSThread()
	if err := limit(); err != nil {
		return fmt.Errorf("set resource limits: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if err := restrictAccess(rules); err != nil {
		return fmt.Errorf("set Landlock rules: %w", err)
	}
	if err := forbidProcesses(); err != nil {
		return fmt.Errorf("set the seccomp filter: %w", err)
	}
	err := syscall.Exec(argv[0], argv, os.Environ()) //nolint:gosec // to become that program is the job
	return fmt.Errorf("execute %s: %w", argv[0], err)
}

// limit sets resource limits once: a lowered hard limit cannot be raised. The
// address space is not limited, since a JVM reserves gigabytes that it never
// touches, nor processor time, which the time limit of the run stands for.
func limit() error {
	for resource, most := range map[int]uint64{
		syscall.RLIMIT_CORE:   0,
		syscall.RLIMIT_FSIZE:  256 << 20,
		syscall.RLIMIT_NOFILE: 1024,
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(resource, &now); err != nil {
			return err
		}
		most = min(most, now.Max)
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}

// SystemLibraries are the folders of the dynamic loader and its libraries.
func SystemLibraries() []string {
	var folders []string
	for _, pattern := range []string{"/lib/*-linux-*", "/usr/lib/*-linux-*", "/lib64", "/usr/lib64", "/lib/ld-musl-*", "/lib/lib*.so*", "/usr/lib/lib*.so*", "/etc/ld.so.cache"} {
		found, err := filepath.Glob(pattern)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue // the patterns are constants; a folder that cannot be read has no library for us
		}
		folders = append(folders, found...)
	}
	return folders
}
