package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls are the system calls that make processes, by architecture.
type calls struct {
	audit uint32   // AUDIT_ARCH_…
	clone uint32   // with CLONE_THREAD it makes a thread and is allowed
	forks []uint32 // always make a process
	other uint32   // numbers from here on belong to another ABI; 0 for none
}

var processCalls = map[string]calls{
	"amd64": {audit: 0xc000003e, clone: 56, forks: []uint32{57, 58}, other: 0x40000000},
	"arm64": {audit: 0xc00000b7, clone: 220},
}

const clone3 = 435 // the same everywhere; its flags lie in memory, out of a filter's sight

// The instructions of classic BPF that the filter uses, and seccomp's answers.
const (
	load, jumpEqual, jumpGreaterEqual, jumpSet, answer = 0x20, 0x15, 0x35, 0x45, 0x06

	allow, refuse, kill = 0x7fff0000, 0x00050000, 0x80000000

	numberAt, archAt, flagsAt = 0, 4, 16 // offsets in struct seccomp_data
)

// forbidProcesses lets the process make threads but no processes. clone3
// answers ENOSYS, so that the C library falls back to clone. On other
// architectures Landlock alone keeps programs from being started.
func forbidProcesses() error {
	c, known := processCalls[runtime.GOARCH]
	if !known {
		return nil
	}
	filter := c.filter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}                                   //nolint:gosec // some twenty instructions
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0) //nolint:gosec // the kernel reads a structure
}

func (c calls) filter() []unix.SockFilter {
	f := []unix.SockFilter{
		{Code: load, K: archAt},
		{Code: jumpEqual, K: c.audit, Jt: 1},
		{Code: answer, K: kill},
		{Code: load, K: numberAt},
		{Code: jumpEqual, K: clone3, Jf: 1},
		{Code: answer, K: refuse | uint32(unix.ENOSYS)},
	}
	if c.other > 0 {
		f = append(f, unix.SockFilter{Code: jumpGreaterEqual, K: c.other, Jf: 1}, unix.SockFilter{Code: answer, K: refuse | uint32(unix.ENOSYS)})
	}
	for _, fork := range c.forks {
		f = append(f, unix.SockFilter{Code: jumpEqual, K: fork, Jf: 1}, unix.SockFilter{Code: answer, K: refuse | uint32(unix.EPERM)})
	}
	return append(f, []unix.SockFilter{
		{Code: jumpEqual, K: c.clone, Jf: 3},
		{Code: load, K: flagsAt},
		{Code: jumpSet, K: unix.CLONE_THREAD, Jt: 1},
		{Code: answer, K: refuse | uint32(unix.EPERM)},
		{Code: answer, K: allow},
	}...)
}
