package assets

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-ci/patchbay/internal/assets/document"
)

// The bounds of a ZIP from outside: the first are Superset's own.
const (
	longMember = 100 << 20 // bytes of one file
	longBundle = 1 << 30   // bytes of all
	highRatio  = 200       // unpacked to packed
	manyFiles  = 200_000
)

// ReadExport takes an export apart, of any Superset or of assets/export. Ids
// are taken from the names of files, as far as they hold them.
func ReadExport(bundle []byte) ([]Raw, error) {
	files, err := Unzip(bundle)
	if err != nil {
		return nil, err
	}
	return RawFiles(files)
}

// Unzip gives the members of a ZIP without their root folder.
func Unzip(bundle []byte) (map[string][]byte, error) {
	reader, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		return nil, fmt.Errorf("it is no ZIP: %w", err)
	}
	if len(reader.File) > manyFiles {
		return nil, fmt.Errorf("more than %d files", manyFiles)
	}
	files, total := map[string][]byte{}, uint64(0)
	for _, f := range reader.File {
		total += f.UncompressedSize64
		switch {
		case f.FileInfo().IsDir():
			continue
		case !f.Mode().IsRegular():
			return nil, fmt.Errorf("%s is no regular file", f.Name)
		case strings.HasPrefix(f.Name, "/") || strings.Contains(f.Name, `\`) || slices.Contains(strings.Split(f.Name, "/"), ".."):
			return nil, fmt.Errorf("%s leads out of the bundle", f.Name)
		case f.UncompressedSize64 > longMember || total > longBundle:
			return nil, fmt.Errorf("%s: too long", f.Name)
		case f.CompressedSize64 > 0 && f.UncompressedSize64 > 1<<20 && f.UncompressedSize64/f.CompressedSize64 > highRatio:
			return nil, fmt.Errorf("%s is packed more than %d to one", f.Name, highRatio)
		}
		_, name, inRoot := strings.Cut(f.Name, "/")
		if !inRoot || !isYAML(name) {
			continue
		}
		if files[name], err = member(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return files, nil
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func member(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, longMember+1))
	if err == nil && len(text) > longMember {
		err = fmt.Errorf("longer than %d MiB", longMember>>20)
	}
	return text, err
}

// RawFiles reads the files of an export by their paths, on all processors.
func RawFiles(files map[string][]byte) ([]Raw, error) {
	names := slices.Sorted(maps.Keys(files))
	names = slices.DeleteFunc(names, func(name string) bool { _, ok := kindOf(name); return !ok })
	raws, faults := make([]Raw, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				raws[i], faults[i] = rawFile(names[i], files[names[i]])
			}
		})
	}
	all.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(raws, func(a, b Raw) int { return strings.Compare(string(a.Kind)+a.UUID, string(b.Kind)+b.UUID) })
	return raws, nil
}

func kindOf(name string) (Kind, bool) {
	folder, _, _ := strings.Cut(name, "/")
	return KindOfFolder(folder)
}

func rawFile(name string, text []byte) (Raw, error) {
	kind, _ := kindOf(name)
	raw, err := ReadRaw(kind, text)
	if err == nil && !IsUUID(raw.UUID) {
		err = errors.New("it has no uuid")
	}
	if err != nil {
		return Raw{}, fmt.Errorf("%s: %w", name, err)
	}
	raw.ID = idOf(kind, name, raw.Doc)
	return raw, nil
}

var idAtEnd = regexp.MustCompile(`(?:^|_)([0-9]+)$`)

// idOf takes the id from a file's name, where it is surely one: "sales_12". A
// title may end in a number of its own, but then the id follows it. Names of
// datasets have had ids since 6.0 only, so they are not taken for one.
func idOf(kind Kind, name string, doc *document.Value) int {
	if kind != Chart && kind != Dashboard {
		return 0
	}
	found := idAtEnd.FindStringSubmatch(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	if found == nil {
		id, _ := doc.Get("params", "slice_id").Int()
		return id
	}
	id, _ := strconv.Atoi(found[1])
	return id
}

// bundleTypes are what metadata.yaml must name for an endpoint.
var bundleTypes = map[Kind]string{"": "assets", Database: "Database", Dataset: "SqlaTable", Chart: "Slice", Dashboard: "Dashboard"}

// File is a file of a bundle.
type File struct {
	Name string
	Doc  *document.Value
}

// FileOf names an asset's file in a bundle by its UUID alone.
func FileOf(k Key) string { return k.Kind.Folder() + "/" + k.UUID + ".yaml" }

// Bundle packs files for the endpoint of a kind, "" for that of all assets.
// Superset refuses what is packed more than 200 to one, and text of one kind
// is: it is packed fast rather than small.
func Bundle(kind Kind, files []File, now time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	metadata := document.NewMap(document.Field{Key: "version", Value: document.Text("1.0.0")},
		document.Field{Key: "type", Value: document.Text(bundleTypes[kind])},
		document.Field{Key: "timestamp", Value: document.Text(now.UTC().Format("2006-01-02T15:04:05.000000+00:00"))})
	for _, f := range append([]File{{"metadata.yaml", metadata}}, files...) {
		text := f.Doc.Compact()
		header := &zip.FileHeader{Name: "bundle/" + f.Name, Method: zip.Deflate}
		if len(text) > 1<<20 {
			header.Method = zip.Store
		}
		out, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
