package lab

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// GerritServer is a real Gerrit on 127.0.0.1, shared by everybody who uses the
// lab. Tests make projects of their own in it. There is no gerrit.war on Maven
// Central, but four jars hold the whole server without its web interface.
type GerritServer struct {
	URL     string `json:"url"` // without a slash at the end
	Version string `json:"version"`
	PID     int    `json:"pid"`
	Site    string `json:"site"`
}

// GerritAccount is a login over HTTP.
type GerritAccount struct{ Username, Password string }

// Admin may do everything.
func (g *GerritServer) Admin() GerritAccount { return GerritAccount{"admin", "secret"} }

// CI votes: Verified -1..+1, a service user, not an administrator.
func (g *GerritServer) CI() GerritAccount { return GerritAccount{"ci", "ci-secret"} }

// Dev is an ordinary user who pushes for review and may not vote Verified.
func (g *GerritServer) Dev() GerritAccount { return GerritAccount{"dev", "dev-secret"} }

// Gerrit gives the shared server to a test and starts it when it is not there.
func Gerrit(t testing.TB) *GerritServer {
	t.Helper()
	server, err := StartGerrit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// StartGerrit gives the shared server. Whoever comes first starts it (about 20
// seconds, later starts 8); it is left running for the others.
func StartGerrit(ctx context.Context) (*GerritServer, error) {
	var server *GerritServer
	err := Locked("gerrit", func() (err error) {
		if server, err = runningGerrit(); err != nil || server != nil {
			return err
		}
		if server, err = launchGerrit(ctx); err != nil {
			return fmt.Errorf("start Gerrit: %w", err)
		}
		return writeState("gerrit", server)
	})
	return server, err
}

// runningGerrit trusts a state file only when the process behind it is still
// that server: numbers of processes are used again. It gives nil when there is
// none.
func runningGerrit() (*GerritServer, error) {
	var server GerritServer
	if found, err := readState("gerrit", &server); err != nil || !found || !server.alive() {
		return nil, err
	}
	return &server, nil
}

func (g *GerritServer) alive() bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", g.PID))
	return err == nil && strings.Contains(string(line), "\x00-d\x00"+g.Site+"\x00")
}

// Stop ends the server; the next start finds its projects and changes again.
func (g *GerritServer) Stop() error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if !g.alive() {
				return nil
			}
			if err := syscall.Kill(g.PID, signal); err != nil {
				return nil // gone meanwhile
			}
		}
	}
	return fmt.Errorf("Gerrit (process %d) does not end", g.PID)
}
