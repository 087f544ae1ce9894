package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

// model is what the changes are made of.
type model struct {
	changelog string // PATCHBAY_CHANGELOG
	base      map[string]string
	merged    map[string]string // what lands on the branch between two waves
	delta     func(i int) map[string]string
}

func modelOf(engine string) (model, error) {
	switch engine {
	case "goose":
		return migrations(), nil
	case "liquibase":
		return laboratories()
	}
	return model{}, fmt.Errorf("-engine %s: want goose or liquibase", engine)
}

// migrations is a model of twenty migrations.
func migrations() model {
	file := func(number int, name string) map[string]string {
		return map[string]string{fmt.Sprintf("data-model/%05d_%s.sql", number, name): fmt.Sprintf(
			"-- +goose Up\nCREATE TABLE registry.%s (id uuid PRIMARY KEY, code varchar(40) UNIQUE NOT NULL, name text);\nCREATE INDEX ON registry.%[1]s (name);\n", name)}
	}
	base := map[string]string{}
	for i := range 20 {
		for name, text := range file(i+1, fmt.Sprint("table_", i)) {
			base[name] = text
		}
	}
	return model{
		changelog: "data-model", base: base, merged: file(21, "merged"),
		delta: func(i int) map[string]string {
			return map[string]string{"data-model/00030_change.sql": fmt.Sprintf("-- +goose Up\nALTER TABLE registry.table_%d ADD change_%d text;\n", i%20, i)}
		},
	}
}

// laboratories is the registry of the demo, by Liquibase.
func laboratories() (model, error) {
	files, err := lab.Registry()
	if err != nil {
		return model{}, err
	}
	const file, other = "data-model/procedures.sql", "data-model/tables.xml"
	return model{
		changelog: "data-model/main-liquibase.xml", base: files,
		merged: map[string]string{other: files[other] + "<!-- merged -->\n"},
		delta: func(i int) map[string]string {
			return map[string]string{file: files[file] + fmt.Sprintf("\n--changeset olena:change-%d\nALTER TABLE registry.sample ADD change_%[1]d text;\n", i)}
		},
	}, nil
}

// push pushes all changes at once, each on top of the one before, all with
// the tip of the branch as their base; with earlier patch sets given, the next
// ones of the same changes.
func (l *load) push(ctx context.Context, earlier []lab.Pushed) (pushed []lab.Pushed, err error) {
	if err := l.tip(ctx); err != nil {
		return nil, err
	}
	for i := range l.changes {
		if err := l.commit(ctx, i, earlier); err != nil {
			return nil, err
		}
		revision, err := l.clone.RunGit(ctx, "rev-parse", "HEAD")
		if err != nil {
			return nil, err
		}
		p := lab.Pushed{Project: l.project, PatchSet: 1, Revision: revision}
		if earlier != nil {
			p.Number, p.PatchSet = earlier[i].Number, earlier[i].PatchSet+1
		}
		pushed = append(pushed, p)
	}
	if _, err := l.clone.RunGit(ctx, "push", "-q", "origin", "HEAD:refs/for/master"); err != nil || earlier != nil {
		return pushed, err
	}
	return pushed, l.number(ctx, pushed)
}

// tip checks out what the branch is now.
func (l *load) tip(ctx context.Context) error {
	_, fetched := l.clone.RunGit(ctx, "fetch", "-q", "origin")
	_, out := l.clone.RunGit(ctx, "checkout", "-q", "--detach", "origin/master")
	return errors.Join(fetched, out)
}

func (l *load) commit(ctx context.Context, i int, earlier []lab.Pushed) error {
	if earlier == nil {
		return l.clone.CommitFiles(ctx, "change "+strconv.Itoa(i), l.model.delta(i))
	}
	for name, text := range l.model.delta(i) {
		if err := os.WriteFile(filepath.Join(l.clone.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	_, added := l.clone.RunGit(ctx, "add", "-A")
	_, committed := l.clone.RunGit(ctx, "commit", "-q", "-C", earlier[i].Revision) // the same Change-Id
	return errors.Join(added, committed)
}

// number asks which change each commit became.
func (l *load) number(ctx context.Context, pushed []lab.Pushed) error {
	numbers := map[string]int{}
	for skip := 0; ; {
		var page []struct {
			Number  int    `json:"_number"`
			Current string `json:"current_revision"`
		}
		path := fmt.Sprintf("/changes/?o=CURRENT_REVISION&q=project:%s&S=%d", l.project, skip)
		_, answer, err := l.gerrit.Call(ctx, l.gerrit.Admin(), "GET", path, "")
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			return fmt.Errorf("list the changes: %w: %s", err, answer)
		}
		for _, c := range page {
			numbers[c.Current] = c.Number
		}
		if skip += len(page); len(page) == 0 || len(numbers) >= l.changes {
			break
		}
	}
	for i := range pushed {
		if pushed[i].Number = numbers[pushed[i].Revision]; pushed[i].Number == 0 {
			return fmt.Errorf("commit %s became no change", pushed[i].Revision)
		}
	}
	return nil
}
