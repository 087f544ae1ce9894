// Command get-changes begins a run: is the patch set still current, what is
// its base, did the model change.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.Main(program, &Config{}, run)) }
