package main

import (
	"fmt"
	"os/exec"
	"runtime"

	"github.com/patchbay-ci/patchbay/internal/ci"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// showPage opens a page in the person's browser; its address is shown too, for
// where there is none, or it is on another machine.
func showPage(s *step.Session, environment, address string) {
	fmt.Fprintf(s.Stderr, "open this page to log in to %s:\n  %s\n", environment, address)
	program := opener(runtime.GOOS, s.CI.Name(), s.Getenv)
	if program == "" {
		return
	}
	cmd := exec.Command(program, address) //nolint:noctx // the browser outlives the run
	if err := cmd.Start(); err != nil {
		s.Log.Debug().Err(err).Msg("the browser was not opened")
		return
	}
	go func() { _ = cmd.Wait() }()
}

// opener is the system's program that opens a page, "" where nobody would see
// it.
func opener(system, where string, getenv func(string) string) string {
	switch {
	case where == ci.GitHub || where == ci.Jenkins:
		return ""
	case system == "darwin":
		return "open"
	case getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != "":
		return "xdg-open"
	}
	return ""
}
