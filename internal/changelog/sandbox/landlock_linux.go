package sandbox

import (
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	kernel "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The rights of https://docs.kernel.org/userspace-api/landlock.html by use.
const (
	readFile = landlock.AccessFSSet(kernel.AccessFSReadFile)
	readDir  = landlock.AccessFSSet(kernel.AccessFSReadDir)
	execute  = landlock.AccessFSSet(kernel.AccessFSExecute)
)

// landlockABI is 0 where the kernel has no Landlock.
func landlockABI() int {
	abi, err := kernel.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return abi
}

// restrictAccess does as much as this kernel can; Missing has said what it
// cannot. Version 6 governs files, TCP, abstract sockets and signals.
func restrictAccess(rules Rules) error {
	var allowed []landlock.Rule
	for _, name := range rules.Programs {
		allowed = append(allowed, reading(name, execute))
	}
	for _, name := range rules.Read {
		allowed = append(allowed, reading(name, 0))
	}
	allowed = append(allowed,
		landlock.RWDirs(rules.Write...).WithRefer().IgnoreIfMissing(),
		landlock.RWFiles("/dev/null", "/dev/random", "/dev/urandom").IgnoreIfMissing())
	if rules.Port != 0 {
		allowed = append(allowed, landlock.ConnectTCP(rules.Port))
	}
	return landlock.V6.BestEffort().Restrict(allowed...)
}

// reading allows to read a file or everything below a folder; a rule on a
// plain file may not name rights of folders.
func reading(name string, more landlock.AccessFSSet) landlock.Rule {
	access := readFile | more
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		access |= readDir
	}
	return landlock.PathAccess(access, name).IgnoreIfMissing()
}
