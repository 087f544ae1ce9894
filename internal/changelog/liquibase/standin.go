package liquibase

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

const (
	ownHost    = "www.liquibase.org"
	ownSchemas = ownHost + "/xml/ns/dbchangelog/" // folder of the core jar
)

var schemaPath = regexp.MustCompile(`^[A-Za-z0-9._/-]+\.xsd$`)

// StandIns puts schemas that changelogs name on other hosts, which Liquibase
// refuses to look up, into a folder as host/path: the core jar's own schema of
// the same name, and for extensions the one that allows everything. given is
// the folder of the settings, whose files win; it may be empty.
func (h *Home) StandIns(urls []string, given, folder string) error {
	for _, location := range urls {
		name := localName(location)
		if name == "" || strings.HasPrefix(name, ownHost+"/") || exists(given, name) {
			continue
		}
		if err := h.standIn(name, folder); err != nil {
			return change.Failf(change.KindInfrastructure, "make a stand-in for %s: %w", location, err)
		}
	}
	return nil
}

// localName is host/path of a URL, "" when it is none or not a plain one.
func localName(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	name := u.Host + u.Path
	if !schemaPath.MatchString(name) || path.Clean(name) != name {
		return ""
	}
	return name
}

func exists(folder, name string) bool {
	if folder == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name)))
	return err == nil
}

// standIn copies a schema out of the core jar; a name that fits none of them
// is left to the engine, which says that it cannot find it.
func (h *Home) standIn(name, folder string) error {
	archive, err := zip.OpenReader(h.core)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, candidate := range substitutes(path.Base(name)) {
		source, err := archive.Open(ownSchemas + candidate)
		if err != nil {
			continue
		}
		defer source.Close()
		target := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		text, err := io.ReadAll(source)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	}
	return nil
}

// substitutes are schemas of the core jar that can stand for another, the best first.
func substitutes(base string) []string {
	switch {
	case strings.Contains(base, "-ext"):
		return []string{"dbchangelog-ext.xsd"}
	case strings.HasPrefix(base, "dbchangelog-"):
		return []string{base, "dbchangelog-latest.xsd", "dbchangelog-4.5.xsd"}
	}
	return nil
}

// DigestFolder is a digest of all files below a folder; "" has none.
func DigestFolder(folder string) (string, error) {
	if folder == "" {
		return "", nil
	}
	sum, files := sha256.New(), os.DirFS(folder)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(text))
		return err
	})
	if err != nil {
		return "", change.Failf(change.KindConfiguration, "read the folder of XSDs: %w", err).WithHint("PATCHBAY_XSD_DIR names it")
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
