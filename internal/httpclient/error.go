package httpclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Error is an answer with a status of 300 or more.
type Error struct {
	Method     string
	Path       string // without the query, which may hold secrets
	Status     int
	Text       string        // the first lines of a plain answer in one line, bounded; empty for HTML
	RetryAfter time.Duration // what the server asked for; 0 when it did not
	Body       []byte        // of a JSON answer, bounded: for callers that know its shape, not to be shown
}

// Error is "GET /a/changes/x~7: 404 Not Found: Not found: x~7".
func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

const (
	longText = 500     // bytes of an error's text
	longBody = 1 << 20 // bytes kept of its JSON
)

func errorOf(request *http.Request, response *http.Response) *Error {
	defer response.Body.Close()
	var body []byte
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		body, _ = io.ReadAll(io.LimitReader(response.Body, longBody)) // in memory already
		response.Body = io.NopCloser(bytes.NewReader(body))
	}
	return &Error{
		Body:       body,
		Method:     request.Method,
		Path:       request.URL.EscapedPath(),
		Status:     response.StatusCode,
		Text:       textOf(response),
		RetryAfter: retryAfter(response.Header),
	}
}

func textOf(response *http.Response) string {
	if to := response.Header.Get("Location"); to != "" {
		return "redirected to " + hostOf(to)
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return ""
	}
	buffer := make([]byte, longText)
	n, _ := response.Body.Read(buffer) // buffered in memory: one read gives what there is
	text := strings.TrimSpace(string(buffer[:n]))
	if strings.HasPrefix(text, "<") {
		return ""
	}
	for !utf8.ValidString(text) && text != "" {
		text = text[:len(text)-1]
	}
	return change.OneLine(text)
}

func hostOf(location string) string {
	to, err := url.Parse(location)
	if err != nil || to.Host == "" {
		return "another page"
	}
	return change.OneLine(to.Scheme + "://" + to.Host)
}

// Plain takes the URL out of an error of net/http: the caller says what was
// asked of whom, and a URL's query may hold secrets. It leaves other errors
// as they are.
func Plain(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
