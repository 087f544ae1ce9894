package liquibase

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// contents is what a run needs to know of one jar of the class path.
type contents struct {
	Size    int64     `json:"size"`
	Changed time.Time `json:"changed"`
	Digest  string    `json:"sha256"`
	Core    *core     `json:"core,omitempty"`   // it is Liquibase's core
	Driver  bool      `json:"driver,omitempty"` // it holds PostgreSQL's driver
}

// core is what a core jar can do.
type core struct {
	Version     string `json:"version"`
	NeedsJava   int    `json:"needsJava"`
	CommandLine bool   `json:"commandLine"`
	SearchPath  bool   `json:"searchPath"`
	Steps       bool   `json:"steps"`
}

// coreClass is in the core jar of all versions.
const coreClass = "liquibase/Liquibase.class"

func read(path string, info fs.FileInfo) (c contents, err error) {
	c.Size, c.Changed = info.Size(), info.ModTime()
	if c.Digest, err = digestOf(path); err != nil {
		return c, err
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		return c, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	defer archive.Close()
	names := make(map[string]bool, len(archive.File))
	for _, file := range archive.File {
		names[file.Name] = true
	}
	c.Driver = names["org/postgresql/Driver.class"]
	if names[coreClass] {
		c.Core, err = readCore(archive, names)
	}
	if err != nil {
		return c, fmt.Errorf("look into %s: %w", filepath.Base(path), err)
	}
	return c, nil
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func readCore(archive fs.FS, names map[string]bool) (c *core, err error) {
	c = &core{
		CommandLine: names["liquibase/integration/commandline/LiquibaseCommandLine.class"],
		SearchPath:  names["liquibase/resource/SearchPathResourceAccessor.class"],
		Steps:       names[sharedSteps],
	}
	if c.Version, err = versionOf(archive); err == nil {
		c.NeedsJava, err = javaOf(archive)
	}
	return c, err
}

// versionOf reads build.version of liquibase.build.properties in the core jar.
func versionOf(archive fs.FS) (string, error) {
	file, err := archive.Open("liquibase.build.properties")
	if err != nil {
		return "", fmt.Errorf("version: %w", err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if version, is := strings.CutPrefix(lines.Text(), "build.version="); is {
			return change.OneLine(version), nil
		}
	}
	return "", errors.New("version: no build.version")
}

// javaOf reads for which release of Java the core is compiled: a class file
// has its format in bytes 6 and 7, which is 44 more (JVMS 4.1).
func javaOf(archive fs.FS) (release int, err error) {
	file, err := archive.Open(coreClass)
	if err != nil {
		return 0, fmt.Errorf("release of Java: %w", err)
	}
	defer file.Close()
	var head [8]byte
	if _, err := io.ReadFull(file, head[:]); err != nil {
		return 0, fmt.Errorf("release of Java: %w", err)
	}
	return int(binary.BigEndian.Uint16(head[6:])) - 44, nil
}
