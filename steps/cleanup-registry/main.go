// Command cleanup-registry tears an environment down: every database of the
// registry's prefix, the throw-away logins, the template.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.Main(program, &Config{}, run)) }
