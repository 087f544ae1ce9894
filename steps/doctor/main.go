// Command doctor checks an installation before the first change is pushed.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/changelog/sandbox"
	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() {
	sandbox.Exec() // the engine is tried in a copy of this program
	os.Exit(step.Main(program, &Config{}, run))
}
