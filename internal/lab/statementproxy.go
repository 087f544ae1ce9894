package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// StatementCut says when a StatementProxy cuts its connections, once.
type StatementCut struct {
	At   int  // the statement, counted from 1 over all sessions; 0: never
	Lost bool // the server does it, and its answer is lost; else it never arrives
	Away bool // the server cannot be reached any more either, until Back
}

// StatementProxy stands in front of a PostgreSQL server without TLS, reads
// what clients send, and cuts all connections at a statement. A statement is a
// simple query or an execution of a prepared one.
type StatementProxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	cut    StatementCut
	open   map[net.Conn]bool
	away   bool
	seen   int
	struck string // the text of the statement at which it cut
}

// NewStatementProxy listens on a free port until the test ends.
func NewStatementProxy(t testing.TB, target string, cut StatementCut) *StatementProxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &StatementProxy{listener: listener, target: target, cut: cut, open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		listener.Close()
		p.strike(StatementCut{}, "")
	})
	go p.accept()
	return p
}

// Address is where clients connect to.
func (p *StatementProxy) Address() string { return p.listener.Addr().String() }

// Back lets new connections through again.
func (p *StatementProxy) Back() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// Seen is how many statements there were, and the text of that at which the
// connections were cut, "" when they were not.
func (p *StatementProxy) Seen() (statements int, struck string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen, p.struck
}

func (p *StatementProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *StatementProxy) serve(client net.Conn) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.keep(client, server) {
		return
	}
	s := &session{proxy: p, client: client, server: server, lost: make(chan struct{})}
	go func() {
		s.answers()
		client.Close()
		server.Close()
	}()
	s.requests()
}

func (p *StatementProxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.open[conn] = true
	}
	return !p.away
}

// next counts a statement and says what is to happen to it.
func (p *StatementProxy) next() (cut StatementCut, now bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	return p.cut, p.seen == p.cut.At
}

// strike ends all connections.
func (p *StatementProxy) strike(cut StatementCut, statement string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away, p.struck = cut.Away, statement
	for conn := range p.open {
		conn.Close()
	}
	clear(p.open)
}

// session is one client's.
type session struct {
	proxy          *StatementProxy
	client, server net.Conn

	mu   sync.Mutex
	deaf bool          // the client gets no more answers
	lost chan struct{} // closed when the first of them has come
	once sync.Once
}

// answers go to the client unless they are to be lost.
func (s *session) answers() {
	buffer := make([]byte, 16<<10)
	for {
		n, err := s.server.Read(buffer)
		s.mu.Lock()
		deaf := s.deaf
		s.mu.Unlock()
		if deaf && n > 0 {
			s.once.Do(func() { close(s.lost) })
			continue
		}
		if _, failed := s.client.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// The codes that stand where a startup message has its protocol version.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	sslRequest    = 80877103
	gssEncRequest = 80877104
)

// requests passes on what the client sends, message by message.
func (s *session) requests() {
	in := bufio.NewReader(s.client)
	for {
		startup, code, err := startupMessage(in)
		if err != nil {
			return
		}
		if _, err := s.server.Write(startup); err != nil {
			return
		}
		if code != sslRequest && code != gssEncRequest {
			break
		}
	}
	text := ""
	for {
		message, err := message(in)
		if err != nil {
			return
		}
		switch message[0] {
		case 'P':
			text = statementOf(message)
		case 'Q':
			text = string(bytes.TrimRight(message[5:], "\x00"))
		}
		if message[0] == 'Q' || message[0] == 'E' {
			if cut, now := s.proxy.next(); now {
				s.end(in, message, cut, text)
				return
			}
		}
		if _, err := s.server.Write(message); err != nil {
			return
		}
	}
}

// end cuts at a statement.
func (s *session) end(in *bufio.Reader, statement []byte, cut StatementCut, text string) {
	if cut.Lost {
		s.mu.Lock()
		s.deaf = true
		s.mu.Unlock()
		s.deliver(in, statement)
		select {
		case <-s.lost:
		case <-time.After(3 * time.Second): // it waits for something
		}
	}
	s.proxy.strike(cut, text)
}

// deliver sends a statement, with all up to the Sync that makes an execution
// count.
func (s *session) deliver(in *bufio.Reader, next []byte) {
	for {
		if _, err := s.server.Write(next); err != nil || next[0] == 'Q' || next[0] == 'S' {
			return
		}
		var err error
		if next, err = message(in); err != nil {
			return
		}
	}
}

func startupMessage(in io.Reader) (whole []byte, code uint32, err error) {
	whole = make([]byte, 8)
	if _, err := io.ReadFull(in, whole); err != nil {
		return nil, 0, err
	}
	rest := make([]byte, max(8, binary.BigEndian.Uint32(whole))-8)
	_, err = io.ReadFull(in, rest)
	return append(whole, rest...), binary.BigEndian.Uint32(whole[4:]), err
}

func message(in io.Reader) ([]byte, error) {
	whole := make([]byte, 5)
	if _, err := io.ReadFull(in, whole); err != nil {
		return nil, err
	}
	rest := make([]byte, max(4, binary.BigEndian.Uint32(whole[1:]))-4)
	_, err := io.ReadFull(in, rest)
	return append(whole, rest...), err
}

// statementOf is the query in a Parse message: after the name.
func statementOf(parse []byte) string {
	part := bytes.SplitN(parse[5:], []byte{0}, 3)
	if len(part) < 2 {
		return ""
	}
	return string(part[1])
}
