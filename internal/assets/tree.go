package assets

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// Marker is the file by which a directory is known as a tree of ours; nothing
// is ever removed from one that has none.
const Marker = "asset-sync.tree"

// MarkerText is what the marker holds.
const MarkerText = "asset-sync tree 1\n"

// TreeFiles gives a collection as the files of a tree, by path. Equal
// collections give equal bytes.
func TreeFiles(s *Set) map[string][]byte {
	files := map[string][]byte{Marker: []byte(MarkerText)}
	for _, a := range s.All() {
		name := a.path()
		if _, taken := files[name]; taken {
			name = strings.TrimSuffix(name, ".yaml") + "__" + a.UUID + ".yaml"
		}
		doc := a.Doc
		if len(a.Unresolved) > 0 {
			doc = doc.Copy()
			doc.Set("unresolved", document.Texts(a.Unresolved...))
		}
		files[name] = doc.YAML()
	}
	return files
}

func (a *Asset) path() string {
	name := slug(a.Title())
	switch {
	case a.Kind == Database:
		return path.Join(a.Kind.Folder(), name+".yaml")
	case a.Kind == Dataset:
		name = path.Join(slug(a.Doc.Get("database").Str()), name)
	case a.Slug() != "":
		name = slug(a.Slug())
	}
	return path.Join(a.Kind.Folder(), name+"__"+short(a.UUID)+".yaml")
}

// longSlug is in runes; a file's name ends at 255 bytes on most systems.
const longSlug = 50

// slug makes a title fit for a file's name: letters and digits of any script.
func slug(title string) string {
	var b strings.Builder
	count := 0
	for _, r := range strings.ToLower(title) {
		if count == longSlug {
			break
		}
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.Mn, r):
			b.WriteRune(r)
			count++
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
			count++
		}
	}
	if text := strings.Trim(b.String(), "-"); text != "" {
		return text
	}
	return "untitled"
}

// ReadTree reads the files of a tree. All faults are told together.
func ReadTree(files map[string][]byte) (*Set, []error) {
	if text, ok := files[Marker]; !ok || string(text) != MarkerText {
		return nil, []error{fmt.Errorf("%s is missing or of another version: this is no tree that asset-sync export made", Marker)}
	}
	set, faults := NewSet(), []error(nil)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		folder, _, _ := strings.Cut(name, "/")
		kind, ok := KindOfFolder(folder)
		if !ok || !isYAML(name) {
			continue
		}
		a, err := readAsset(kind, files[name])
		if err == nil && set.Get(a.Key()) != nil {
			err = fmt.Errorf("%s stands in another file too", a.UUID)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		set.Add(a)
	}
	return set, faults
}

// opened are fields that hold a map.
var opened = map[Kind][]string{Chart: {"params"}, Dashboard: {"metadata", "position"}}

// fetched are fields of a dataset by which an importer loads a table from an
// address.
var fetched = []string{"data", "data_file"}

func readAsset(kind Kind, text []byte) (*Asset, error) {
	doc, err := document.ParseYAML(text)
	if err != nil {
		return nil, err
	}
	if !doc.IsMap() {
		return nil, fmt.Errorf("it holds no fields")
	}
	a := &Asset{Kind: kind, UUID: strings.ToLower(doc.Get("uuid").Str()), Doc: doc}
	if kind == Database {
		a.UUID = a.Title()
	} else if !uuidOnly.MatchString(a.UUID) {
		return nil, fmt.Errorf("uuid is missing or none")
	}
	if a.Title() == "" {
		return nil, fmt.Errorf("%s is missing", titles[kind])
	}
	for _, key := range opened[kind] { // as every export has them
		switch v := doc.Get(key); {
		case v == nil || v.Kind == document.Null:
			doc.Set(key, document.NewMap())
		case !v.IsMap():
			return nil, fmt.Errorf("%s is no map", key)
		}
	}
	for _, key := range fetched {
		if doc.Get(key) != nil {
			return nil, fmt.Errorf("%s would make the server fetch something: take it out", key)
		}
	}
	for _, v := range doc.Get("unresolved").Each() {
		a.Unresolved = append(a.Unresolved, v.Str())
	}
	doc.Delete("unresolved")
	a.Doc = ordered(withoutNulls(doc))
	return a, nil
}
