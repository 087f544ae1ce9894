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

// Encode packs a difference for COMMENT ON DATABASE: JSON, gzip, base64. It
// gives false when the text is longer than limit bytes.
func Encode(d *Difference, limit int) (string, bool) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	err := json.NewEncoder(zip).Encode(d)
	if err = errors.Join(err, zip.Close()); err != nil {
		panic(fmt.Sprintf("encode a difference: %v", err)) // strings into memory: cannot fail
	}
	if base64.StdEncoding.EncodedLen(packed.Len()) > limit {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), true
}

// Decode unpacks what Encode made. Anything else, another format version and
// what unpacks to more than 16 MiB is an error.
func Decode(text string) (*Difference, error) {
	zip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("unpack a difference: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(zip, maxDecoded+1))
	if err != nil {
		return nil, fmt.Errorf("unpack a difference: %w", err)
	}
	if len(plain) > maxDecoded {
		return nil, fmt.Errorf("unpack a difference: more than %d bytes", maxDecoded)
	}
	d := &Difference{}
	if err := json.Unmarshal(plain, d); err != nil {
		return nil, fmt.Errorf("read a difference: %w", err)
	}
	if d.FormatVersion != change.FormatVersion {
		return nil, fmt.Errorf("read a difference: format version %d, want %d", d.FormatVersion, change.FormatVersion)
	}
	return d, nil
}
