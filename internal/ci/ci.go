// Package ci knows where a step runs: GitHub Actions, Jenkins, or a person's
// terminal. It is the only place that does; everything else is the same
// program everywhere.
package ci

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
	"golang.org/x/term"
)

// Where a step runs.
const (
	GitHub   = "github"
	Jenkins  = "jenkins"
	Terminal = "terminal"
	Unknown  = "" // no CI that we know and no person either
)

// CI is where a step runs. Its zero value is of no use; call Detect.
type CI struct {
	name   string
	getenv func(string) string
	stderr io.Writer
	action *githubactions.Action
}

// Detect looks at the environment and at stderr. Workflow commands go to
// stderr, since stdout carries only the result; GitHub reads both.
func Detect(getenv func(string) string, stderr io.Writer) *CI {
	c := &CI{getenv: getenv, stderr: stderr}
	switch {
	case getenv("GITHUB_ACTIONS") == "true":
		c.name = GitHub
		c.action = githubactions.New(githubactions.WithWriter(stderr), githubactions.WithGetenv(getenv))
	case getenv("JENKINS_URL") != "" || getenv("JENKINS_HOME") != "":
		c.name = Jenkins
	case isTerminal(stderr):
		c.name = Terminal
	}
	return c
}

// Name is GitHub, Jenkins, Terminal or Unknown.
func (c *CI) Name() string { return c.name }

// Color says whether stderr shows colours (https://no-color.org).
func (c *CI) Color() bool { return isTerminal(c.stderr) && c.getenv("NO_COLOR") == "" }

// CanAsk says whether a person sits at stdin, who can be asked.
func (c *CI) CanAsk(stdin io.Reader) bool {
	return c.name != GitHub && c.name != Jenkins && isTerminal(stdin)
}

// BuildURL is the page of this run, "" when unknown.
func (c *CI) BuildURL() string {
	if c.name == GitHub {
		return fmt.Sprintf("%s/%s/actions/runs/%s",
			c.getenv("GITHUB_SERVER_URL"), c.getenv("GITHUB_REPOSITORY"), c.getenv("GITHUB_RUN_ID"))
	}
	return c.getenv("BUILD_URL")
}

// Mask tells GitHub to hide a secret in its log.
func (c *CI) Mask(secret string) {
	if c.action != nil {
		c.action.AddMask(secret)
	}
}

// Writer takes the meaning from commands in what is written on GitHub: the
// old syntax, ##[error], works anywhere in a line of stdout or stderr, and
// lines quote what a candidate names. The newer ::error:: works only at the
// beginning of a line. A command must not be split over two writes.
// See https://github.com/actions/runner, ActionCommand.TryParse.
func (c *CI) Writer(w io.Writer) io.Writer {
	if c.name != GitHub {
		return w
	}
	return commandless{w}
}

type commandless struct{ out io.Writer }

const oldCommand = "##["

func (w commandless) Write(p []byte) (int, error) {
	if _, err := w.out.Write(bytes.ReplaceAll(p, []byte(oldCommand), []byte("#\u200b#["))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// JSON does the same for a document without changing what it means.
func (c *CI) JSON(document []byte) []byte {
	if c.name != GitHub {
		return document
	}
	return bytes.ReplaceAll(document, []byte(oldCommand), []byte(`#\u0023[`))
}

// Group opens a foldable group of log lines and gives what closes it.
func (c *CI) Group(title string) func() {
	if c.action == nil {
		return func() {}
	}
	c.action.Group(title)
	return c.action.EndGroup
}

// Level is how loud an annotation is.
type Level int

// The levels of annotations.
const (
	Notice Level = iota
	Warning
	Error
)

// Annotate shows a message at a file's line on GitHub's pages; elsewhere the
// log has said it already. file and line may be zero.
func (c *CI) Annotate(level Level, file string, line int, message string) {
	if c.action == nil {
		return
	}
	fields := map[string]string{}
	if file != "" {
		fields["file"] = file
	}
	if line > 0 {
		fields["line"] = strconv.Itoa(line)
	}
	at := c.action.WithFieldsMap(fields)
	switch level {
	case Error:
		at.Errorf("%s", message)
	case Warning:
		at.Warningf("%s", message)
	default:
		at.Noticef("%s", message)
	}
}

// Output hands a value to later jobs of a workflow; a no-op elsewhere. The
// delimiter is random: with the library's constant one a value could hold it
// and forge other outputs.
func (c *CI) Output(key, value string) error {
	if c.name != GitHub {
		return nil
	}
	delimiter, err := randomDelimiter()
	if err != nil {
		return err
	}
	return c.appendTo("GITHUB_OUTPUT", fmt.Sprintf("%s<<%s\n%s\n%s\n", key, delimiter, value, delimiter))
}

// summaryLimit is GitHub's: over 1 MiB the whole summary is dropped.
const summaryLimit = 1 << 20

// Summary adds markdown to the page of the run; a no-op elsewhere.
func (c *CI) Summary(markdown string) error {
	if c.name != GitHub {
		return nil
	}
	if len(markdown) > summaryLimit/2 {
		markdown = strings.ToValidUTF8(markdown[:summaryLimit/2], "") + "\n\n… cut\n"
	}
	return c.appendTo("GITHUB_STEP_SUMMARY", markdown+"\n")
}

// appendTo adds to one of the files GitHub names in the environment.
func (c *CI) appendTo(variable, text string) (err error) {
	path := c.getenv(variable)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", variable, err)
	}
	if _, err := file.WriteString(text); err != nil {
		file.Close()
		return fmt.Errorf("write %s: %w", variable, err)
	}
	return file.Close()
}

func randomDelimiter() (string, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a delimiter: %w", err)
	}
	return "patchbay_" + hex.EncodeToString(random), nil
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
