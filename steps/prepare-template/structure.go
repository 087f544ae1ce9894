package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/pg"
)

// restore copies the structure of another database: pg_dump with a login of
// its own, then the statements as the throw-away login. Owners and rights are
// left behind; everything comes to belong to the owner role.
func (b *builder) restore(ctx context.Context, login pg.Login) error {
	work, err := os.MkdirTemp("", "prepare-template-")
	if err != nil {
		return change.Failf(change.KindInfrastructure, "make a scratch folder: %w", err)
	}
	defer os.RemoveAll(work)
	dump := filepath.Join(work, "structure.dump")
	if err := b.dump(ctx, dump); err != nil {
		return err
	}
	conn, err := b.server.ConnectAs(ctx, login)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	schemas, err := pg.Texts(ctx, conn, "SELECT nspname FROM pg_catalog.pg_namespace")
	if err != nil {
		return pg.Classify(err)
	}
	statements, err := b.statements(ctx, dump, schemas)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, statements); err != nil {
		return restoreFailure(err)
	}
	return nil
}

// dump writes the structure of --from-database. The URL holds no password
// (Faults); it goes by the child's environment.
func (b *builder) dump(ctx context.Context, target string) error {
	_, err := b.program(ctx, "pg_dump", "--format=custom", "--schema-only", "--no-owner", "--no-privileges",
		"--no-publications", "--no-subscriptions", "--no-security-labels", "--no-tablespaces",
		"--file", target, "--dbname", b.cfg.FromDatabase)
	return err
}

// statements turns the dump into SQL, without the entries that the owner role
// could not or shall not make.
func (b *builder) statements(ctx context.Context, dump string, schemas []string) (string, error) {
	contents, err := b.program(ctx, "pg_restore", "--list", dump)
	if err != nil {
		return "", err
	}
	list := dump + ".list"
	if err := os.WriteFile(list, []byte(wanted(string(contents), schemas)), 0o600); err != nil {
		return "", change.Failf(change.KindInfrastructure, "write a scratch file: %w", err)
	}
	text, err := b.program(ctx, "pg_restore", "--no-owner", "--no-privileges", "--use-list", list, "--file", "-", dump)
	return withoutMeta(string(text)), err
}

// wanted leaves out of a dump's table of contents what belongs to the server
// or needs a superuser, and the schemas that the new database has already.
func wanted(contents string, schemas []string) string {
	var kept strings.Builder
	for line := range strings.Lines(contents) {
		if !unwanted(line, schemas) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// A line is "id; catalog-oid oid TYPE schema name owner".
func unwanted(line string, schemas []string) bool {
	fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
	if len(fields) < 4 || strings.HasPrefix(line, ";") {
		return false
	}
	entry := fields[3]
	for _, kind := range []string{"COMMENT - EXTENSION ", "EVENT TRIGGER ", "COMMENT - EVENT TRIGGER ", "USER MAPPING "} {
		if strings.HasPrefix(entry, kind) {
			return true
		}
	}
	return slices.ContainsFunc(schemas, func(schema string) bool {
		return strings.HasPrefix(entry+" ", "SCHEMA - "+schema+" ") || strings.HasPrefix(entry+" ", "COMMENT - SCHEMA "+schema+" ")
	})
}

// withoutMeta drops psql's \restrict and \unrestrict, by the very key that the
// first of them gives: the text of a function may look like one.
func withoutMeta(text string) string {
	_, rest, found := strings.Cut(text, "\n\\restrict ")
	if !found {
		return text
	}
	key, _, _ := strings.Cut(rest, "\n")
	text = strings.Replace(text, "\n\\restrict "+key+"\n", "\n", 1)
	return strings.Replace(text, "\n\\unrestrict "+key+"\n", "\n", 1)
}

// program runs one of PostgreSQL's clients and gives what it wrote.
func (b *builder) program(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(filepath.Join(b.cfg.Programs, name))
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "%s is not found", name).
			WithHint("install PostgreSQL's client programs (apt-get install -y postgresql-client), or name their folder by --pg-bin")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = b.environment()
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, pg.Classify(ctx.Err())
	}
	return nil, programFailure(name, err, complaint.String())
}

// environment is what a client needs and no more.
func (b *builder) environment() []string {
	env := []string{"LC_ALL=C", "PGAPPNAME=patchbay", "PGCONNECT_TIMEOUT=15"}
	for _, name := range []string{"PATH", "HOME", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"} {
		if value := b.env(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	if password := b.cfg.FromPassword.Value(); password != "" {
		env = append(env, "PGPASSWORD="+password)
	}
	return env
}

// programFailure keeps the first line of the complaint: the rest is detail.
func programFailure(name string, err error, complaint string) *change.Failure {
	first, _, _ := strings.Cut(strings.TrimSpace(complaint), "\n")
	if first == "" {
		first = err.Error()
	}
	failure := change.Failf(change.KindConfiguration, "%s: %s", name, strings.TrimPrefix(first, name+": error: "))
	switch {
	case strings.Contains(complaint, "server version mismatch"):
		return failure.WithHint("name the folder of a %s as new as that server by --pg-bin", name)
	case strings.Contains(complaint, "permission denied"):
		return failure.WithHint("the login of --from-database needs USAGE on the schemas and SELECT on tables and sequences of its database")
	case strings.Contains(complaint, "could not connect"), strings.Contains(complaint, "connection to server"):
		failure.Kind = change.KindInfrastructure
		return failure.WithHint("check --from-database and PATCHBAY_FROM_PASSWORD")
	}
	return failure
}

func restoreFailure(err error) error {
	failure := contentFailure(err)
	failure.Message = "restore the structure: " + failure.Message
	if failure.SQLState == "42501" {
		failure.Hint = "what only a DBA may create (extensions that are not trusted) goes into a database that the template begins from: --extensions-from"
	}
	return failure
}
