package repo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// blobs reads files' contents through one git cat-file --batch.
type blobs struct {
	cmd    process
	cancel context.CancelFunc
	in     io.WriteCloser
	out    *bufio.Reader
}

func (r *Repo) openBlobs(ctx context.Context) (*blobs, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := r.git(ctx, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("read objects: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, explain(cmd, err, "")
	}
	return &blobs{cmd, cancel, in, bufio.NewReader(out)}, nil
}

// copy writes one file's content. After an error the rest of the answer is
// unread: only close may follow.
func (b *blobs) copy(w io.Writer, e entry) error {
	err := b.answer(w, e)
	if b.cmd.ctx.Err() != nil {
		err = b.cmd.ctx.Err() // not the broken pipe that came of it
	}
	if err != nil {
		return fmt.Errorf("read object %s: %w", e.id, err)
	}
	return nil
}

func (b *blobs) answer(w io.Writer, e entry) error {
	if _, err := fmt.Fprintln(b.in, e.id); err != nil {
		return err
	}
	header, err := b.out.ReadString('\n')
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%s blob %d", e.id, e.size); strings.TrimSpace(header) != want {
		return fmt.Errorf("git answers %q", strings.TrimSpace(header))
	}
	if _, err := io.CopyN(w, b.out, e.size); err != nil {
		return err
	}
	_, err = b.out.Discard(1) // the line end after the content
	return err
}

// close ends git. Nothing it could still say matters: every answer was
// compared with the size that the tree has.
func (b *blobs) close() {
	_ = b.in.Close() // may be broken already
	b.cancel()
	_ = b.cmd.Wait()
}
