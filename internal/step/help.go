package step

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// help shows the contract, the flags with their variables and defaults, the
// secrets, the exit statuses and examples.
func help(p Program, parser *kong.Kong, inputs *variables, stdout io.Writer) []error {
	fmt.Fprintf(stdout, "%s\n\n", strings.TrimSpace(p.Contract))
	if _, err := parser.Parse([]string{"--help"}); err != nil {
		return []error{err}
	}
	if len(inputs.secrets) > 0 {
		fmt.Fprint(stdout, "\nSecrets (the variable, or NAME_FILE naming a file that holds it):\n")
	}
	for _, flag := range inputs.secrets {
		text, _, _ := strings.Cut(flag.Help, " ($")
		fmt.Fprintf(stdout, "  $%-26s %s\n", inputs.names[flag], text)
	}
	fmt.Fprint(stdout, exitStatuses)
	for i, example := range p.Examples {
		if i == 0 {
			fmt.Fprint(stdout, "\nExamples:\n")
		}
		fmt.Fprintf(stdout, "  %s\n", example)
	}
	return nil
}

const exitStatuses = `
Exit status:
  0  done, or nothing to do: "outcome" in the result says which
  1  infrastructure, a broken base, a limit, cancelled
  2  bad input or configuration
  3  the candidate is at fault
`
