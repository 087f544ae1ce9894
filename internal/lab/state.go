package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is what every state file holds, whatever else is in it: the running
// server and the directory that goes with it.
type process struct {
	PID int    `json:"pid"`
	Dir string `json:"dir,omitempty"` // removed when the server is stopped
}

func statePath(name string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	run := filepath.Join(dir, "run")
	return filepath.Join(run, name+".json"), os.MkdirAll(run, 0o700)
}

// writeState records a running server as <lab directory>/run/<name>.json.
// It holds passwords: mode 0600.
func writeState(name string, state any) error {
	path, err := statePath(name)
	if err != nil {
		return err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// Remember records a process that Stop ends, besides the servers of the lab.
func Remember(name string, pid int) error { return writeState(name, process{PID: pid}) }

// readState reads what writeState wrote; false when there is no such server.
func readState(name string, state any) (bool, error) {
	path, err := statePath(name)
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(text, state)
}

func removeState(name string) error {
	path, err := statePath(name)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// stateNames lists the servers that have a state file.
func stateNames() ([]string, error) {
	path, err := statePath("*")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(path)
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return files, err
}

// alive says whether a process of that id runs. Another user's process counts.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// end sends the signal and, when it is not obeyed in 15 s, kills.
func end(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
		if !alive(pid) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}
