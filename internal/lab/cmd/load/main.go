// Command load runs many pipelines at once against real servers: each change
// gets its database, then the same once more, then all of them rebased, as
// after a merge. It fails when one run ends otherwise than it should, when a
// deadlock is seen, or when something is left behind. `make load` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var o options
	flag.IntVar(&o.changes, "changes", 200, "how many changes there are")
	flag.IntVar(&o.atOnce, "at-once", 20, "how many pipelines run at the same time")
	flag.StringVar(&o.engine, "engine", "goose", "goose or liquibase")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
