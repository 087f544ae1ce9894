package step

import (
	"io"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

	"github.com/patchbay-ci/patchbay/internal/ci"
)

func newLogger(c *Common, where *ci.CI, w io.Writer) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil { // the enum was refused before; faults are still to be shown
		level = zerolog.InfoLevel
	}
	if forPeople(c, where) {
		w = zerolog.ConsoleWriter{Out: w, NoColor: !where.Color(), TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// forPeople says that a person reads the log, now or later in CI, and not a
// machine line by line.
func forPeople(c *Common, where *ci.CI) bool {
	return c.LogFormat == "console" || c.LogFormat != "json" && where.Name() != ci.Unknown
}

// Version is the program's version from its build info: the module's version,
// or the commit when it was built from a checkout.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "devel-" + setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "devel"
}
