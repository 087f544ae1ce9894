package liquibase

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// echo is a server that says back each line.
func echo(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			conn.Write([]byte(line))
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// say connects through the gate and gives the answer, "" when there is none.
func say(t *testing.T, g *gate, wait time.Duration) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", g.address().String())
	if err != nil {
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(wait))
	conn.Write([]byte("hello\n"))
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer)
}

func TestGate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g, err := newGate(ctx, echo(t))
	if err != nil {
		t.Fatal(err)
	}
	if answer := say(t, g, 100*time.Millisecond); answer != "" {
		t.Errorf("the shut gate answers %q", answer)
	}
	close(g.opened)
	if answer := say(t, g, 10*time.Second); answer != "hello" {
		t.Errorf("the open gate answers %q", answer)
	}
	cancel()
	time.Sleep(50 * time.Millisecond)
	if answer := say(t, g, time.Second); answer != "" {
		t.Errorf("the closed gate answers %q", answer)
	}
}

// TestGateToNowhere: what the driver meets is the gate's hanging up; the
// failure tells what the gate has met.
func TestGateToNowhere(t *testing.T) {
	t.Parallel()
	g, err := newGate(t.Context(), "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	close(g.opened)
	say(t, g, 10*time.Second)
	f := change.AsFailure(g.explain(change.Failf(change.KindInfrastructure, "The connection attempt failed.")))
	if f == nil || f.Kind != change.KindInfrastructure || !strings.Contains(f.Message, "127.0.0.1:1: connect: connection refused") {
		t.Errorf("got %+v", f)
	}
}

// TestGateIsNotShown: a person knows the server's address, not the gate's.
func TestGateIsNotShown(t *testing.T) {
	t.Parallel()
	g, err := newGate(t.Context(), "db.example.org:5432")
	if err != nil {
		t.Fatal(err)
	}
	said := "Connection could not be created to jdbc:postgresql://" + g.address().String() + "/x"
	var f *change.Failure
	if !errors.As(g.explain(change.Failf(change.KindInfrastructure, "%s", said)), &f) || f.Message != "Connection could not be created to jdbc:postgresql://db.example.org:5432/x" {
		t.Errorf("got %+v", f)
	}
	if err := g.explain(nil); err != nil {
		t.Errorf("no failure: %v", err)
	}
}
