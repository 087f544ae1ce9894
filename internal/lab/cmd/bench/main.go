// Command bench measures patch set → published database against what people
// run today: a fresh database, stock Liquibase on master, stock Liquibase on
// the candidate. The ways are run in turn, in one run; what counts is their
// ratio. And serve-versions with many clients and many candidates, and the
// pipeline while many look at its candidate. `make bench`
// runs it.
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
	rounds := flag.Int("rounds", 5, "how often each way is run")
	only := flag.String("only", "", "only the parts whose name has this: a model, serve-versions, watched")
	remakes := flag.Int("remakes", 50, "how often a candidate is made anew while it is looked at")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *remakes, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
