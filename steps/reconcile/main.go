// Command reconcile drops the databases of changes that are merged, abandoned
// or deleted, and what runs that are gone have left.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.Main(program, &Config{}, run)) }
