package httpclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const longAnswer = 32 << 20 // bytes

var errTooLong = errors.New("the answer is too long")

// whole reads each answer to its end before it is handed on: so a connection
// that breaks in the middle of an answer counts as a broken connection (a read
// is repeated), is used again afterwards, and has a size limit.
type whole struct {
	transport http.RoundTripper
	userAgent string
	limit     int64
}

func (w *whole) RoundTrip(request *http.Request) (*http.Response, error) {
	if w.userAgent != "" {
		request = request.Clone(request.Context())
		request.Header.Set("User-Agent", w.userAgent)
	}
	response, err := w.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, w.limit+1))
	if err != nil {
		return nil, fmt.Errorf("the answer was cut: %w", err)
	}
	if int64(len(body)) > w.limit {
		return nil, fmt.Errorf("%w: more than %d MiB", errTooLong, w.limit>>20)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
