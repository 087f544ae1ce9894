package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// answerLimit bounds what one git command may answer into memory.
const answerLimit = 16 << 20

var errTooMuch = errors.New("the answer is too long")

// setting is one line of git configuration. Settings reach git by its
// environment, where, unlike in argv, no other user reads them.
type setting struct{ key, value string }

// environment is all that a git process sees. Other than the settings:
// no prompts, no replaced objects, no fetches in the middle of a read, and
// paths are paths, not patterns.
func environment(settings []setting) []string {
	env := []string{
		"LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "GIT_LITERAL_PATHSPECS=1",
	}
	settings = append([]setting{{"core.hooksPath", "/dev/null"}, {"core.fsmonitor", "false"}}, settings...)
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s.value))
	}
	return env
}

// hermetic keeps the user's configuration out of what git answers.
const hermetic = "GIT_CONFIG_GLOBAL=/dev/null"

// process is a git command and the context that ends it.
type process struct {
	*exec.Cmd
	ctx context.Context // tells a cancelled command from a failed one
}

// git prepares a command on the repository that needs no network.
func (r *Repo) git(ctx context.Context, args ...string) process {
	cmd := command(ctx, args...)
	cmd.Env = append(environment(nil), hermetic, "GIT_DIR="+r.gitDir)
	return cmd
}

// inFolder prepares a command that looks for the repository by itself.
func inFolder(ctx context.Context, dir string, args ...string) process {
	cmd := command(ctx, args...)
	cmd.Dir = dir
	cmd.Env = append(environment([]setting{{"safe.directory", dir}}), hermetic)
	return cmd
}

// command prepares a process group of its own, ended as a whole with the
// context: git fetch has children. SIGTERM, so that git removes its locks.
func command(ctx context.Context, args ...string) process {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return process{cmd, ctx}
}

// output runs the command and gives what it wrote to stdout.
func output(cmd process) (string, error) {
	var stdout, stderr bounded
	stdout.limit, stderr.limit, stderr.cut = answerLimit, 64<<10, true
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.String(), explain(cmd, err, stderr.String())
}

// explain turns the end of a process into an error with git's own words.
func explain(cmd process, err error, stderr string) error {
	if err == nil {
		return nil
	}
	if cmd.ctx.Err() != nil {
		return fmt.Errorf("git %s: %w", cmd.Args[1], cmd.ctx.Err())
	}
	if errors.Is(err, exec.ErrNotFound) {
		return change.Failf(change.KindConfiguration, "git is not installed").WithHint("install git 2.31 or newer")
	}
	return &gitError{verb: cmd.Args[1], stderr: stderr, cause: err}
}

// gitError is a git command that failed.
type gitError struct {
	verb   string
	stderr string
	cause  error
}

func (e *gitError) Error() string {
	if text := firstFault(e.stderr); text != "" {
		return "git " + e.verb + ": " + text
	}
	return fmt.Sprintf("git %s: %v", e.verb, e.cause)
}

func (e *gitError) Unwrap() error { return e.cause }

func exitCode(err error) int {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// messageOf is all that git wrote to stderr.
func messageOf(err error) string {
	if failed := (*gitError)(nil); errors.As(err, &failed) {
		return failed.stderr
	}
	return ""
}

// firstFault is the first line in which git says what is wrong; what the
// other side wrote ("remote: …") counts only when there is no such line.
func firstFault(stderr string) string {
	first := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"fatal: ", "error: "} {
			if text, ok := strings.CutPrefix(line, prefix); ok {
				return shown(text)
			}
		}
		if first == "" {
			first = line
		}
	}
	return shown(first)
}

// lineLimit bounds what the other side can make us say.
const lineLimit = 500

func shown(line string) string {
	return change.OneLine(withoutLogin(line[:min(len(line), lineLimit)]))
}

// bounded keeps the first limit bytes; over it, it fails or, with cut, forgets.
type bounded struct {
	bytes.Buffer
	limit int
	cut   bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - b.Len()
	if len(p) <= room {
		return b.Buffer.Write(p)
	}
	b.Buffer.Write(p[:room])
	if b.cut {
		return len(p), nil
	}
	return room, errTooMuch
}
