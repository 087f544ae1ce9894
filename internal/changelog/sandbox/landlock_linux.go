package sandbox

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The rights of https://docs.kernel.org/userspace-api/landlock.html by use.
const (
	readFile  = unix.LANDLOCK_ACCESS_FS_READ_FILE
	readDir   = unix.LANDLOCK_ACCESS_FS_READ_DIR
	execute   = unix.LANDLOCK_ACCESS_FS_EXECUTE
	writeFile = unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	truncate  = unix.LANDLOCK_ACCESS_FS_TRUNCATE
	refer     = unix.LANDLOCK_ACCESS_FS_REFER

	ofFiles = readFile | execute | writeFile | truncate // what a rule on a plain file may name
)

var devices = []string{"/dev/null", "/dev/random", "/dev/urandom"}

// landlockABI is 0 where the kernel has no Landlock.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// handled is what the rules govern, as far as this kernel knows it.
func handled(abi int) unix.LandlockRulesetAttr {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		attr.Handled_access_fs |= refer
	}
	if abi >= 3 {
		attr.Handled_access_fs |= truncate
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return attr
}

// restrictAccess does nothing where Landlock is absent; Missing has said so.
func restrictAccess(rules Rules) error {
	abi := landlockABI()
	if abi < 1 {
		return nil
	}
	attr := handled(abi)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("create a rule set: %w", errno)
	}
	set := ruleset{fd: int(fd), handled: attr}
	if err := set.allow(rules); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("enter the rule set: %w", errno)
	}
	return nil
}

type ruleset struct {
	fd      int
	handled unix.LandlockRulesetAttr
}

func (s ruleset) allow(rules Rules) error {
	for access, names := range map[uint64][]string{
		readFile | readDir | execute: rules.Programs,
		readFile | readDir:           rules.Read,
		s.handled.Handled_access_fs:  rules.Write,
		readFile | writeFile:         devices,
	} {
		for _, name := range names {
			if err := s.allowBelow(name, access); err != nil {
				return fmt.Errorf("allow %s: %w", name, err)
			}
		}
	}
	return s.allowPort(rules.Port)
}

func (s ruleset) allowBelow(name string, access uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= ofFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access & s.handled.Handled_access_fs, Parent_fd: int32(fd)}
	return s.add(unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&rule))
}

// netPort is struct landlock_net_port_attr.
type netPort struct{ access, port uint64 }

const ruleNetPort = 2 // LANDLOCK_RULE_NET_PORT

func (s ruleset) allowPort(port uint16) error {
	if s.handled.Handled_access_net == 0 || port == 0 {
		return nil
	}
	rule := netPort{access: unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, port: uint64(port)}
	return s.add(ruleNetPort, unsafe.Pointer(&rule))
}

func (s ruleset) add(kind uintptr, rule unsafe.Pointer) error {
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s.fd), kind, uintptr(rule), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
