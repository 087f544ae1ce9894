// Package pg is everything that patchbay does to a PostgreSQL server as its
// service role (CREATEDB, CREATEROLE, no superuser): names, locks, clones,
// swaps, drops, throw-away logins. In a template, base, attempt or candidate
// database that role reads pg_catalog and nothing else: what a candidate made
// there may run code as whoever reads it.
package pg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxName is PostgreSQL's limit of a name in bytes (NAMEDATALEN - 1). A
// longer one is cut by the server with no more than a notice.
const maxName = 63

// longestSuffix is the longest that the grammar puts behind the prefix: a
// base attempt ("base-", 16 digits, separator, 8 digits) or an attempt with a
// change and a patch set of ten digits, and "-login" behind either.
const longestSuffix = 30 + 1 + len(loginSuffix)

const (
	loginSuffix = "login"
	spareSuffix = "spare"
)

// Names is the grammar of the databases of one registry. It is the only place
// that makes or reads such a name; the separator is the prefix's last byte.
type Names struct {
	Prefix   string // "registry-dev-"
	Template string // "registry-template"
}

// Kind says what a database is by its name.
type Kind int

// The kinds of a database. Foreign is everything that is not ours.
const (
	Foreign Kind = iota
	Template
	Candidate   // <prefix><change>
	Attempt     // <prefix><change>-<patch set>-<stamp>
	Base        // <prefix>base-<digest>
	BaseAttempt // <prefix>base-<digest>-<stamp>
	Spare       // <prefix>base-<digest>-spare
)

// String is the kind in words.
func (k Kind) String() string {
	return [...]string{"foreign", "template", "candidate", "attempt", "base database", "base attempt", "spare"}[k]
}

// Name is a database's name, taken apart.
type Name struct {
	Kind     Kind
	Change   int    // of a candidate or attempt; 0 is a person's local try
	PatchSet int    // of an attempt
	Stamp    uint32 // of an attempt or base attempt: the server's clock in seconds
	Digest   string // of a base database, base attempt or spare: 16 hex digits
}

var prefixGrammar = regexp.MustCompile(`^[a-z][a-z0-9_-]*[-_]$`)

// Faults lists what is wrong with the settings, all at once.
func (n Names) Faults() []error {
	var faults []error
	if !prefixGrammar.MatchString(n.Prefix) {
		faults = append(faults, fmt.Errorf("prefix %q: want lower-case letters, digits, - and _, a letter first, - or _ last", n.Prefix))
	}
	if limit := maxName - longestSuffix; len(n.Prefix) > limit {
		faults = append(faults, fmt.Errorf("prefix %q: want at most %d bytes, or names get longer than PostgreSQL's %d", n.Prefix, limit, maxName))
	}
	return append(faults, n.templateFaults()...)
}

func (n Names) templateFaults() []error {
	if n.Template == "" || len(n.Template) > maxName || strings.ContainsRune(n.Template, 0) {
		return []error{fmt.Errorf("template %q: want 1 to %d bytes", n.Template, maxName)}
	}
	switch n.Template {
	case "postgres", "template0", "template1":
		return []error{fmt.Errorf("template %q belongs to the server", n.Template)}
	}
	if n.parseOwn(n.Template).Kind != Foreign {
		return []error{errors.New("template " + strconv.Quote(n.Template) + " is also a name of a candidate or base database")}
	}
	return nil
}

func (n Names) separator() string {
	if n.Prefix == "" { // a fault that Faults reports
		return ""
	}
	return n.Prefix[len(n.Prefix)-1:]
}

// Candidate is the public name of a change: registry-dev-7.
func (n Names) Candidate(change int) string {
	return n.Prefix + strconv.Itoa(change)
}

// Attempt is one run for one patch set: registry-dev-7-2-6565aabb. The stamp
// is the server's clock in seconds.
func (n Names) Attempt(change, patchSet int, stamp uint32) string {
	return strings.Join([]string{n.Candidate(change), strconv.Itoa(patchSet), stampText(stamp)}, n.separator())
}

// Base is a complete base database: registry-dev-base-0123456789abcdef.
func (n Names) Base(digest string) string {
	return n.Prefix + "base" + n.separator() + digest
}

