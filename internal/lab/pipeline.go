package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Pipeline runs the steps for a patch set, in the order and under the
// conditions of the pipelines that we ship.
type Pipeline struct {
	Bin string   // folder of the step binaries
	Env []string // what the steps need besides the patch set
}

// StepRun is one step's run.
type StepRun struct {
	Name    string
	Status  int // exit status
	Stderr  string
	Seconds float64
}

// PipelineRun is what the steps said; a document that is not there is nil.
type PipelineRun struct {
	Dir      string // the run directory
	Steps    []StepRun
	Seconds  float64
	Changes  *change.GetChanges
	Created  *change.CreateTempDB
	Applied  *change.ApplyChangelog
	Reported *change.ReportVerified
}

// Environment gives the variables that Jenkins and GitHub set for a patch set.
func (p Pushed) Environment() []string {
	return []string{
		"GERRIT_PROJECT=" + p.Project, "GERRIT_BRANCH=master",
		"GERRIT_CHANGE_NUMBER=" + strconv.Itoa(p.Number),
		"GERRIT_PATCHSET_NUMBER=" + strconv.Itoa(p.PatchSet),
		"GERRIT_PATCHSET_REVISION=" + p.Revision,
	}
}

// Environment gives Gerrit's address and the voting account as variables.
func (g *GerritServer) Environment() []string {
	return []string{"GERRIT_URL=" + g.URL, "GERRIT_USERNAME=" + g.CI().Username, "GERRIT_PASSWORD=" + g.CI().Password}
}

// Run walks a patch set through the pipeline with dir as its run directory:
// a step runs when the one before it ended with 0, report-verified always.
func (p Pipeline) Run(ctx context.Context, pushed Pushed, dir string) (*PipelineRun, error) {
	began := time.Now()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r := &PipelineRun{Dir: dir}
	r.step(ctx, p, pushed, "report-verified", "--pending")
	for _, name := range []string{"get-changes", "create-temp-db", "apply-changelog"} {
		if r.step(ctx, p, pushed, name) != 0 {
			break
		}
	}
	r.step(ctx, p, pushed, "report-verified")
	r.Seconds = time.Since(began).Seconds()
	return r, errors.Join(ctx.Err(),
		document(dir, "get-changes", &r.Changes), document(dir, "create-temp-db", &r.Created),
		document(dir, "apply-changelog", &r.Applied), document(dir, "report-verified", &r.Reported))
}

func (r *PipelineRun) step(ctx context.Context, p Pipeline, pushed Pushed, name string, args ...string) int {
	began := time.Now()
	cmd := exec.CommandContext(ctx, filepath.Join(p.Bin, name), args...)
	cmd.Env = append(append(os.Environ(), p.Env...), pushed.Environment()...)
	cmd.Env = append(cmd.Env, "PATCHBAY_RUN_DIR="+r.Dir)
	cmd.Dir = r.Dir // no checkout: the steps use their cache
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	run := StepRun{Name: name}
	if err := cmd.Run(); err != nil {
		run.Status = -1
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			run.Status = exit.ExitCode()
		} else {
			stderr.WriteString(err.Error())
		}
	}
	run.Stderr, run.Seconds = stderr.String(), time.Since(began).Seconds()
	r.Steps = append(r.Steps, run)
	return run.Status
}

func document[T any](dir, step string, into **T) error {
	text, err := os.ReadFile(filepath.Join(dir, step+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s.json: %w", step, err)
	}
	return nil
}
