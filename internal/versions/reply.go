package versions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// reply is an answer with what goes with it. An empty header is not sent.
type reply[T any] struct {
	Status   int
	ETag     string `header:"ETag" doc:"Of what was read."`
	Cache    string `header:"Cache-Control" doc:"Ask again each time."`
	Revision string `header:"X-Patchbay-Revision" doc:"The commit that the database was made of."`
	PatchSet string `header:"X-Patchbay-Patchset" doc:"The patch set that the database was made of."`
	Database string `header:"X-Patchbay-Database" doc:"Whether the candidate has a database: present or absent."`
	Body     T
}

// answer gives a body with the digest of what was read, and where it comes
// from.
func answer[T any](body T, o Origin) *reply[T] {
	text, err := json.Marshal(body)
	if err != nil {
		return nil // the handler's own error, or the encoder's, follows
	}
	sum := sha256.Sum256(text)
	r := &reply[T]{Body: body, ETag: weak(hex.EncodeToString(sum[:])), Cache: "no-cache", Revision: o.Revision}
	if o.PatchSet > 0 {
		r.PatchSet = strconv.Itoa(o.PatchSet)
	}
	return r
}

// weak: an answer may be compressed on its way.
func weak(digest string) string { return `W/"` + digest + `"` }

func ofDatabase[T any](r *reply[T], o Origin) *reply[T] {
	there := !o.Absent
	r.Database = databaseHeader(&there)
	return r
}

func databaseHeader(has *bool) string {
	switch {
	case has == nil:
		return ""
	case *has:
		return api.DatabasePresent
	}
	return api.DatabaseAbsent
}

// known is what the headers of an error tell: only what is known of the
// database. One that could not be read is neither there nor not.
func (r *reply[T]) known() http.Header {
	if r == nil || r.Database != api.DatabaseAbsent && r.Revision == "" {
		return nil
	}
	h := http.Header{}
	for name, value := range map[string]string{api.HeaderDatabase: r.Database, api.HeaderRevision: r.Revision, api.HeaderPatchset: r.PatchSet} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

// traced completes a fault for its answer.
func traced(ctx context.Context, err error, known http.Header) error {
	f := Begin(ctx, err)
	if len(known) == 0 {
		return f
	}
	return huma.ErrorWithHeaders(f, known)
}

func matches(header, etag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || one != "" && strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
