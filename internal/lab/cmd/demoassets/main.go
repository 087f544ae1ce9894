// Command demoassets shows asset-sync on two real Supersets: export, plan,
// sync, a broken cross filter repaired, a difference, rollback.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/lab"
	"github.com/patchbay-ci/patchbay/internal/lab/seed"
)

func main() {
	if err := demo(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "demoassets:", err)
		os.Exit(1)
	}
}

// stage is where the story plays.
type stage struct {
	pair *lab.SupersetPair
	made *seed.Seeded
	dir  string
	bin  string
}

func demo(ctx context.Context) error {
	pair, err := lab.StartSupersets(ctx)
	if err != nil {
		return err
	}
	release, err := lab.LockSupersets()
	if err != nil {
		return err
	}
	defer release()
	if err := pair.Reset(""); err != nil {
		return err
	}
	made, err := seed.Fixture(ctx, pair)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "demo-assets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := filepath.Abs("bin/asset-sync")
	if err != nil {
		return err
	}
	s := &stage{pair, made, dir, bin}
	configuration := fmt.Sprintf("environments:\n  prod: {url: %q, login: {username: sync, password: \"${PASSWORD}\"}}\n  qa: {url: %q, login: {username: sync, password: \"${PASSWORD}\"}}\ndatabases:\n  Реєстри: {qa: \"Реєстри QA\"}\n", pair.Prod.URL, pair.QA.URL)
	if err := os.WriteFile(filepath.Join(dir, "asset-sync.yaml"), []byte(configuration), 0o600); err != nil {
		return err
	}
	return s.story(ctx)
}

func (s *stage) story(ctx context.Context) error {
	for _, scene := range []struct {
		say  string
		play func(context.Context) error
	}{
		{"two environments: prod with what people made by hand, qa with other assets under the same ids", s.run("doctor")},
		{"prod as a tree for git", s.run("export", "--from", "prod")},
		{"what would change in qa", s.run("plan", "--from", "prod", "--to", "qa")},
		{"all of it, ids and cross filters right", s.run("sync", "--from", "prod", "--to", "qa", "--yes")},
		{"a second run writes nothing", s.run("sync", "--from", "prod", "--to", "qa", "--yes")},
		{"another tool leaves prod's ids in a dashboard of qa; they are found and mended", s.broken},
		{"", s.run("repair", "--env", "qa", "--from", "prod", "--yes")},
		{"people change a data set and a dashboard in prod", s.edited},
		{"in words", s.run("diff", "assets", "prod")},
		{"brought to qa", s.run("sync", "--from", "prod", "--to", "qa", "--yes")},
		{"and taken back", s.run("rollback", "--to", "qa", "--yes")},
	} {
		if scene.say != "" {
			fmt.Printf("\n# %s\n", scene.say)
		}
		if err := scene.play(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) run(args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		fmt.Println("$ asset-sync", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, s.bin, append(args, "--log-level", "warn")...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), "PASSWORD=sync-secret", "PATCHBAY_CACHE_DIR="+filepath.Join(s.dir, "cache"))
		return cmd.Run()
	}
}

// broken puts the numbers of prod into the metadata of qa's dashboard.
func (s *stage) broken(ctx context.Context) error {
	prod, err := seed.Client(s.pair.Prod, "admin")
	if err != nil {
		return err
	}
	qa, err := seed.Client(s.pair.QA, "sync")
	if err != nil {
		return err
	}
	var answer struct {
		Result struct {
			Metadata string `json:"json_metadata"`
		}
	}
	if err := prod.Get(ctx, fmt.Sprintf("/api/v1/dashboard/%d", s.made.Dashboards["overview"]), "", &answer); err != nil {
		return err
	}
	var metadata map[string]any
	if err := json.Unmarshal([]byte(answer.Result.Metadata), &metadata); err != nil {
		return err
	}
	delete(metadata, "show_native_filters")
	text, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	rows, err := qa.List(ctx, assets.Dashboard)
	for _, row := range rows {
		if row.Slug == "overview" {
			return qa.Send(ctx, http.MethodPut, fmt.Sprintf("/api/v1/dashboard/%d", row.ID), map[string]any{"json_metadata": string(text)}, nil)
		}
	}
	return err
}

func (s *stage) edited(ctx context.Context) error {
	editor, err := seed.Client(s.pair.Prod, "editor")
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/api/v1/dataset/%d", s.made.Datasets["samples_per_region"])
	if err := editor.Send(ctx, http.MethodPut, path, map[string]any{"sql": "-- зразки за областями\nSELECT region, taken, count(*) AS n\nFROM sample\nGROUP BY 1, 2"}, nil); err != nil {
		return err
	}
	path = fmt.Sprintf("/api/v1/dashboard/%d", s.made.Dashboards["plain"])
	return editor.Send(ctx, http.MethodPut, path, map[string]any{"dashboard_title": "Зарплати і премії", "published": true}, nil)
}
