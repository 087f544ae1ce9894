package liquibase

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
)

// process is one Java process, in the sandbox and in a process group of its own.
type process struct {
	argv     []string
	dir      string
	rules    sandbox.Rules
	timeout  time.Duration // for the message when the context's cause is errTimeout
	progress func(string)
}

var errTimeout = errors.New("time limit")

// run ends when the process and all it started are gone. The goroutine stays
// on one thread until then, because Linux sends the parent-death signal when
// the thread that started the child ends.
func (p process) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd, err := sandbox.Command(ctx, p.rules, p.argv)
	if err != nil {
		return change.Failf(change.KindInfrastructure, "prepare Liquibase's sandbox: %w", err)
	}
	seen := &output{progress: p.progress, over: func() { stop(errOutput) }}
	cmd.Dir, cmd.Env, cmd.Stderr = p.dir, []string{"LC_ALL=C.UTF-8"}, seen
	err = cmd.Run()
	return p.failure(ctx, err, seen)
}

// failure types the end of the process.
func (p process) failure(ctx context.Context, err error, seen *output) error {
	var exit *exec.ExitError
	cause := context.Cause(ctx)
	switch {
	case err == nil && ctx.Err() == nil:
		return nil
	case errors.Is(cause, errTimeout):
		return seen.inFailure(change.Failf(change.KindLimit, "Liquibase ran longer than %s and was ended", p.timeout).
			WithHint("PATCHBAY_TIMEOUT limits one run"))
	case errors.Is(cause, errOutput):
		return seen.inFailure(change.Failf(change.KindLimit, "Liquibase wrote more than %d MiB of messages and was ended", maxOutput>>20))
	case ctx.Err() != nil:
		return change.Failf(change.KindCancelled, "Liquibase was ended: %w", cause)
	case !errors.As(err, &exit):
		return change.Failf(change.KindInfrastructure, "start Liquibase: %w", err)
	}
	return seen.exitFailure(exit.Sys().(syscall.WaitStatus))
}
