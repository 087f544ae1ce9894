package step

import (
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"sync"
)

// shortest is the length below which a secret is not hidden: replacing it
// everywhere would garble the text and tell the secret by its gaps.
const shortest = 4

// masker replaces secrets by ***. Copies of one know the same secrets.
type masker struct{ known *known }

type known struct {
	mu       sync.Mutex
	pairs    []string
	replacer *strings.Replacer
}

// newMasker knows each secret in the forms in which it could be shown: as it
// is, in a URL, in JSON; of a URL the password alone.
func newMasker(secrets []string) masker {
	m := masker{&known{replacer: strings.NewReplacer()}}
	m.add(secrets...)
	return m
}

func (m masker) add(secrets ...string) {
	m.known.mu.Lock()
	defer m.known.mu.Unlock()
	pairs := m.known.pairs
	for _, secret := range secrets {
		if len(secret) >= shortest {
			pairs = append(pairs, secret, "***")
		}
		for _, form := range []string{url.QueryEscape(secret), url.PathEscape(secret), inJSON(secret)} {
			if len(form) >= shortest && form != secret {
				pairs = append(pairs, form, "***")
			}
		}
	}
	m.known.pairs, m.known.replacer = pairs, strings.NewReplacer(pairs...)
}

func inJSON(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return ""
	}
	return string(quoted[1 : len(quoted)-1])
}

func (m masker) text(s string) string {
	m.known.mu.Lock()
	defer m.known.mu.Unlock()
	return m.known.replacer.Replace(s)
}

// writer hides secrets in what is written; a line is written at once by the
// logger, so no secret is split over two writes.
func (m masker) writer(w io.Writer) io.Writer { return maskingWriter{m, w} }

type maskingWriter struct {
	mask masker
	out  io.Writer
}

func (w maskingWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.out, w.mask.text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
