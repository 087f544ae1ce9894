// Command apply-changelog applies a candidate's changelog to its attempt and
// publishes the result under the change's public name.
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
