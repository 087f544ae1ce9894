package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/patchbay-ci/patchbay/internal/change"
	"github.com/patchbay-ci/patchbay/internal/step"
	"github.com/patchbay-ci/patchbay/internal/superset"
)

// readConfiguration reads the file and what is set beside it, resolves its
// secrets and hides them. All faults are told together.
func readConfiguration(s *step.Session, settings Settings) (*configuration, error) {
	path := settings.Config
	c := &configuration{create: map[string]newDatabase{}}
	text, err := os.ReadFile(path)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || path != "asset-sync.yaml") {
		return nil, change.Failf(change.KindConfiguration, "read the configuration: %w", err).WithHint("set --config")
	}
	if err := c.decode(text, settings.Set); err != nil {
		return nil, change.Failf(change.KindConfiguration, "%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: ")).WithHint("see docs/asset-sync.md")
	}
	if settings.Owners != "" {
		c.Owners = settings.Owners
	}
	r := &resolver{session: s}
	c.variables(s.Getenv)
	c.resolve(r)
	if len(r.faults) > 0 {
		return nil, configurationFaults(path, r.faults)
	}
	return c, nil
}

// decode reads the file, and pieces that replace what it says. Each is read for
// itself first, so that a fault is told where it stands.
func (f *file) decode(text []byte, pieces []string) error {
	whole := &yaml.Node{}
	for i, piece := range append([]string{string(text)}, pieces...) {
		var part yaml.Node
		err := strict([]byte(piece), &file{})
		if err == nil {
			err = yaml.Unmarshal([]byte(piece), &part)
		}
		switch {
		case err != nil && i > 0:
			return fmt.Errorf("--set: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		case err != nil:
			return err
		case len(part.Content) > 0:
			whole = merged(whole, part.Content[0])
		}
	}
	if whole.IsZero() {
		return nil
	}
	all, err := yaml.Marshal(whole)
	if err != nil {
		return err
	}
	return strict(all, f)
}

func strict(text []byte, into *file) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); !errors.Is(err, io.EOF) { // there is nothing in it
		return err
	}
	return nil
}

// merged puts the entries of one map into another, in all depths; anything else
// replaces.
func merged(into, from *yaml.Node) *yaml.Node {
	if into.Kind != yaml.MappingNode || from.Kind != yaml.MappingNode {
		return from
	}
	for entry := range slices.Chunk(from.Content, 2) {
		at := 0
		for at < len(into.Content) && into.Content[at].Value != entry[0].Value {
			at += 2
		}
		if at == len(into.Content) {
			into.Content = append(into.Content, entry...)
		} else {
			into.Content[at+1] = merged(into.Content[at+1], entry[1])
		}
	}
	return into
}

// configurationFaults tells them all in one failure.
func configurationFaults(path string, faults []error) error {
	var texts []string
	for _, fault := range faults {
		texts = append(texts, fault.Error())
	}
	slices.Sort(texts)
	return change.Failf(change.KindConfiguration, "%s: %s", path, strings.Join(slices.Compact(texts), "; "))
}

// variables adds what SUPERSET_<NAME>_… say of an environment: they replace
// what the file says, and make environments that it does not name.
func (c *configuration) variables(getenv func(string) string) {
	if c.Environments == nil {
		c.Environments = map[string]environment{}
	}
	names := slices.Collect(maps.Keys(c.Environments))
	names = append(names, strings.FieldsFunc(getenv("PATCHBAY_ASSETS_ENVIRONMENTS"), func(r rune) bool { return r == ',' || r == ' ' })...)
	for _, name := range names {
		e := c.Environments[name]
		prefix := "SUPERSET_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name)) + "_"
		set := func(to *string, variable, value string) {
			if getenv(prefix+variable) != "" {
				*to = strings.ReplaceAll(value, "?", prefix+variable)
			}
		}
		set(&e.URL, "URL", "${?}")
		set(&e.Login.Username, "USERNAME", "${?}")
		set(&e.Login.Password, "PASSWORD", "${?}")
		set(&e.Login.Password, "PASSWORD_FILE", "file:"+getenv(prefix+"PASSWORD_FILE"))
		set(&e.Login.Provider, "PROVIDER", "${?}")
		if set(&e.Login.Token, "TOKEN", "${?}"); getenv(prefix+"TOKEN") != "" {
			e.Login.Kind = superset.LoginToken
		}
		c.Environments[name] = e
	}
}
