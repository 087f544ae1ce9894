// Command try-change walks the way of a patch set for the commit at hand,
// without Gerrit: the way to see a result before pushing.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() {
	sandbox.Exec() // the engine runs in a copy of this program
	os.Exit(step.Main(program, &Config{}, run))
}
