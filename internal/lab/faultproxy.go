package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Fault is what happens to a request that it matches. The zero Fault passes
// the request on, which is useful with Before.
type Fault struct {
	Method string // empty: any
	Path   string // part of the escaped path
	Exact  bool   // Path is all of it
	Times  int    // how often; 0: always
	Skip   int    // so many requests that match pass first

	Before     func()            // called first: what happens just before the request arrives
	Status     int               // answered instead of asking the server
	Header     map[string]string // of that answer
	Body       string            // of that answer; with Status 0 it means 200
	Empty      bool              // 200 with an empty body
	Silence    bool              // no answer until the client gives up
	Cut        bool              // the connection is closed without an answer
	CutBody    bool              // the answer ends in its middle
	LoseAnswer bool              // the server does it, the connection is closed without an answer
	Late       func()            // the connection is closed at once; then this is called, then the server gets the request
}

// FaultProxy stands in front of a real HTTP server and injects faults. It
// counts all requests.
type FaultProxy struct {
	URL string

	goingOn sync.WaitGroup // of servers that work for nobody

	mu       sync.Mutex
	faults   []*Fault
	requests []string
}

// NewFaultProxy starts a proxy in front of a server for one test.
func NewFaultProxy(t testing.TB, target string) *FaultProxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &FaultProxy{}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.serve(w, r, forward)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); p.goingOn.Wait() })
	p.URL = server.URL
	return p
}

// Add lets a fault happen from now on; the fault added first matches first.
func (p *FaultProxy) Add(fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &fault)
}

// Reset lets no fault happen any more.
func (p *FaultProxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Count says how many requests came: of a method ("" is any) with that part
// in their path.
func (p *FaultProxy) Count(method, path string) int {
	n := 0
	for _, request := range p.Requests() {
		m, rest, _ := strings.Cut(request, " ")
		if (method == "" || m == method) && strings.Contains(rest, path) {
			n++
		}
	}
	return n
}

// Requests lists all requests so far: "GET /a/changes/x~7?o=MESSAGES".
func (p *FaultProxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

func (p *FaultProxy) serve(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	fault := p.take(r)
	if fault.Before != nil {
		fault.Before()
	}
	switch {
	case fault.Silence:
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices that the client has gone only then
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case fault.Cut:
		panic(http.ErrAbortHandler)
	case fault.Late != nil:
		p.late(r, forward, fault.Late)
		panic(http.ErrAbortHandler)
	case fault.LoseAnswer:
		forward.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case fault.CutBody:
		cutBody(w, r, forward)
	case fault.Status != 0 || fault.Body != "" || fault.Empty:
		fault.answer(w)
	default:
		// Else net/http closes the body of a push once the answer begins.
		_ = http.NewResponseController(w).EnableFullDuplex()
		forward.ServeHTTP(w, r)
	}
}

// late lets the server go on with a request whose client is gone.
func (p *FaultProxy) late(r *http.Request, forward http.Handler, first func()) {
	whole, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body = io.NopCloser(bytes.NewReader(whole))
	p.goingOn.Go(func() {
		first()
		forward.ServeHTTP(httptest.NewRecorder(), again)
	})
}

// take notes the request and gives the fault meant for it, or none.
func (p *FaultProxy) take(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.Method+" "+r.URL.RequestURI())
	for i, fault := range p.faults {
		if (fault.Method != "" && fault.Method != r.Method) || !fault.matches(r.URL.EscapedPath()) {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		if fault.Times == 1 {
			p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
		}
		fault.Times--
		return *fault
	}
	return Fault{}
}

func (f *Fault) matches(path string) bool {
	return path == f.Path || !f.Exact && strings.Contains(path, f.Path)
}

func (f *Fault) answer(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	_, _ = w.Write([]byte(f.Body)) // the client may be gone
}

// cutBody announces the whole answer of the server and sends half of it.
func cutBody(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	r.Header.Del("Accept-Encoding")
	whole := httptest.NewRecorder()
	forward.ServeHTTP(whole, r)
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(whole.Body.Len()))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// NewRewriter starts a proxy in front of a server that changes the requests
// on their way, one at a time, and gives its URL.
func NewRewriter(t testing.TB, to *url.URL, change func(*http.Request)) string {
	t.Helper()
	var one sync.Mutex
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		one.Lock()
		defer one.Unlock()
		change(r.Out)
		r.SetURL(to)
	}}
	server := httptest.NewServer(forward)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}
