// Command asset-sync keeps the datasets, charts and dashboards of several
// Superset environments alike: ids, filters and cross filters right, in either
// direction, or from git.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.MainOf(program, commands()...)) }
