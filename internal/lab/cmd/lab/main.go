// Command lab looks after the servers that tests and the demo share.
//
//	lab status   lists what runs
//	lab stop     stops it all, with its data
//	lab env [15|18]   makes a site and prints its variables, for trying a step by hand
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

func main() {
	if err := command(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	switch strings.Join(args, " ") {
	case "status":
		return status()
	case "stop":
		return lab.Stop()
	case "env", "env 18":
		return env(ctx, 18)
	case "env 15":
		return env(ctx, 15)
	}
	return fmt.Errorf("usage: lab status | stop | env [15|18]")
}

func status() error {
	servers, err := lab.Servers()
	for _, s := range servers {
		fmt.Printf("%-24s pid %-8d running %t\n", s.Name, s.PID, s.Running)
	}
	return err
}

func env(ctx context.Context, version int) error {
	server, err := lab.StartPostgres(ctx, version)
	if err != nil {
		return err
	}
	site, err := lab.NewSite(ctx, server, "registry")
	if err != nil {
		return err
	}
	for _, variable := range site.Env() {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Printf("export %s='%s'\n", name, value)
	}
	return nil
}
