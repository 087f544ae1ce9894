package tree

import (
	"path"
	"regexp"
	"strings"
)

// element is an XML element or a YAML mapping below a key: both spell the same
// changelog language.
type element struct {
	name       string // without its namespace's prefix
	attributes map[string]string
	line       int
}

// file is the changelog that is being read.
type file struct {
	*reader
	name    string // from the search path
	logical string // path part of the identities
}

// paths are the attributes by which an element names files.
var paths = map[string][]string{
	"include":         {"file"},
	"includeAll":      {"path"},
	"property":        {"file"},
	"sqlFile":         {"path"},
	"loadData":        {"file"},
	"loadUpdateData":  {"file"},
	"createProcedure": {"path"},
	"createView":      {"path"},
	"createFunction":  {"path"},
	"createTrigger":   {"path"},
	"createPackage":   {"path"},
	"column":          {"valueClobFile", "valueBlobFile"},
	"param":           {"valueClobFile", "valueBlobFile"},
}

// classes are the elements and attributes by which a changelog names Java
// classes; "" stands for the element as such.
var classes = map[string][]string{
	"customChange":       {""},
	"customPrecondition": {""},
	"includeAll":         {"filter", "resourceFilter", "resourceComparator"},
}

// visit looks at an element as it opens.
func (f *file) visit(e element) {
	if e.name == "executeCommand" {
		f.fault(f.name, e.line, "executeCommand runs a program on the build machine and is not allowed")
	}
	f.checkClasses(e)
	f.noteClasses(e)
	f.checkPaths(e)
	switch e.name {
	case "databaseChangeLog":
		f.rename(e.attributes["logicalFilePath"])
	case "changeSet":
		f.addChangeset(e)
	case "property":
		f.define(e)
	case "include":
		f.include(e)
	case "includeAll":
		f.includeAll(e)
	}
}

func (f *file) rename(logical string) {
	if logical != "" {
		f.logical = f.expand(logical)
	}
}

func (f *file) addChangeset(e element) {
	c := Changeset{
		Path: f.logical, ID: f.expand(e.attributes["id"]), Author: f.expand(e.attributes["author"]),
		File: f.place(f.name), Line: e.line,
		Reruns: isTrue(e.attributes["runOnChange"]) || isTrue(e.attributes["runAlways"]),
	}
	if own := e.attributes["logicalFilePath"]; own != "" {
		c.Path = f.expand(own)
	}
	c.Path = strings.TrimPrefix(c.Path, "classpath:")
	f.index.Changesets = append(f.index.Changesets, c)
}

func isTrue(value string) bool { return strings.EqualFold(strings.TrimSpace(value), "true") }

func (f *file) checkClasses(e element) {
	if f.options.Classes {
		return
	}
	for _, attribute := range classes[e.name] {
		switch {
		case attribute == "":
			f.fault(f.name, e.line, "%s names a Java class, but the settings have no class path for it", e.name)
		case e.attributes[attribute] != "":
			f.fault(f.name, e.line, "%s of %s names a Java class, but the settings have no class path for it", attribute, e.name)
		}
	}
}

var className = regexp.MustCompile(`^(?:\w+\.)+\w[\w$]*$`)

// noteClasses takes any attribute, since extensions have their own.
func (f *file) noteClasses(e element) {
	for _, value := range e.attributes {
		if value = f.expand(value); className.MatchString(value) {
			f.index.classes[value] = true
		}
	}
}

func (f *file) checkPaths(e element) {
	for _, attribute := range paths[e.name] {
		value := e.attributes[attribute]
		if value == "" {
			continue
		}
		target, fault := f.resolve(e, value)
		if fault != "" {
			f.fault(f.name, e.line, "%s %s=%q %s", e.name, attribute, value, fault)
			continue
		}
		if attribute != "path" || e.name != "includeAll" {
			f.checkText(e, target)
		}
	}
}

// resolve gives the path from the search path that an element means, or what
// is wrong with it. A .. that stays inside the tree is fine.
func (f *file) resolve(e element, value string) (target, fault string) {
	value = strings.ReplaceAll(f.expand(value), `\`, "/")
	value = strings.TrimPrefix(value, "classpath:")
	if scheme, _, is := strings.Cut(value, ":"); is && !strings.Contains(scheme, "/") && !strings.Contains(scheme, "${") {
		return "", "names a URL or a drive; only files of the tree are given to the engine"
	}
	relative := isTrue(e.attributes["relativeToChangelogFile"]) || e.name == "column" || e.name == "param"
	if relative && !path.IsAbs(value) {
		value = path.Join(path.Dir(f.name), value)
	}
	clean := path.Clean(value)
	if rooted, is := strings.CutPrefix(clean, "/"); is {
		if _, err := f.stat(rooted); err != nil && !f.options.Classes {
			return "", "is an absolute path; only files of the tree are given to the engine"
		}
		clean = rooted
	}
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", "leads out of the tree"
	}
	return clean, ""
}
