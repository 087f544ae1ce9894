package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Status is one server that has a state file.
type Status struct {
	Name    string
	PID     int
	Running bool
}

// Servers lists what was started and not stopped.
func Servers() ([]Status, error) {
	names, err := stateNames()
	if err != nil {
		return nil, err
	}
	var servers []Status
	for _, name := range names {
		var p process
		if _, err := readState(name, &p); err != nil {
			return nil, fmt.Errorf("read the state of %s: %w", name, err)
		}
		servers = append(servers, Status{Name: name, PID: p.PID, Running: alive(p.PID)})
	}
	return servers, nil
}

// Stop stops every server that has a state file, with its data, but those
// that are to stay: they were there before, and somebody else's.
func Stop(stay ...Status) error {
	names, err := stateNames()
	errs := []error{err}
	for _, name := range names {
		if slices.ContainsFunc(stay, func(s Status) bool { return s.Name == name && s.Running }) {
			continue
		}
		if err := stop(name); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func stop(name string) error {
	var p process
	if _, err := readState(name, &p); err != nil {
		return err
	}
	if alive(p.PID) {
		if err := end(p.PID, stopSignal(name)); err != nil {
			return err
		}
	}
	return errors.Join(removeData(name, p.Dir), removeState(name))
}

// stopSignal asks PostgreSQL for a fast shutdown (SIGTERM would wait for its
// clients to leave) and any other program for an orderly one.
func stopSignal(name string) syscall.Signal {
	if strings.HasPrefix(name, "postgres-") {
		return syscall.SIGINT
	}
	return syscall.SIGTERM
}

// removeData removes a data directory, and nothing that a damaged state file
// may name instead.
func removeData(name, dir string) error {
	if !strings.HasPrefix(name, "postgres-") || !strings.HasPrefix(filepath.Base(dir), "postgres-") {
		return nil
	}
	return os.RemoveAll(dir)
}
