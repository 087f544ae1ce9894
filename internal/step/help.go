package step

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// help shows the contract, the flags with their variables and defaults, the
// secrets and examples.
func help(p Program, parser *kong.Kong, inputs *variables, stdout io.Writer) []error {
	fmt.Fprint(stdout, contract(p), "\n")
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
	for i, example := range p.Examples {
		if i == 0 {
			fmt.Fprint(stdout, "\nExamples:\n")
		}
		fmt.Fprintf(stdout, "  %s\n", example)
	}
	return nil
}

// exits are those of the steps of a patch set.
const exits = `0 done, or nothing to do: "outcome" in the result says which;
1 infrastructure, a broken base, a limit, cancelled;
2 bad input or configuration; 3 the candidate is at fault.`

func contract(p Program) string {
	statuses := "\nExits:  " + strings.ReplaceAll(cmp.Or(p.Exits, exits), "\n", "\n        ") + "\n"
	if !strings.Contains(p.Contract, "\nWrites: ") { // else it is the list's last
		statuses = "\n" + statuses
	}
	return strings.TrimSpace(p.Contract) + statuses
}
