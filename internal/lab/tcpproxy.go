package lab

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// TCPProxy stands in front of a PostgreSQL server and cuts its connections
// on demand, as a network does.
type TCPProxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	open    map[net.Conn]bool
	refuse  bool
	replies int // bytes still let through to clients; negative: no limit
}

// NewTCPProxy listens on a free port and forwards to the target until the
// test ends.
func NewTCPProxy(t testing.TB, target string) *TCPProxy {
	t.Helper()
	return newProxy(t, "tcp", "127.0.0.1:0", target)
}

// NewSocket is a Unix socket in front of the server, as libpq names it: in
// this directory, for port 5432.
func NewSocket(t testing.TB, target string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	newProxy(t, "unix", filepath.Join(dir, ".s.PGSQL.5432"), target)
	return dir
}

func newProxy(t testing.TB, network, address, target string) *TCPProxy {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	p := &TCPProxy{listener: listener, target: target, open: map[net.Conn]bool{}, replies: -1}
	t.Cleanup(func() {
		listener.Close()
		p.Cut()
	})
	go p.accept()
	return p
}

// Address is where clients connect to.
func (p *TCPProxy) Address() string { return p.listener.Addr().String() }

// Cut ends all connections now; new ones are served.
func (p *TCPProxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// CutAfter lets that many bytes of the server's answers pass, then cuts all
// connections once; later ones are served.
func (p *TCPProxy) CutAfter(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replies = bytes
}

// Refuse makes the server look down: connections are cut, new ones end at
// once. Refuse(false) brings it back.
func (p *TCPProxy) Refuse(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse = down; down {
		p.cut()
	}
}

func (p *TCPProxy) cut() {
	for conn := range p.open {
		conn.Close()
	}
	clear(p.open)
}

func (p *TCPProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *TCPProxy) serve(client net.Conn) {
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), "tcp", p.target)
	if err != nil || !p.keep(client, server) {
		client.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, client) // ends with the connection, whichever way
		server.Close()
	})
	both.Go(func() { p.answer(client, server); client.Close() })
	both.Wait()
	p.forget(client, server)
}

// keep takes a pair into what Cut ends; false when the server plays dead.
func (p *TCPProxy) keep(client, server net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse {
		server.Close()
		return false
	}
	p.open[client], p.open[server] = true, true
	return true
}

func (p *TCPProxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.open, conn)
	}
}

func (p *TCPProxy) answer(client io.Writer, server io.Reader) {
	buffer := make([]byte, 4096)
	for {
		n, err := server.Read(buffer)
		if n > 0 && !p.pass(n) {
			return
		}
		if _, writeErr := client.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// pass counts an answer against the limit of CutAfter.
func (p *TCPProxy) pass(bytes int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.replies < 0 {
		return true
	}
	if p.replies -= bytes; p.replies >= 0 {
		return true
	}
	p.replies = -1
	p.cut()
	return false
}
