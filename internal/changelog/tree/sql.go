package tree

import (
	"regexp"
	"strings"
)

// The comments of formatted SQL, as Liquibase's parser knows them.
// https://docs.liquibase.com/concepts/changelogs/sql-format.html
var (
	sqlHeader    = regexp.MustCompile(`(?i)^\s*--\s*liquibase\s+formatted\s+sql(.*)$`)
	sqlChangeset = regexp.MustCompile(`(?i)^\s*--\s*changeset\s+("[^"]+"|[^:]+):\s*("[^"]+"|\S+)(.*)$`)
	sqlProperty  = regexp.MustCompile(`(?i)^\s*--\s*property\s+(.*)$`)
	sqlAttribute = regexp.MustCompile(`(?i)(\w+):("[^"]*"|\S+)`)
)

// parseSQL reads formatted SQL; SQL without the header is one changeset, with
// the id and author that Liquibase gives it.
func (f *file) parseSQL(text []byte) {
	f.checkUTF8(f.name, text)
	f.mention(f.name, string(text), 1)
	formatted, line := false, 0
	for content := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		line++
		content = strings.TrimRight(content, "\r\n")
		if !strings.Contains(content, "--") {
			continue
		}
		if match := sqlHeader.FindStringSubmatch(content); match != nil {
			formatted = true
			f.rename(sqlAttributes(match[1])["logicalFilePath"])
		}
		if match := sqlProperty.FindStringSubmatch(content); match != nil {
			f.define(element{name: "property", attributes: sqlAttributes(match[1]), line: line})
		}
		if match := sqlChangeset.FindStringSubmatch(content); match != nil && formatted {
			attributes := sqlAttributes(match[3])
			attributes["author"], attributes["id"] = strings.Trim(match[1], `"`), strings.Trim(match[2], `"`)
			f.addChangeset(element{name: "changeSet", attributes: attributes, line: line})
		}
	}
	if !formatted {
		f.addChangeset(element{attributes: map[string]string{"id": "raw", "author": "includeAll"}, line: 1})
	}
}

func sqlAttributes(text string) map[string]string {
	values := map[string]string{}
	for _, match := range sqlAttribute.FindAllStringSubmatch(text, -1) {
		values[match[1]] = strings.Trim(match[2], `"`)
	}
	return values
}
