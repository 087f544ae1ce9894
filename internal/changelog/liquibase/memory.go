package liquibase

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// memory is the file class-path.json of the cache directory: what is in a jar,
// by path, size and time of last change.
type memory struct {
	file    string
	jars    map[string]contents
	changed bool
}

// remember never fails: the cache may be deleted, cut or foreign at any time.
func remember(cacheDir string) *memory {
	m := &memory{jars: map[string]contents{}}
	if cacheDir == "" {
		return m
	}
	m.file = filepath.Join(cacheDir, "class-path.json")
	text, err := os.ReadFile(m.file)
	if err != nil {
		return m
	}
	if json.Unmarshal(text, &m.jars) != nil || m.jars == nil {
		m.jars = map[string]contents{}
	}
	return m
}

func (m *memory) jar(path string) (contents, error) {
	info, err := os.Stat(path)
	if err != nil {
		return contents{}, err
	}
	if c := m.jars[path]; c.Size == info.Size() && c.Changed.Equal(info.ModTime()) && c.Digest != "" {
		return c, nil
	}
	c, err := read(path, info)
	if err == nil {
		m.jars[path], m.changed = c, true
	}
	return c, err
}

// keep writes the file in one rename. That it could not be written costs the
// next run 30 milliseconds and nothing else.
func (m *memory) keep() {
	if !m.changed || m.file == "" || os.MkdirAll(filepath.Dir(m.file), 0o700) != nil {
		return
	}
	text, err := json.Marshal(m.jars)
	if err != nil {
		return
	}
	file, err := os.CreateTemp(filepath.Dir(m.file), ".class-path-")
	if err != nil {
		return
	}
	_, failed := file.Write(text)
	if file.Close() != nil || failed != nil || os.Rename(file.Name(), m.file) != nil {
		os.Remove(file.Name())
	}
}
