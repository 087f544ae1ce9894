package seed

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

//go:embed *.go *.py
var sources embed.FS

// Fixture is Fill, but what an earlier call made is put back, in a tenth of a
// second, as long as this package has not changed.
func Fixture(ctx context.Context, p *lab.SupersetPair) (*Seeded, error) {
	name, err := fixtureName()
	if err != nil {
		return nil, err
	}
	name += "-" + p.Prod.Version + "-" + p.QA.Version
	ids := filepath.Join(p.Prod.Home, "..", "kept-"+name, "seeded.json")
	if text, err := os.ReadFile(ids); err == nil {
		made := &Seeded{}
		if err := json.Unmarshal(text, made); err != nil {
			return nil, err
		}
		return made, p.Reset(name)
	}
	made, err := Fill(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := p.Keep(name); err != nil {
		return nil, err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	return made, os.WriteFile(ids, text, 0o600) // last: it says that all is there
}

// Generated is Generate by the seed 1, but what an earlier call made is put
// back as long as this package has not changed.
func Generated(ctx context.Context, p *lab.SupersetPair, size Size) (kept string, err error) {
	fixture, err := fixtureName()
	if err != nil {
		return "", err
	}
	kept = fmt.Sprintf("%s-%d-%d-%d", fixture, size.Datasets, size.Charts, size.Dashboards)
	whole := filepath.Join(p.Prod.Home, "..", "kept-"+kept, "whole")
	if _, err := os.Stat(whole); err == nil {
		return kept, p.Reset(kept)
	}
	if err := p.Reset(""); err != nil {
		return "", err
	}
	if err := Generate(ctx, p, size, 1); err != nil {
		return "", err
	}
	if err := p.Keep(kept); err != nil {
		return "", err
	}
	return kept, os.WriteFile(whole, nil, 0o600) // last: it says that all is there
}

func fixtureName() (string, error) {
	sum := sha256.New()
	entries, err := sources.ReadDir(".")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		text, err := sources.ReadFile(e.Name())
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return fmt.Sprintf("fixture-%x", sum.Sum(nil)[:6]), nil
}
