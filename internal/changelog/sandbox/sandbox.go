// Package sandbox starts a program that may read and write only what it is
// given, connect to one TCP port only, and start no other program. On Linux
// this is Landlock, seccomp and resource limits, set by a copy of the calling
// binary before it becomes that program; no privilege is needed.
//
// Every main that may start an engine calls Exec first.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Rules say what the program may touch. Names that do not exist are left out.
type Rules struct {
	Programs []string `json:"programs"` // files and folders to execute and read
	Read     []string `json:"read"`     // files and folders to read
	Write    []string `json:"write"`    // folders to do anything in
	Port     uint16   `json:"port"`     // the one TCP port to connect to, on any host
}

// marker is the first argument of the copy that sets the rules.
const marker = "patchbay-sandboxed-exec"

// killed is how long pipes are drained after the group was killed.
const killed = 5 * time.Second

// entered is set by Exec. Without it a binary whose main does not call Exec,
// above all a test binary, would start copies of itself without end.
var entered bool

// Exec must be the first call in main. In a process that Command started it
// sets the rules and becomes the program; it never returns then. Otherwise it
// does nothing.
func Exec() {
	entered = true
	if len(os.Args) < 4 || os.Args[1] != marker {
		return
	}
	if err := become(os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
	}
	os.Exit(exitRefused)
}

// exitRefused is the status of a copy that could not set the rules.
const exitRefused = 70

func become(document string, argv []string) error {
	var rules Rules
	if err := json.Unmarshal([]byte(document), &rules); err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	return restrictAndExec(rules, argv)
}

// Command prepares a program in a process group of its own; when ctx ends the
// whole group is killed. From now on no other process of this user can read
// the memory and the environment of this one. The caller sets the streams and, because the group
// dies with the thread that starts it, runs it on a locked thread.
func Command(ctx context.Context, rules Rules, argv []string) (*exec.Cmd, error) {
	if !entered {
		return nil, errors.New("main does not call sandbox.Exec")
	}
	document, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	if err := hideMemory(); err != nil {
		return nil, fmt.Errorf("hide this process: %w", err)
	}
	return command(ctx, string(document), argv), nil
}
