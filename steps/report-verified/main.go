// Command report-verified votes on a patch set and says why, in one message.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.Main(program, &Config{}, run)) }
