package changelog

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// statements listens to goose's log, which names each statement before it
// runs: the last one named is the one that failed.
type statements struct {
	progress func(message string)
	source   string   // file name of the running migration
	ran      []string // its statements so far
}

// Enabled, WithAttrs and WithGroup make it a slog.Handler.
func (s *statements) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs is part of slog.Handler.
func (s *statements) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup is part of slog.Handler.
func (s *statements) WithGroup(string) slog.Handler { return s }

// Handle takes the records that carry a statement.
func (s *statements) Handle(_ context.Context, record slog.Record) error {
	var source, statement string
	record.Attrs(func(attribute slog.Attr) bool {
		switch attribute.Key {
		case "source":
			source = attribute.Value.String()
		case "statement":
			statement = attribute.Value.String()
		}
		return true
	})
	if statement == "" {
		return nil
	}
	if source != s.source {
		s.source, s.ran = source, nil
		s.progress("running migration " + change.OneLine(source))
	}
	s.ran = append(s.ran, statement)
	return nil
}

// line is where the last statement stands in the text of its file, plus the
// lines before a position in the statement (counted from 1, 0 for none).
// Statements are looked for one after the other, since they may be alike.
func (s *statements) line(text []byte, position int) int {
	lines, at, found := strings.Split(string(plain(text)), "\n"), 0, 0
	for _, statement := range s.ran {
		first, _, _ := strings.Cut(statement, "\n")
		for at < len(lines) && strings.TrimSpace(lines[at]) != strings.TrimSpace(first) {
			at++
		}
		if at == len(lines) {
			return found
		}
		found = at + 1
		at += 1 + strings.Count(statement, "\n")
	}
	if len(s.ran) == 0 {
		return 0
	}
	last := []rune(s.ran[len(s.ran)-1])
	return found + strings.Count(string(last[:max(0, min(position-1, len(last)))]), "\n")
}

// failure types what goose said, with the line of the statement.
func (m *migrations) failure(err error, seen *statements) error {
	var fault *pgconn.PgError
	position := 0
	if errors.As(err, &fault) {
		position = int(fault.Position)
	}
	failure := m.classify(err)
	if seen.source == "" || failure.File != "" {
		return failure
	}
	failure.File = path.Join(m.folder, seen.source)
	if version, err := goose.NumericComponent(seen.source); err == nil {
		failure.Line = seen.line(m.files[version].text, position)
	}
	return failure
}

// What goose itself says about migrations; the rest is the driver's.
var (
	gooseFault   = regexp.MustCompile(`(?s)(?:failed to parse.*|missing \(out-of-order\).*|found duplicate.*)`)
	gooseVersion = regexp.MustCompile(`version[: ](\d+)`)
)

func (m *migrations) classify(err error) *change.Failure {
	text := err.Error()
	fault := gooseFault.FindString(text)
	if fault == "" || errors.As(err, new(*pgconn.PgError)) {
		return loginFailure(err)
	}
	failure := change.Failf(change.KindCandidate, "%s", fault)
	if match := gooseVersion.FindStringSubmatch(text); match != nil {
		version, err := strconv.ParseInt(match[1], 10, 64)
		if err == nil {
			failure.File = m.files[version].name
		}
	}
	return failure
}
