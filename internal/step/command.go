package step

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// Command is one sub-command: a program of its own, with its own inputs, help
// and examples, under the name of another. All of them write one result
// document, named after the program.
type Command struct {
	Name    string // "export"
	Summary string // one line for the program's help

	main func(program string, args []string, getenv func(string) string, stdout, stderr io.Writer) int
}

// NewCommand makes a sub-command as Main makes a program; p.Name is its name
// without the program's.
func NewCommand[C commoner](summary string, p Program, cfg C, run func(context.Context, *Session, C) error) Command {
	return Command{
		Name: p.Name, Summary: summary,
		main: func(program string, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
			p.Name = program + " " + p.Name
			return runMain(p, cfg, args, getenv, stdout, stderr, func(ctx context.Context, s *Session) error {
				s.Stdin = os.Stdin
				return run(ctx, s, cfg)
			})
		},
	}
}

// MainOf runs the sub-command that the first argument names and gives its exit
// status.
func MainOf(p Program, commands ...Command) int {
	return dispatch(p, commands, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
}

func dispatch(p Program, commands []Command, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	switch first {
	case "-h", "--help", "help":
		if len(args) > 1 {
			return dispatch(p, commands, []string{args[1], "--help"}, getenv, stdout, stderr)
		}
		overview(p, commands, stdout)
		return ExitOK
	case "--version":
		fmt.Fprintln(stdout, p.Name, Version())
		return ExitOK
	case "":
		overview(p, commands, stderr)
		return ExitUsage
	}
	for _, c := range commands {
		if c.Name == first {
			return c.main(p.Name, args[1:], getenv, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "%s: no sub-command %q; there are %s\n", p.Name, first, names(commands))
	return ExitUsage
}

func overview(p Program, commands []Command, w io.Writer) {
	fmt.Fprint(w, contract(p), "\nSub-commands:\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-10s %s\n", c.Name, c.Summary)
	}
	fmt.Fprintf(w, "\n%s SUB-COMMAND --help shows its inputs and examples.\n", p.Name)
	for i, example := range p.Examples {
		if i == 0 {
			fmt.Fprint(w, "\nExamples:\n")
		}
		fmt.Fprintf(w, "  %s\n", example)
	}
}

func names(commands []Command) string {
	var all []string
	for _, c := range commands {
		all = append(all, c.Name)
	}
	return strings.Join(all, ", ")
}
