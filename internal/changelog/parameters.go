package changelog

import (
	"fmt"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
	"go.yaml.in/yaml/v3"
)

// Resolve replaces parameters of the form "@file#a.b.c" by the value that the
// YAML file has there, read from the tree at hand: the version of the base is
// never the candidate's. An absent file or value is a configuration failure.
func Resolve(parameters map[string]string, readFile func(path string) ([]byte, error)) (map[string]string, error) {
	resolved := make(map[string]string, len(parameters))
	for name, value := range parameters {
		reference, is := strings.CutPrefix(value, "@")
		file, keys, both := strings.Cut(reference, "#")
		if !is || !both {
			resolved[name] = value
			continue
		}
		text, err := lookUp(file, keys, readFile)
		if err != nil {
			return nil, change.Failf(change.KindConfiguration, "parameter %s: %w", name, err).
				WithHint("PATCHBAY_PARAMETERS reads it from %s of the tree; give the value itself if the tree has none", file)
		}
		resolved[name] = text
	}
	return resolved, nil
}

func lookUp(file, keys string, readFile func(path string) ([]byte, error)) (string, error) {
	text, err := readFile(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return "", fmt.Errorf("parse %s: %w", file, err)
	}
	node := &document
	if len(node.Content) > 0 {
		node = node.Content[0]
	}
	for key := range strings.SplitSeq(keys, ".") {
		node = member(node, key)
	}
	if node == nil || node.Kind != yaml.ScalarNode || strings.ContainsAny(node.Value, "\n\r\x00") {
		return "", fmt.Errorf("%s has no single line of text at %s", file, keys)
	}
	return node.Value, nil // as written: 1.10 stays 1.10
}

func member(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
