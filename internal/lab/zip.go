package lab

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
)

// extract copies one member of a zip or jar to a file.
func extract(archive, member, target string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open %s: %w", archive, err)
	}
	defer reader.Close()
	in, err := reader.Open(member)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", member, archive, err)
	}
	defer in.Close()
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("extract %s: %w", member, err)
	}
	return out.Close()
}
