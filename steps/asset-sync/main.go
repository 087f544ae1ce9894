// Command asset-sync keeps the datasets, charts and dashboards of several
// Superset environments alike: ids, filters and cross filters right, in either
// direction, or from git.
package main

import (
	"os"
	"runtime/debug"

	"github.com/patchbay-ci/patchbay/internal/step"
)

// memoryLimit is what the collector tries to stay below, in bytes: without a limit a
// site of a thousand charts takes twice what it needs.
const memoryLimit = 96 << 20

func main() {
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(step.MainOf(program, commands()...))
}
