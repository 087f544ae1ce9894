package main

import (
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// confirm asks at a terminal; elsewhere somebody must have said yes before.
func (y *synchronisation) confirm(ctx context.Context) error {
	switch {
	case y.Confirm != "" && y.Confirm != y.To:
		return change.Failf(change.KindConfiguration, "--confirm %s, but the environment is %s", y.Confirm, y.To)
	case y.Confirm == y.To, y.Yes && !y.to.Protected:
		return nil
	case y.to.Protected && y.Yes: // nobody is asked
		return change.Failf(change.KindConfiguration, "%s is protected", y.To).WithHint("give --confirm %s", y.To)
	}
	if y.CI.CanAsk(y.Stdin) {
		fmt.Fprint(y.Stderr, render(y.result, y.summary()))
	}
	if y.to.Protected {
		return y.ask(ctx, fmt.Sprintf("%s is protected. Type its name to go on: ", y.To), y.To, "give --confirm "+y.To)
	}
	return y.ask(ctx, "Go on? Type yes: ", "yes", "look at the plan, then give --yes")
}

func (y *synchronisation) ask(ctx context.Context, question, want, instead string) error {
	answer, asked, err := y.Ask(ctx, question)
	switch {
	case err != nil:
		return err
	case !asked:
		return change.Failf(change.KindConfiguration, "not confirmed, and nobody can be asked: there is no terminal").WithHint("%s", instead)
	case answer != want:
		return change.Failf(change.KindConfiguration, "not confirmed: nothing was written").WithHint("the answer that confirms is %s", want)
	}
	return nil
}
