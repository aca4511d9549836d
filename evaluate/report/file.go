package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile lets write fill a file beside path and then puts it there, so that
// no one ever finds half of it and an error leaves what was there.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("file %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // it is gone after the renaming
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("file %s: %w", path, err)
	}
	return nil
}
