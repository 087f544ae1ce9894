package versions

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Access is one line of the access log. It holds no query and no header: both
// may carry secrets.
type Access struct {
	TraceID string
	Method  string
	Path    string // escaped for one line
	Route   string // the pattern that served it; "" for none
	Status  int
	Bytes   int
	Took    time.Duration
	Remote  string // address of the client or proxy
	User    string // who was let in; "" without authentication
	Fault   string // code of the answered error
	Cause   error  // what is behind it, for the log alone
}

type traceKey struct{}

// record is what one request gathers for its line.
type record struct{ Access }

func recordOf(ctx context.Context) *record {
	r, _ := ctx.Value(traceKey{}).(*record)
	return r
}

func traceOf(ctx context.Context) string {
	if r := recordOf(ctx); r != nil {
		return r.TraceID
	}
	return ""
}

// Begin completes a fault for an answer that is being made: its trace, and what
// the log has of it.
func Begin(ctx context.Context, err error) *Fault {
	f := FaultOf(err)
	f.TraceID = traceOf(ctx)
	note(ctx, f)
	return f
}

// LetIn notes who was let in, for the log.
func LetIn(ctx context.Context, user string) {
	if r := recordOf(ctx); r != nil {
		r.User = change.OneLine(user)
	}
}

// note keeps what an answer does not tell.
func note(ctx context.Context, f *Fault) {
	if r := recordOf(ctx); r != nil {
		r.Fault, r.Cause = f.Code, f.cause
	}
}

var traceParent = regexp.MustCompile(`^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)

// newTrace takes the caller's trace on (W3C traceparent), else begins one.
func newTrace(r *http.Request) string {
	if found := traceParent.FindStringSubmatch(r.Header.Get("Traceparent")); found != nil {
		return found[1]
	}
	id := make([]byte, 16)
	rand.Read(id) // never fails: it ends the program instead
	return hex.EncodeToString(id)
}

// logged writes a line for each request, whatever becomes of it.
func logged(log func(Access), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		rec := &record{Access{TraceID: newTrace(r), Method: change.OneLine(r.Method), Path: change.OneLine(r.URL.Path), Remote: r.RemoteAddr}}
		counted := &counter{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, rec))
		defer func() {
			rec.Status, rec.Bytes, rec.Took = counted.status, counted.bytes, time.Since(began)
			log(rec.Access)
		}()
		next.ServeHTTP(counted, r)
	})
}

// counter sees what is answered.
type counter struct {
	http.ResponseWriter
	status, bytes int
	begun         bool
}

func (c *counter) WriteHeader(status int) {
	if !c.begun {
		c.status, c.begun = status, true
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(p []byte) (int, error) {
	c.begun = true
	n, err := c.ResponseWriter.Write(p)
	c.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
