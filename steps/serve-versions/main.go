// Command serve-versions shows the model of master and of every candidate, and
// how their deployment stands, as a REST API and as web pages.
package main

import (
	"os"

	"github.com/patchbay-ci/patchbay/internal/step"
)

func main() { os.Exit(step.Main(program, &Config{}, run)) }
