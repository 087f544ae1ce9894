package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// scene is one patch set: what is pushed and the verdict it must get.
type scene struct {
	what string
	vote int
	push func(context.Context) (lab.Pushed, error)
}

// row is a scene as it went.
type row struct {
	scene  scene
	pushed lab.Pushed
	run    *lab.PipelineRun
}

// play pushes one patch set after the other and runs the pipeline for each.
func (s *stage) play(ctx context.Context) (rows []row, err error) {
	for _, scene := range s.story() {
		r := row{scene: scene}
		if r.pushed, err = scene.push(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", scene.what, err)
		}
		dir := filepath.Join(s.work, fmt.Sprintf("run-%d-%d", r.pushed.Number, r.pushed.PatchSet))
		if r.run, err = s.pipeline.Run(ctx, r.pushed, dir); err != nil {
			return nil, fmt.Errorf("%s: %w", scene.what, err)
		}
		fmt.Fprintf(os.Stderr, "%5.1f s  change %d, patch set %d: %s\n", r.run.Seconds, r.pushed.Number, r.pushed.PatchSet, scene.what)
		rows = append(rows, r)
	}
	return rows, nil
}

func (s *stage) story() []scene {
	var good, repair, plain lab.Pushed
	return []scene{
		{"a good change", +1, func(ctx context.Context) (p lab.Pushed, err error) {
			good, err = s.onMaster(ctx, "Calibrations of equipment", map[string]string{"data-model/calibration.xml": calibration, root: including("calibration.xml")})
			return good, err
		}},
		{"a foreign key to nowhere", -1, func(ctx context.Context) (p lab.Pushed, err error) {
			repair, err = s.onMaster(ctx, "Couriers bring samples", map[string]string{"data-model/courier.xml": courier("curier"), root: including("courier.xml")})
			return repair, err
		}},
		{"the model is not touched", +1, func(ctx context.Context) (p lab.Pushed, err error) {
			plain, err = s.onMaster(ctx, "Say who answers for the registry", map[string]string{"README.md": "# Реєстр лабораторій\n\nAnswers for it: the laboratory service.\n"})
			return plain, err
		}},
		{"stacked, the lower one", +1, func(ctx context.Context) (lab.Pushed, error) {
			return s.onMaster(ctx, "Storage of samples", map[string]string{"data-model/storage.xml": storage, root: including("storage.xml")})
		}},
		{"stacked, the upper one: drops and narrows", +1, func(ctx context.Context) (lab.Pushed, error) {
			return s.clone.PushChange(ctx, "Shorter phone numbers, no salaries", map[string]string{"data-model/clean-up.xml": cleanUp, root: including("storage.xml", "clean-up.xml")})
		}},
		{"the second patch set repairs the foreign key", +1, func(ctx context.Context) (lab.Pushed, error) {
			if err := s.checkout(ctx, repair.Revision); err != nil {
				return lab.Pushed{}, err
			}
			return s.clone.AmendChange(ctx, "", map[string]string{"data-model/courier.xml": courier("courier")})
		}},
		{"rebased after the good change was merged", +1, func(ctx context.Context) (lab.Pushed, error) {
			if err := s.submit(ctx, good); err != nil {
				return lab.Pushed{}, err
			}
			return s.rebase(ctx, plain)
		}},
	}
}

// onMaster pushes a new change on top of the branch.
func (s *stage) onMaster(ctx context.Context, subject string, files map[string]string) (lab.Pushed, error) {
	if err := s.checkout(ctx, "origin/master"); err != nil {
		return lab.Pushed{}, err
	}
	return s.clone.PushChange(ctx, subject, files)
}

func (s *stage) checkout(ctx context.Context, revision string) error {
	_, err := s.clone.RunGit(ctx, "checkout", "-q", "--detach", revision)
	return err
}

// submit merges a change, as its reviewers would.
func (s *stage) submit(ctx context.Context, p lab.Pushed) error {
	change := lab.ChangePath(p.Project, p.Number)
	for _, request := range []struct{ path, body string }{
		{change + "/revisions/current/review", `{"labels":{"Code-Review":2}}`}, {change + "/submit", `{}`},
	} {
		status, answer, err := s.gerrit.Call(ctx, s.gerrit.Admin(), http.MethodPost, request.path, request.body)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("submit change %d: status %d %s %w", p.Number, status, strings.TrimSpace(answer), err)
		}
	}
	return nil
}

// rebase makes the next patch set of a change on what the branch is now.
func (s *stage) rebase(ctx context.Context, p lab.Pushed) (lab.Pushed, error) {
	for _, args := range [][]string{{"fetch", "-q", "origin"}, {"checkout", "-q", "--detach", "origin/master"}, {"cherry-pick", p.Revision}} {
		if _, err := s.clone.RunGit(ctx, args...); err != nil {
			return lab.Pushed{}, err
		}
	}
	return s.clone.PushHead(ctx)
}
