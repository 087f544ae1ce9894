package httpclient

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/lab"
)

func client() *http.Client {
	return New(Config{Timeout: 2 * time.Second, UserAgent: "patchbay/test", LongWait: time.Second})
}

// TestFaults asks a real Gerrit through a proxy that injects the faults.
func TestFaults(t *testing.T) {
	t.Parallel()
	gerrit := lab.Gerrit(t)
	tests := []struct {
		name   string
		method string
		fault  lab.Fault
		status int    // of the error; 0: the answer is good
		text   string // in the error
		asked  int    // how many requests reach the proxy
	}{
		{"no fault", "GET", lab.Fault{}, 0, "", 1},
		{"a read is repeated on 503", "GET", lab.Fault{Status: 503, Times: 2}, 0, "", 3},
		{"a read is repeated on 429 after the wait", "GET", lab.Fault{Status: 429, Times: 1, Header: map[string]string{"Retry-After": "1"}}, 0, "", 2},
		{"a read is given up", "GET", lab.Fault{Status: 502, Body: "down"}, 502, "502 Bad Gateway: down", 4},
		{"a read is not repeated on 500", "GET", lab.Fault{Status: 500, Body: "Internal server error"}, 500, "Internal server error", 1},
		{"a read is repeated when its answer is cut", "GET", lab.Fault{CutBody: true, Times: 1}, 0, "", 2},
		{"a write is not repeated on 503", "POST", lab.Fault{Status: 503}, 503, "503 Service Unavailable", 1},
		{"a write is not repeated on 429", "POST", lab.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, 429, "", 1},
		{"HTML is not repeated in an error", "GET", lab.Fault{Status: 404, Body: "<html>secret</html>"}, 404, "404 Not Found", 1},
		{"a write's redirect", "POST", lab.Fault{Status: 302, Header: map[string]string{"Location": "https://sso.example/login?token=x"}}, 302, "redirected to https://sso.example", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := lab.NewFaultProxy(t, gerrit.URL)
			proxy.Add(test.fault)
			err := ask(client(), test.method, proxy.URL+"/config/server/version?trace=hidden")
			var failed *Error
			switch {
			case test.status == 0 && err != nil:
				t.Error(err)
			case test.status != 0 && !errors.As(err, &failed):
				t.Errorf("got %v, want an *Error", err)
			case test.status != 0 && (failed.Status != test.status || !strings.Contains(failed.Error(), test.text)):
				t.Errorf("got %v, want %d with %q", failed, test.status, test.text)
			case failed != nil && (strings.Contains(failed.Error(), "hidden") || strings.Contains(failed.Error(), "token")):
				t.Errorf("the error shows a query: %v", failed)
			}
			if n := proxy.Count("", "/version"); n != test.asked {
				t.Errorf("the server was asked %d times, want %d", n, test.asked)
			}
		})
	}
}

func ask(c *http.Client, method, url string) error {
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		return err
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestSilence(t *testing.T) {
	t.Parallel()
	proxy := lab.NewFaultProxy(t, lab.Gerrit(t).URL)
	proxy.Add(lab.Fault{Silence: true})
	c := New(Config{Timeout: 100 * time.Millisecond, Retries: 1})
	if err := ask(c, "GET", proxy.URL+"/"); err == nil {
		t.Error("an answer, want none")
	}
	if n := proxy.Count("GET", "/"); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestRedirectKeepsCredentials(t *testing.T) {
	t.Parallel()
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	proxy := lab.NewFaultProxy(t, other.URL)
	proxy.Add(lab.Fault{Path: "/there", Status: 302, Header: map[string]string{"Location": other.URL + "/x"}})
	proxy.Add(lab.Fault{Path: "/here", Status: 302, Header: map[string]string{"Location": "/again"}})
	get := func(path string) error {
		request, err := http.NewRequest("GET", proxy.URL+path, nil)
		if err != nil {
			return err
		}
		request.SetBasicAuth("ci", "secret")
		response, err := client().Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := get("/there"); !errors.Is(err, errElsewhere) || len(seen) > 0 {
		t.Errorf("another host: %v, saw %q", err, seen)
	}
	if err := get("/here"); err != nil || len(seen) != 1 {
		t.Errorf("the same host: %v, saw %q", err, seen)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	long := &http.Response{Header: http.Header{"Retry-After": {"86400"}}}
	if got := pause(time.Millisecond, time.Second, 0, long); got != time.Second {
		t.Errorf("a day: %v, want the bound", got)
	}
}
