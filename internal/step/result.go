package step

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay-ci/patchbay/internal/change"
)

// Write completes the result's header, writes it to the run directory and
// repeats it on stdout.
func (s *Session) Write(result change.Result) error {
	if err := s.document(result); err != nil {
		return err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	return s.say(result, append(s.CI.JSON(text), '\n'))
}

// Publish is Write for a result that a person reads: stdout gets the text
// instead of the document.
func (s *Session) Publish(result change.Result, text string) error {
	if err := s.document(result); err != nil {
		return err
	}
	return s.say(result, []byte(s.mask.text(text)))
}

func (s *Session) document(result change.Result) error {
	head := result.Head()
	head.FormatVersion, head.Step, head.Version = change.FormatVersion, s.step, s.Version
	head.StartedAt = s.Started.UTC().Truncate(time.Millisecond)
	head.Seconds = float64(time.Since(s.Started).Milliseconds()) / 1000
	if head.Failure != nil {
		head.Failure = s.clean(head.Failure)
	}
	return s.WriteFile(s.step+".json", result)
}

func (s *Session) say(result change.Result, text []byte) error {
	if _, err := s.Stdout.Write(text); err != nil {
		return fmt.Errorf("write the result to stdout: %w", err)
	}
	return s.CI.Output("outcome", string(result.Head().Outcome))
}

// Hide masks a secret that was found after the inputs were read, in a
// configuration file for example.
func (s *Session) Hide(secrets ...string) {
	s.mask.add(secrets...)
	for _, secret := range nonEmpty(secrets...) {
		s.CI.Mask(secret)
	}
}

// WriteFile writes another document into the run directory.
func (s *Session) WriteFile(name string, doc any) error { return s.RunDir.write(name, doc) }

// Fail writes a result that ends in a failure and gives that failure back,
// with what else went wrong joined to it.
func (s *Session) Fail(result change.Result, outcome change.Outcome, err error) error {
	head := result.Head()
	head.Outcome, head.Failure = outcome, failureOf(err)
	failure := head.Failure // Write replaces it by what may be shown
	return errors.Join(append([]error{failure, s.Write(result)}, change.Beside(err)...)...)
}

// RunDir is the directory in which the steps of one run hand over.
type RunDir string

// Reset begins a run: it makes the directory and removes what an earlier run
// left there (JSON documents only, so that a wrong path loses nothing else).
func (d RunDir) Reset() error {
	if err := d.refusal(""); err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return change.Failf(change.KindConfiguration, "make the run directory: %w", err).WithHint("set PATCHBAY_RUN_DIR")
	}
	for _, name := range documents {
		if err := os.Remove(filepath.Join(string(d), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return change.Failf(change.KindConfiguration, "empty the run directory: %w", err)
		}
	}
	return nil
}

// refusal says why the directory, or a document in it, is not used. It usually
// lies in a checkout, and what a candidate commits there under its name must
// not lead a step elsewhere: a link is not followed, a pipe not waited for.
func (d RunDir) refusal(name string) error {
	dir := filepath.Clean(string(d)) // a slash at its end would follow a link
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return notOurs("the run directory %s is no directory, or a link to one", dir)
	}
	if name == "" {
		return nil
	}
	if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && !info.Mode().IsRegular() {
		return notOurs("%s in the run directory is no regular file", name)
	}
	return nil
}

func notOurs(format string, args ...any) error {
	return change.Failf(change.KindConfiguration, format, args...).
		WithHint("set PATCHBAY_RUN_DIR to a directory that only the pipeline writes to, outside of the checkout")
}

// documents are the files that one run leaves.
var documents = []string{
	"get-changes.json", "create-temp-db.json", "apply-changelog.json", "report-verified.json",
	"schema-base.json", "schema.json", "diff.json",
}

// write replaces a document atomically: readers see the old or the new one.
func (d RunDir) write(name string, doc any) (err error) {
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	if err := d.refusal(name); err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("make the run directory: %w", err)
	}
	file, err := os.CreateTemp(string(d), "."+name+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(file.Name(), filepath.Join(string(d), name))
}

// documentLimit bounds what a reader takes into memory.
const documentLimit = 64 << 20

// Read reads a document that an earlier step of this run left: nil when there
// is none. One of another patch set, or of another attempt where the attempt
// is known, is refused: it was left by another run.
func Read[T any, R interface {
	*T
	change.Result
}](d RunDir, name string, p change.PatchSet, attempt string) (R, error) {
	if err := d.refusal(name); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(string(d), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // absent is an answer of its own
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", name, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, documentLimit))
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "read %s: %w", name, err)
	}
	return decode[T, R](text, name, p, attempt)
}

// Require is Read for the result of a step that must have run before.
func Require[T any, R interface {
	*T
	change.Result
}](d RunDir, step string, p change.PatchSet, attempt string) (R, error) {
	result, err := Read[T, R](d, step+".json", p, attempt)
	if err == nil && result == nil {
		err = change.Failf(change.KindConfiguration, "%s.json is missing", step).
			WithHint("run %s first, with the same run directory", step)
	}
	return result, err
}

func decode[T any, R interface {
	*T
	change.Result
}](text []byte, name string, p change.PatchSet, attempt string) (R, error) {
	result := R(new(T))
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(result)
	if _, end := decoder.Token(); err == nil && !errors.Is(end, io.EOF) {
		err = errors.New("something follows the document")
	}
	if err != nil {
		return nil, change.Failf(change.KindConfiguration, "%s is not a result of this version: %w", name, err).
			WithHint("begin again with get-changes")
	}
	head := result.Head()
	if head.FormatVersion != change.FormatVersion || head.PatchSet != p || attempt != "" && head.Attempt != attempt {
		return nil, change.Failf(change.KindConfiguration, "%s is of another run (%s, attempt %q)", name, head.PatchSet, head.Attempt).
			WithHint("begin again with get-changes, in a run directory of its own")
	}
	return result, nil
}
