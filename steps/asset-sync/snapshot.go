package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/change"
)

// snapshot is what a sync keeps before it writes: the assets that it will
// overwrite or delete, as a tree, and the list of those that it will make.
type snapshot struct {
	FormatVersion int                  `json:"formatVersion"`
	Environment   string               `json:"environment"`
	URL           string               `json:"url"`
	From          string               `json:"from"`
	At            time.Time            `json:"at"`
	Created       []assets.Key         `json:"created"`
	Before        []assets.Key         `json:"before"` // in the tree "before"
	Held          map[string]ownership `json:"held"`   // UUID → owners and roles of those

	name, dir string
	roles     map[string]int // that the environment has now
	accounts  map[int]bool   // likewise
}

// ownership is what an import does not carry.
type ownership struct {
	Owners []int    `json:"owners,omitempty"` // user ids of the environment
	Roles  []string `json:"roles,omitempty"`  // of a dashboard
}

const snapshotFile = "snapshot.json"

// keep writes the snapshot of a plan.
func (y *synchronisation) keep() (*snapshot, error) {
	s := &snapshot{FormatVersion: 1, Environment: y.To, URL: y.to.URL, From: y.From, At: y.Started.UTC(), Held: map[string]ownership{}}
	s.name = y.To + "-" + moment(y.Started)
	for n := 2; exists(filepath.Join(y.Snapshots, s.name)); n++ {
		s.name = fmt.Sprintf("%s-%s-%d", y.To, moment(y.Started), n)
	}
	s.dir = filepath.Join(y.Snapshots, s.name)
	before := assets.NewSet()
	for _, step := range y.plan.Of(assets.Create, assets.Update, assets.Delete) {
		if step.Action == assets.Create {
			s.Created = append(s.Created, step.Key)
			continue
		}
		before.Add(y.to.set.Get(step.Key))
		s.Before = append(s.Before, step.Key)
		s.Held[step.Key.UUID] = y.to.ownership(step.Key)
	}
	if err := s.write(before); err != nil {
		return nil, change.Failf(change.KindConfiguration, "keep what will be overwritten: %w", err).WithHint("set --snapshots to a directory that can be written")
	}
	y.Log.Info().Str("snapshot", s.name).Int("assets", len(s.Before)).Int("created", len(s.Created)).Msg("kept")
	return s, nil
}

func (t *site) ownership(k assets.Key) ownership {
	return ownership{idsOf(t.rows[k].Owners), t.rows[k].Roles}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *snapshot) write(before *assets.Set) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if _, err := writeTree(filepath.Join(s.dir, "before"), assets.TreeFiles(before)); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, snapshotFile), append(text, '\n'), 0o600)
}

// openSnapshot reads one by its name; "" is the latest of an environment.
func openSnapshot(dir, environment, name string) (*snapshot, error) {
	if name == "" {
		var err error
		if name, err = latest(dir, environment); err != nil {
			return nil, err
		}
	}
	s := &snapshot{name: name, dir: filepath.Join(dir, name)}
	if name != filepath.Base(name) {
		return nil, change.Failf(change.KindConfiguration, "snapshot %q: want a name, not a path", name)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, snapshotFile))
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read the snapshot: %w", err).WithHint("set --snapshots to where sync kept it")
	}
	if err := json.Unmarshal(text, s); err != nil || s.FormatVersion != 1 {
		return nil, change.Failf(change.KindConfiguration, "snapshot %s is not of this version", name)
	}
	return s, nil
}

// ofMoment is what follows the environment's name; another environment's may
// begin with it.
var ofMoment = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z(-[0-9]+)?$`)

func latest(dir, environment string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var names []string
	for _, e := range entries {
		if at, ours := strings.CutPrefix(e.Name(), environment+"-"); ours && ofMoment.MatchString(at) && exists(filepath.Join(dir, e.Name(), snapshotFile)) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return "", change.Failf(change.KindConfiguration, "there is no snapshot of %s in %s", environment, dir).WithHint("set --snapshots to where sync kept it")
	}
	return slices.Max(names), nil
}
