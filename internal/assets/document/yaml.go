package document

import (
	"errors"
	"fmt"
	"strings"
	"unique"

	"go.yaml.in/yaml/v3"
)

// The bounds of a document from outside.
const (
	longDocument = 64 << 20 // bytes
	deepDocument = 200      // levels
)

// ParseYAML reads one YAML document as PyYAML's safe loader does, which is
// YAML 1.1. Anchors, aliases, merge keys, tags and keys that are no scalars
// are refused: no export has them, and they make small files huge.
func ParseYAML(text []byte) (*Value, error) {
	if len(text) > longDocument {
		return nil, fmt.Errorf("longer than %d MiB", longDocument>>20)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(node.Content) == 0 {
		return Nothing(), nil
	}
	return fromNode(node.Content[0], 0)
}

func fromNode(n *yaml.Node, depth int) (*Value, error) {
	if depth > deepDocument {
		return nil, fault(n, "nested deeper than %d levels", deepDocument)
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return nil, fault(n, "anchors and aliases are not taken")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return nil, fault(n, "the tag %s is not taken", n.Tag)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return fromSequence(n, depth)
	case yaml.MappingNode:
		return fromMapping(n, depth)
	}
	if n.Style != 0 { // quoted or a block
		return Text(n.Value), nil
	}
	return resolve(n.Value), nil
}

func fromSequence(n *yaml.Node, depth int) (*Value, error) {
	list := &Value{Kind: List, Items: make([]*Value, 0, len(n.Content))}
	for _, item := range n.Content {
		v, err := fromNode(item, depth+1)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, v)
	}
	return list, nil
}

func fromMapping(n *yaml.Node, depth int) (*Value, error) {
	m := &Value{Kind: Map, Fields: make([]Field, 0, len(n.Content)/2)}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := keyOf(n.Content[i])
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fault(n.Content[i], "the key %q stands twice", key)
		}
		seen[key] = true
		v, err := fromNode(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m.Fields = append(m.Fields, Field{shared(key), v})
	}
	return m, nil
}

// shared is the same text in the memory of all documents: a site has the same
// few hundred keys a hundred thousand times.
func shared(text string) string { return unique.Make(text).Value() }

// keyOf gives a key as JSON would have it: Superset keeps what it imports as
// JSON, where every key is a string.
func keyOf(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return "", fault(n, "a key that is no plain text")
	}
	if n.Style == 0 && n.Value == "<<" {
		return "", fault(n, "merge keys are not taken")
	}
	if n.Style != 0 {
		return n.Value, nil
	}
	v := resolve(n.Value)
	if v.Kind == Null {
		return "null", nil
	}
	return v.Text, nil
}

func fault(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", n.Line, fmt.Errorf(format, args...))
}
