//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
)

func command(ctx context.Context, _ string, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killed
	return cmd
}

func hideMemory() error { return nil }

// Available says whether this system can keep a program to its files.
func Available() bool { return false }

// Missing says which part of the sandbox this system lacks: all of it.
func Missing() []string {
	return []string{"only Linux has the sandbox: the engine could read every file of this user"}
}

// SystemLibraries are of no use without a sandbox.
func SystemLibraries() []string { return nil }

func restrictAndExec(Rules, []string) error { return errors.New("only Linux has the sandbox") }
