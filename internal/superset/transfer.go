package superset

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-ci/patchbay/internal/assets"
)

// ExportAll gives every asset of the server in one bundle. It needs a right
// that Gamma has not, and fails as a whole, also by the time that a large one
// takes: so it is not repeated.
func (c *Client) ExportAll(ctx context.Context) ([]byte, error) {
	return c.bundle(ctx, "/api/v1/assets/export/", "", true)
}

// ExportSize is how many are asked for at once. It bounds the request line,
// which gunicorn cuts at 4094 bytes.
const ExportSize = 50

// Export gives assets of a kind with what they stand on, in several bundles.
// Those that are gone are named instead of failing the rest. told is called
// from more than one goroutine with how many more were asked for.
func (c *Client) Export(ctx context.Context, kind assets.Kind, ids []int, told func(n int)) (bundles [][]byte, missing []int, err error) {
	parts := slices.Collect(slices.Chunk(ids, ExportSize))
	some, gone := make([][][]byte, len(parts)), make([][]int, len(parts))
	err = abreast(len(parts), func(i int) (err error) {
		some[i], gone[i], err = c.exportBatch(ctx, kind, parts[i])
		told(len(parts[i]))
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("export %s: %w", kind.Folder(), err)
	}
	return slices.Concat(some...), slices.Concat(gone...), nil
}

// exportBatch halves a batch until the missing one stands alone: one id makes
// the whole request 404. One that takes too long for an answer is halved, too.
func (c *Client) exportBatch(ctx context.Context, kind assets.Kind, ids []int) (bundles [][]byte, missing []int, err error) {
	bundle, err := c.bundle(ctx, "/api/v1/"+string(kind)+"/export/", "q="+url.QueryEscape("!("+joined(ids)+")"), len(ids) > 1)
	gone := errors.Is(err, ErrNotFound)
	switch {
	case err == nil:
		return [][]byte{bundle}, nil, nil
	case len(ids) == 1 && gone:
		return nil, ids, nil
	case len(ids) == 1 || !gone && !errors.Is(err, ErrUnknown) || ctx.Err() != nil:
		return nil, nil, err
	}
	half := len(ids) / 2
	bundles, missing, err = c.exportBatch(ctx, kind, ids[:half])
	if err != nil {
		return nil, nil, err
	}
	more, others, err := c.exportBatch(ctx, kind, ids[half:])
	return append(bundles, more...), append(missing, others...), err
}

func joined(ids []int) string {
	var parts []string
	for _, id := range ids {
		parts = append(parts, strconv.Itoa(id))
	}
	return strings.Join(parts, ",")
}

// bundle asks past any cache: Superset allows its exports to be kept a year.
func (c *Client) bundle(ctx context.Context, path, query string, once bool) ([]byte, error) {
	if query != "" {
		query += "&"
	}
	return c.do(ctx, request{method: http.MethodGet, path: path, query: query + "_=" + rand.Text()[:12], accept: anything, once: once})
}

// Endpoint is where a bundle is imported.
type Endpoint struct {
	Kind   assets.Kind // "" means all of them: assets/import
	Sparse bool        // of assets/import: what is not in the bundle is found on the server
}

// Import sends a bundle, overwriting what is there. Passwords are for new
// databases: path in the bundle → password. Superset answers no more than OK,
// also for what it left out: whoever imports reads back. Each bundle goes out
// with a CSRF token of its own.
func (c *Client) Import(ctx context.Context, to Endpoint, bundle []byte, passwords map[string]string) error {
	path, field := "/api/v1/assets/import/", "bundle"
	if to.Kind != "" {
		path, field = "/api/v1/"+string(to.Kind)+"/import/", "formData"
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile(field, "bundle.zip")
	if err != nil {
		return err
	}
	if _, err := file.Write(bundle); err != nil {
		return err
	}
	fields := map[string]string{"overwrite": "true"}
	if to.Sparse {
		fields["sparse"] = "true"
	}
	if len(passwords) > 0 {
		text, err := json.Marshal(passwords)
		if err != nil {
			return err
		}
		fields["passwords"] = string(text)
	}
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			return err
		}
	}
	if err := form.Close(); err != nil {
		return err
	}
	if err := c.RenewCSRF(ctx); err != nil {
		return err
	}
	_, err = c.do(ctx, request{method: http.MethodPost, path: path, body: body.Bytes(), contentType: form.FormDataContentType(), accept: "application/json"})
	return err
}

// Delete deletes assets of a kind, all or none.
func (c *Client) Delete(ctx context.Context, kind assets.Kind, ids []int) error {
	r := request{method: http.MethodDelete, path: "/api/v1/" + string(kind) + "/", query: "q=" + url.QueryEscape("!("+joined(ids)+")"), accept: "application/json"}
	_, err := c.do(ctx, r)
	return err
}
