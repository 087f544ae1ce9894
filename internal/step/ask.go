package step

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Ask puts a question to the person at the terminal and gives what they
// typed; asked is false where nobody can be asked. A signal ends the waiting.
func (s *Session) Ask(ctx context.Context, question string) (answer string, asked bool, err error) {
	if !s.CI.CanAsk(s.Stdin) {
		return "", false, nil
	}
	fmt.Fprint(s.Stderr, question)
	typed := make(chan string, 1)
	go func() { // a read of a terminal cannot be interrupted: it ends with the process
		line, err := bufio.NewReader(io.LimitReader(s.Stdin, 4096)).ReadString('\n')
		if err != nil {
			line = "" // no whole line is no answer
		}
		typed <- strings.TrimSpace(line)
	}()
	select {
	case answer = <-typed:
		return answer, true, nil
	case <-ctx.Done():
		return "", true, change.Failf(change.KindCancelled, "cancelled")
	}
}
