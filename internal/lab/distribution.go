package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// distributionVersion is the newest official distribution that the npm
// package "liquibase" carries unchanged: all its jars and its own script.
const distributionVersion = "4.28.0"

// LiquibaseDistribution gives an official distribution of Liquibase, which is
// what people install and what the benchmarks compare with: 114 MB of jars,
// started by the script "liquibase".
func LiquibaseDistribution(ctx context.Context) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, "liquibase-distribution-"+distributionVersion)
	err = Locked(filepath.Base(target), func() error {
		if _, err := os.Stat(target); err == nil {
			return nil
		}
		return fetchDistribution(ctx, target)
	})
	return filepath.Join(target, "package", "dist", "liquibase"), err
}

func fetchDistribution(ctx context.Context, target string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return Missing("npm", "npm")
	}
	work, err := os.MkdirTemp(filepath.Dir(target), "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, argv := range [][]string{
		{"npm", "pack", "--silent", "liquibase@" + distributionVersion},
		{"tar", "-xzf", "liquibase-" + distributionVersion + ".tgz", "package/dist/liquibase"},
		{"rm", "liquibase-" + distributionVersion + ".tgz"},
	} {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir = work
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("fetch Liquibase's distribution: %s: %w: %s", argv[0], err, out)
		}
	}
	return os.Rename(work, target)
}
