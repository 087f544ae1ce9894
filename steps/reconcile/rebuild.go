package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// patchSet is one entry of the rebuild list: what the pipeline is started
// with.
type patchSet struct {
	change.PatchSet
	Branch string `json:"branch"`
	Ref    string `json:"ref"` // refs/changes/…
}

// writeRebuildList writes the patch sets that need the pipeline, an empty list
// too: who reads the file must not find yesterday's.
func (r *reconcile) writeRebuildList(p plan) error {
	if r.cfg.RebuildList == "" {
		return nil
	}
	list := []patchSet{}
	for _, m := range rebuild(p.missing, p.outdated) {
		list = append(list, patchSet{
			PatchSet: change.PatchSet{Project: r.cfg.Project, Change: m.Change, PatchSet: m.PatchSet, Revision: m.Revision},
			Branch:   m.Branch, Ref: fmt.Sprintf("refs/changes/%02d/%d/%d", m.Change%100, m.Change, m.PatchSet),
		})
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = replaceFile(r.cfg.RebuildList, append(text, '\n'))
	}
	if err != nil {
		return change.Failf(change.KindConfiguration, "write the rebuild list: %w", err).WithHint("see --rebuild-list")
	}
	return nil
}

// replaceFile lets readers see the old file or the new one.
func replaceFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.Write(text)
	if err := errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
