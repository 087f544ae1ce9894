package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// surrogates are a letter beyond U+FFFF as JSON escapes it; to YAML, which has
// \U for it, they are a fault.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

// parseYAML walks a YAML changelog; JSON is YAML too, but for its surrogates.
func (f *file) parseYAML(text []byte) error {
	text = surrogates.ReplaceAllFunc(text, func(pair []byte) []byte {
		var letter string
		if json.Unmarshal(slices.Concat([]byte(`"`), pair, []byte(`"`)), &letter) != nil {
			return pair
		}
		return []byte(letter)
	})
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if expanded(&document, map[*yaml.Node]int{}) > maxAliases {
			f.fault(f.name, 1, "its aliases expand to more than %d nodes", maxAliases)
			return nil
		}
		f.walk(&document, "")
	}
}

// expanded counts the nodes with every alias replaced by what it names, up to
// a little over the limit. A node that contains itself counts as too many.
func expanded(node *yaml.Node, known map[*yaml.Node]int) int {
	if node.Kind == yaml.AliasNode {
		return expanded(node.Alias, known)
	}
	if count, seen := known[node]; seen {
		return count
	}
	known[node] = maxAliases + 1 // while we are inside
	count := 1
	for _, child := range node.Content {
		if count += expanded(child, known); count > maxAliases {
			return maxAliases + 1
		}
	}
	known[node] = count
	return count
}

// walk visits every mapping below a key as an element of that name.
func (f *file) walk(node *yaml.Node, key string) {
	f.checkTag(node)
	switch node.Kind {
	case yaml.AliasNode:
		f.walk(node.Alias, key)
	case yaml.ScalarNode:
		f.mention(f.name, node.Value, node.Line)
	case yaml.MappingNode:
		f.mapping(node)
	default:
		for _, child := range node.Content {
			f.walk(child, key)
		}
	}
}

func (f *file) mapping(node *yaml.Node) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		switch {
		case value.Kind == yaml.MappingNode:
			f.visit(element{name: key.Value, attributes: attributes(value), line: key.Line})
		case key.Value == "logicalFilePath" && len(node.Content) == 2: // an item of databaseChangeLog
			f.rename(value.Value)
		case key.Value == "executeCommand", key.Value == "customChange", key.Value == "customPrecondition":
			f.visit(element{name: key.Value, line: key.Line})
		}
		f.walk(value, key.Value)
	}
}

// attributes are the scalars of a mapping, with those that << merges into it.
func attributes(node *yaml.Node) map[string]string {
	values := map[string]string{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		switch {
		case value.Kind == yaml.ScalarNode:
			values[key.Value] = value.Value
		case key.Tag == "!!merge" && value.Kind == yaml.MappingNode:
			for name, merged := range attributes(value) {
				if values[name] == "" {
					values[name] = merged
				}
			}
		}
	}
	return values
}

// checkTag refuses tags that would make objects.
func (f *file) checkTag(node *yaml.Node) {
	if node.Style&yaml.TaggedStyle == 0 {
		return
	}
	switch node.Tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!timestamp", "!!binary", "!!merge":
		return
	}
	f.fault(f.name, node.Line, "the tag %s is not allowed", node.Tag)
}

var yamlPosition = regexp.MustCompile(`line (\d+)`)

func yamlLine(text string) int {
	match := yamlPosition.FindStringSubmatch(text)
	if match == nil {
		return 0
	}
	line, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return line
}
