package repo

import (
	"context"
	"fmt"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Version is that of the git program, "2.39.5"; it is a configuration failure
// when there is none or it is too old.
func Version(ctx context.Context) (string, error) {
	cmd := command(ctx, "version")
	cmd.Env = environment(nil)
	text, err := output(cmd)
	if err != nil {
		return "", err
	}
	var major, minor int
	var rest string
	if n, _ := fmt.Sscanf(text, "git version %d.%d%s", &major, &minor, &rest); n < 2 {
		return "", change.Failf(change.KindConfiguration, "git says of itself: %s", change.OneLine(text))
	}
	if major < 2 || major == 2 && minor < 31 {
		return "", change.Failf(change.KindConfiguration, "git is %d.%d", major, minor).WithHint("install git 2.31 or newer")
	}
	return fmt.Sprintf("%d.%d%s", major, minor, rest), nil
}
