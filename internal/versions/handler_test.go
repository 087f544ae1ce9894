package versions

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/patchbay-ci/patchbay/internal/versions/api"
)

// TestPanic: a fault of our own is an answer like any other; what it was
// stands in the log and nowhere else.
func TestPanic(t *testing.T) {
	t.Parallel()
	logged := make(chan Access, 1)
	server := httptest.NewServer((&Versions{}).Handler(Serving{
		Requests: 1, Timeout: 1e9, Log: func(a Access) { logged <- a },
		Pages: func(mux *http.ServeMux) {
			mux.HandleFunc("/broken", func(http.ResponseWriter, *http.Request) { panic("secret of ours") })
		},
	}))
	defer server.Close()
	response, err := http.Get(server.URL + "/broken")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got api.DetailedErrorResponse
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	a := <-logged
	if response.StatusCode != 500 || got.Code != api.CodeRuntime || strings.Contains(got.Details, "secret") || got.TraceID != a.TraceID || a.Fault != api.CodeRuntime ||
		!strings.Contains(a.Cause.Error(), "secret of ours") {
		t.Errorf("got %d %+v, logged %+v", response.StatusCode, got, a)
	}
}