// BaseAttempt is a base database, or a template, being made.
func (n Names) BaseAttempt(digest string, stamp uint32) string {
	return n.Base(digest) + n.separator() + stampText(stamp)
}

// Spare is a clone of a base database, made ahead for the next attempt.
func (n Names) Spare(digest string) string {
	return n.Base(digest) + n.separator() + spareSuffix
}

func stampText(stamp uint32) string { return fmt.Sprintf("%08x", stamp) }

// Login is the throw-away role that works on a database.
func (n Names) Login(database string) string {
	return database + n.separator() + loginSuffix
}

// LoginOf gives the database that a throw-away role works on; false for every
// role that Login does not make.
func (n Names) LoginOf(role string) (database string, ok bool) {
	database, ok = strings.CutSuffix(role, n.separator()+loginSuffix)
	if !ok || n.parseOwn(database).Kind == Foreign {
		return "", false
	}
	return database, true
}

// TemplateDigest stands where a base database's digest stands while a new
// template is being made.
func (n Names) TemplateDigest() string {
	sum := sha256.Sum256([]byte("template " + n.Template))
	return hex.EncodeToString(sum[:8])
}

// LockOf names the lock that protects a database, by what its name says: that
// of its change, of its base, or of the template that it is or will be. ""
// for a foreign one.
func (n Names) LockOf(name Name) string {
	switch name.Kind {
	case Candidate, Attempt:
		return n.Candidate(name.Change)
	case Base, BaseAttempt, Spare:
		if name.Digest == n.TemplateDigest() {
			return n.Template
		}
		return n.Base(name.Digest)
	case Template:
		return n.Template
	}
	return ""
}

// Parse takes a name apart. Kind is Foreign for whatever the grammar would
// not have made itself, byte for byte.
func (n Names) Parse(database string) Name {
	if database == n.Template {
		return Name{Kind: Template}
	}
	return n.parseOwn(database)
}

// parseOwn reads generously and accepts only what it would have written: so
// leading zeros, capitals and other look-alikes are foreign.
func (n Names) parseOwn(database string) Name {
	rest, ok := strings.CutPrefix(database, n.Prefix)
	if !ok || n.Prefix == "" || len(database) > maxName {
		return Name{}
	}
	name := read(strings.Split(rest, n.separator()))
	if name.Kind == Foreign || n.write(name) != database {
		return Name{}
	}
	return name
}

func read(part []string) Name {
	if part[0] == "base" {
		return readBase(part)
	}
	change, ok := number(part[0])
	switch {
	case !ok:
		return Name{}
	case len(part) == 1:
		return Name{Kind: Candidate, Change: change}
	case len(part) != 3:
		return Name{}
	}
	patchSet, ok := number(part[1])
	stamp, stamped := hex32(part[2])
	if !ok || !stamped || patchSet == 0 {
		return Name{}
	}
	return Name{Kind: Attempt, Change: change, PatchSet: patchSet, Stamp: stamp}
}

func readBase(part []string) Name {
	if len(part) < 2 || !digestGrammar.MatchString(part[1]) {
		return Name{}
	}
	switch len(part) {
	case 2:
		return Name{Kind: Base, Digest: part[1]}
	case 3:
		if part[2] == spareSuffix {
			return Name{Kind: Spare, Digest: part[1]}
		}
		if stamp, ok := hex32(part[2]); ok {
			return Name{Kind: BaseAttempt, Digest: part[1], Stamp: stamp}
		}
	}
	return Name{}
}

var digestGrammar = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (n Names) write(name Name) string {
	switch name.Kind {
	case Candidate:
		return n.Candidate(name.Change)
	case Attempt:
		return n.Attempt(name.Change, name.PatchSet, name.Stamp)
	case Base:
		return n.Base(name.Digest)
	case BaseAttempt:
		return n.BaseAttempt(name.Digest, name.Stamp)
	case Spare:
		return n.Spare(name.Digest)
	}
	return ""
}

// number reads at most ten digits: as many as a change number may have.
func number(text string) (int, bool) {
	if len(text) > 10 {
		return 0, false
	}
	value, err := strconv.ParseUint(text, 10, 40)
	return int(value), err == nil
}

func hex32(text string) (uint32, bool) {
	value, err := strconv.ParseUint(text, 16, 32)
	return uint32(value), err == nil
}
