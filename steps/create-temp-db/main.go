// Command create-temp-db gives a patch set its database: an attempt, cloned
// from the base database of its base.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() {
	sandbox.Exec() // the engine of the base's changelog runs in a copy of this program
	os.Exit(step.Main(program, &Config{}, run))
}
