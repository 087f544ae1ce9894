// Command prepare-template makes the roles and the reference database that
// all candidate databases descend from.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.Main(program, &Config{}, run)) }
