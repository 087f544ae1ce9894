package liquibase

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// gate is a port of this machine that leads to the database's, once it is
// opened: connections that come before wait. Bytes go through untouched, so
// what driver and server agree on, TLS included, is theirs alone.
type gate struct {
	ctx      context.Context
	target   string // host:port of the server
	listener net.Listener
	opened   chan struct{}

	mu      sync.Mutex
	refused error // why the server could not be reached
}

// reaching is how long one attempt to reach the server may take, as the
// driver's own connectTimeout.
const reaching = 10 * time.Second

func newGate(ctx context.Context, target string) (*gate, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{ctx: ctx, target: target, listener: listener, opened: make(chan struct{})}
	context.AfterFunc(ctx, g.close)
	go g.serve()
	return g, nil
}

func (g *gate) address() *net.TCPAddr { return g.listener.Addr().(*net.TCPAddr) }
func (g *gate) host() string          { return g.address().IP.String() }
func (g *gate) port() uint16          { return g.address().AddrPort().Port() }
func (g *gate) close()                { g.listener.Close() }

func (g *gate) serve() {
	for {
		client, err := g.listener.Accept()
		if err != nil {
			return // closed
		}
		go g.pass(client)
	}
}

func (g *gate) pass(client net.Conn) {
	defer client.Close()
	select {
	case <-g.opened:
	case <-g.ctx.Done():
		return
	}
	dialer := net.Dialer{Timeout: reaching}
	server, err := dialer.DialContext(g.ctx, "tcp", g.target)
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.refused = err
		return
	}
	defer server.Close()
	defer context.AfterFunc(g.ctx, func() { client.Close(); server.Close() })()
	go func() {
		io.Copy(server, client) //nolint:errcheck // either end may hang up
		server.Close()
	}()
	io.Copy(client, server) //nolint:errcheck // either end may hang up
}

// explain tells a failure in terms of the server, not of the gate.
func (g *gate) explain(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := change.AsFailure(err)
	if f == nil {
		return nil
	}
	if g.refused != nil && f.Kind == change.KindInfrastructure {
		return change.Failf(change.KindInfrastructure, "reach the database server: %w", g.refused)
	}
	f.Message = strings.ReplaceAll(f.Message, g.address().String(), g.target)
	return f
}
