package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// maxDecoded bounds what Decode unpacks: a comment on a database may be forged.
const maxDecoded = 16 << 20

// Encode packs a snapshot or a difference for COMMENT ON DATABASE: JSON, gzip,
// base64. It gives false when the text is longer than limit bytes.
func Encode[T Snapshot | Difference](document *T, limit int) (string, bool) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	err := json.NewEncoder(zip).Encode(document)
	if err = errors.Join(err, zip.Close()); err != nil {
		panic(fmt.Sprintf("encode a %T: %v", document, err)) // strings into memory: cannot fail
	}
	if base64.StdEncoding.EncodedLen(packed.Len()) > limit {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), true
}

// Decode unpacks what Encode made. Anything else, another format version and
// what unpacks to more than 16 MiB is an error.
func Decode[T any, P document[T]](text string) (*T, error) {
	document := P(new(T))
	plain, err := unpack(text)
	if err != nil {
		return nil, fmt.Errorf("unpack a %T: %w", *document, err)
	}
	if err := json.Unmarshal(plain, document); err != nil {
		return nil, fmt.Errorf("read a %T: %w", *document, err)
	}
	if document.format() != change.FormatVersion {
		return nil, fmt.Errorf("read a %T: format version %d, want %d", *document, document.format(), change.FormatVersion)
	}
	return document, nil
}

// document is a pointer to what Encode and Decode take.
type document[T any] interface {
	*T
	format() int
}

func (s *Snapshot) format() int   { return s.FormatVersion }
func (d *Difference) format() int { return d.FormatVersion }

func unpack(text string) ([]byte, error) {
	zip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(zip, maxDecoded+1))
	if err == nil && len(plain) > maxDecoded {
		err = fmt.Errorf("more than %d bytes", maxDecoded)
	}
	return plain, err
}
