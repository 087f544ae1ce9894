package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// gerritSite is a Gerrit installation on disk and the means to run it.
type gerritSite struct {
	dir     string // holds the site, the overlay and the logs
	version string
	java    string
	jars    string // class path
}

func launchGerrit(ctx context.Context) (*GerritServer, error) {
	s, err := findGerrit(ctx)
	if err != nil {
		return nil, err
	}
	if err := endStray(s.site()); err != nil {
		return nil, err
	}
	url, err := s.configure(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.init(ctx); err != nil {
		return nil, err
	}
	server, err := s.daemon(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := s.accounts(ctx, server); err != nil {
		return nil, joinStop(err, server)
	}
	return server, nil
}

// endStray ends servers of a site that no state file knows: whoever started
// them was killed before they answered, and they hold the site's locks.
func endStray(site string) error {
	processes, err := filepath.Glob("/proc/[0-9]*")
	for _, path := range processes {
		pid, _ := strconv.Atoi(filepath.Base(path))
		if stray := (&GerritServer{PID: pid, Site: site}); stray.alive() {
			err = errors.Join(err, stray.Stop())
		}
	}
	return err
}

// joinStop leaves no half made server behind.
func joinStop(err error, server *GerritServer) error {
	if stop := server.Stop(); stop != nil {
		return fmt.Errorf("%w; and %w", err, stop)
	}
	return err
}

// findGerrit picks the version by the Java at hand: 3.10.2 is the newest for
// Java 17 whose jars are on Maven Central, 3.13.0 needs Java 21.
func findGerrit(ctx context.Context) (*gerritSite, error) {
	java, major, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	s := &gerritSite{java: java, version: "3.10.2"}
	if major >= 21 {
		s.version = "3.13.0"
	}
	jars, err := Maven(ctx, "gerrit-jars-"+s.version,
		"com.google.gerrit:gerrit-acceptance-framework:"+s.version,
		"com.google.gerrit:gerrit-plugin-api:"+s.version,
		"org.bouncycastle:bcprov-jdk18on:1.80", "org.bouncycastle:bcpg-jdk18on:1.80")
	if err != nil {
		return nil, err
	}
	s.dir = strings.Replace(jars, "gerrit-jars-", "gerrit-", 1)
	s.jars = strings.Join([]string{
		filepath.Join(s.dir, "overlay"),
		filepath.Join(jars, "gerrit-acceptance-framework.jar"), filepath.Join(jars, "gerrit-plugin-api.jar"),
		filepath.Join(jars, "bcprov-jdk18on.jar"), filepath.Join(jars, "bcpg-jdk18on.jar"),
	}, ":")
	return s, nil
}

var javaVersion = regexp.MustCompile(`java\.specification\.version = (\d+)\s`)

func findJava(ctx context.Context) (path string, major int, err error) {
	path = "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path = filepath.Join(home, "bin", "java")
	}
	if path, err = exec.LookPath(path); err != nil {
		return "", 0, Missing("java", "default-jre-headless")
	}
	out, err := exec.CommandContext(ctx, path, "-XshowSettings:properties", "-version").CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("ask %s for its version: %w", path, err)
	}
	if found := javaVersion.FindSubmatch(out); found != nil {
		major, _ = strconv.Atoi(string(found[1]))
	}
	if major < 17 {
		return "", 0, fmt.Errorf("%s is too old: Gerrit needs Java 17 or newer", path)
	}
	return path, major, nil
}

// configure writes what stands before every start: the ports may have changed.
// auth.type must be there before init, or init makes no administrator.
func (s *gerritSite) configure(ctx context.Context) (url string, err error) {
	if err := s.overlay(); err != nil {
		return "", err
	}
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return "", err
	}
	url = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	for _, setting := range [][2]string{
		{"gerrit.canonicalWebUrl", url + "/"},
		{"httpd.listenUrl", url + "/"},
		{"sshd.listenAddress", fmt.Sprintf("127.0.0.1:%d", ports[1])},
		{"auth.type", "DEVELOPMENT_BECOME_ANY_ACCOUNT"},
		{"auth.gitBasicAuthPolicy", "HTTP"},
		{"sendemail.enable", "false"},
	} {
		cmd := exec.CommandContext(ctx, "git", "config", "-f", filepath.Join(s.site(), "etc", "gerrit.config"), setting[0], setting[1])
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("write gerrit.config: %w: %s", err, out)
		}
	}
	return url, nil
}

