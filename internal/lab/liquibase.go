package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// What liquibase-core declares at run time, plus picocli (optional in its pom,
// but the command line needs it) and the driver. Liquibase is never part of
// this repository: it comes from Maven Central on first use.
var liquibaseJars = map[string][]string{
	"4.33.0": {
		"org.liquibase:liquibase-core:4.33.0", "info.picocli:picocli:4.7.7", "org.yaml:snakeyaml:2.4", "com.opencsv:opencsv:5.11.2",
		"commons-io:commons-io:2.19.0", "org.apache.commons:commons-lang3:3.17.0", "org.apache.commons:commons-text:1.13.1",
		"org.apache.commons:commons-collections4:4.5.0", "javax.xml.bind:jaxb-api:2.3.1", "org.postgresql:postgresql:42.7.14",
	},
	"5.0.4": {
		"org.liquibase:liquibase-core:5.0.4", "info.picocli:picocli:4.7.7", "org.yaml:snakeyaml:2.6", "com.opencsv:opencsv:5.12.0",
		"commons-io:commons-io:2.22.0", "org.apache.commons:commons-lang3:3.20.0", "org.apache.commons:commons-text:1.15.0",
		"org.apache.commons:commons-collections4:4.6.0", "javax.xml.bind:jaxb-api:2.3.1", "org.postgresql:postgresql:42.7.14",
	},
	"4.22.0": {
		"org.liquibase:liquibase-core:4.22.0", "info.picocli:picocli:4.7.4", "org.yaml:snakeyaml:2.0", "com.opencsv:opencsv:5.7.1",
		"org.apache.commons:commons-lang3:3.12.0", "org.apache.commons:commons-text:1.10.0",
		"org.apache.commons:commons-collections4:4.4", "javax.xml.bind:jaxb-api:2.3.1", "org.postgresql:postgresql:42.7.14",
	},
	"4.5.0": {
		"org.liquibase:liquibase-core:4.5.0", "info.picocli:picocli:4.6.1", "org.yaml:snakeyaml:1.28",
		"javax.xml.bind:jaxb-api:2.3.0", "org.postgresql:postgresql:42.7.14",
	},
}

// LiquibaseHome gives a complete Liquibase command line for PostgreSQL, laid
// out like the official distribution: internal/lib/*.jar and the starter
// "liquibase", which runs it the stock way, without any of patchbay's tuning.
// Known versions: 4.33.0, 5.0.4, 4.22.0, 4.5.0.
func LiquibaseHome(ctx context.Context, version string) (string, error) {
	jars, known := liquibaseJars[version]
	if !known {
		return "", fmt.Errorf("no list of jars for Liquibase %s", version)
	}
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	name := "liquibase-" + version
	home := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Join(home, "internal"), 0o755); err != nil {
		return "", err
	}
	if _, err := Maven(ctx, filepath.Join(name, "internal", "lib"), jars...); err != nil {
		return "", fmt.Errorf("install Liquibase %s: %w", version, err)
	}
	return home, starter(home)
}

// starter writes the script that the benchmarks compare with. A second writer
// writes the same bytes: no lock is needed, but no reader may see half of it.
func starter(home string) error {
	target := filepath.Join(home, "liquibase")
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	const script = `#!/bin/sh
home=$(cd "$(dirname "$0")" && pwd)
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" $JAVA_OPTS -cp "$home/internal/lib/*" \
  liquibase.integration.commandline.LiquibaseCommandLine "$@"
`
	file, err := os.CreateTemp(home, ".liquibase-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone after the rename
	if _, err := file.WriteString(script); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Chmod(file.Name(), 0o755); err != nil {
		return err
	}
	return os.Rename(file.Name(), target)
}
