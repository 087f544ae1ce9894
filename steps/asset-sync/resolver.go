package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
	"github.com/patchbay-ci/patchbay/internal/step"
)

// resolver turns ${NAME} and file:PATH into what they name.
type resolver struct {
	session *step.Session
	faults  []error
}

var reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

func (r *resolver) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

// secret resolves a value that must not stand in the file itself.
func (r *resolver) secret(where, value string) string {
	if value == "" {
		return ""
	}
	if !reference.MatchString(value) && !strings.HasPrefix(value, "file:") {
		r.session.Hide(value)
		r.fault("%s: a secret does not stand in the file: write ${NAME} for a variable or file:PATH", where)
		return ""
	}
	value = r.plain(where, value)
	r.session.Hide(value)
	return value
}

// connection resolves an address that may stand in the file, but for a password
// in it.
func (r *resolver) connection(where, value string) string {
	uri := r.plain(where, value)
	switch secret := assets.SecretIn(uri); {
	case value == "":
		r.fault("%s is missing: create needs the connection, without its password", where)
	case secret != "" && uri == value:
		r.session.Hide(secret)
		r.fault("%s: a password does not stand in the file: write XXXXXXXXXX in its place and name it under password", where)
	default:
		r.session.Hide(secret)
	}
	return uri
}

// plain resolves a value that may stand in the file too.
func (r *resolver) plain(where, value string) string {
	if found := reference.FindStringSubmatch(value); found != nil {
		if value = r.session.Getenv(found[1]); value == "" {
			r.fault("%s: the variable %s is not set", where, found[1])
		}
		return value
	}
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			r.fault("%s: %w", where, err)
		}
		return strings.TrimRight(string(text), "\r\n")
	}
	return value
}