func (s *gerritSite) site() string { return filepath.Join(s.dir, "site") }

// overlay holds two files that a gerrit.war would have: without them
// everything is logged and the version reads "(dev)".
func (s *gerritSite) overlay() error {
	files := map[string]string{
		"overlay/com/google/gerrit/common/Version": s.version,
		"overlay/log4j.properties": "log4j.rootLogger=INFO, err\n" +
			"log4j.appender.err=org.apache.log4j.ConsoleAppender\nlog4j.appender.err.target=System.err\n" +
			"log4j.appender.err.layout=org.apache.log4j.PatternLayout\n" +
			"log4j.appender.err.layout.ConversionPattern=[%d] %-5p %c : %m%n\n",
		"site/etc/.made": "",
	}
	for name, text := range files {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func freePorts(ctx context.Context, n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // held until all are chosen, so that they differ
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// command runs a program of Gerrit. -Duser.home keeps JGit out of the home of
// whoever runs the tests; C1 and the serial collector halve the start.
func (s *gerritSite) command(ctx context.Context, program ...string) *exec.Cmd {
	args := []string{
		"-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.home=" + s.dir,
		"-cp", s.jars, "com.google.gerrit.launcher.GerritLauncher",
	}
	args = append(append(args, program[0], "-d", s.site()), program[1:]...)
	cmd := exec.CommandContext(ctx, s.java, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C.UTF-8"}
	return cmd
}

func (s *gerritSite) init(ctx context.Context) error {
	return s.once("init-done", func() error {
		for _, half := range []string{"git", "index", "data", "db"} {
			if err := os.RemoveAll(filepath.Join(s.site(), half)); err != nil {
				return err
			}
		}
		out, err := s.command(ctx, "init", "--batch", "--dev", "--no-auto-start").CombinedOutput()
		if err != nil {
			return fmt.Errorf("init of %s: %w: %s", s.site(), err, lastLine(out))
		}
		return os.RemoveAll(filepath.Join(s.site(), "bin", "gerrit.war")) // a 60 MB copy of a jar
	})
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

// once runs fn unless it succeeded in an earlier start.
func (s *gerritSite) once(mark string, fn func() error) error {
	mark = filepath.Join(s.dir, mark)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if err := fn(); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o600)
}

// daemon starts the server in a session of its own: it outlives the test
// binary that started it.
func (s *gerritSite) daemon(ctx context.Context, url string) (*GerritServer, error) {
	log, err := os.Create(filepath.Join(s.dir, "daemon.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := s.command(context.WithoutCancel(ctx), "daemon", "--console-log")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	died := make(chan error, 1)
	go func() { died <- cmd.Wait() }()
	server := &GerritServer{URL: url, Version: s.version, PID: cmd.Process.Pid, Site: s.site()}
	if err := s.wait(ctx, log.Name(), url, died); err != nil {
		return nil, joinStop(err, server)
	}
	return server, nil
}

var gerritReady = regexp.MustCompile(`Gerrit Code Review .* ready\s`)

// wait takes the line in the log and an answer: the answer alone could come
// from another server that won the port.
func (s *gerritSite) wait(ctx context.Context, log, url string, died <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		text, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		if gerritReady.Match(text) && answers(ctx, url+"/config/server/version") {
			return nil
		}
		select {
		case err := <-died:
			return fmt.Errorf("the server died: %w: %s, see %s", err, firstError(string(text)), log)
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w, see %s", ctx.Err(), log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
