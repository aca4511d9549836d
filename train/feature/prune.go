package feature

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Prune removes shelves from a folder, those first that were not used for
// longest, until no more than most bytes are left. Shelves that a process has
// open stay, and so does all that is no shelf. A folder that is not there is
// no error.
func Prune(dir string, most int64) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("feature cache: %w", err)
	}
	type shelf struct {
		path  string
		bytes int64
		used  time.Time
	}
	var shelves []shelf
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(e.Name(), ShelfSuffix) {
			continue // gone already, or nothing of ours
		}
		shelves = append(shelves, shelf{filepath.Join(dir, e.Name()), info.Size(), info.ModTime()})
		total += info.Size()
	}
	slices.SortFunc(shelves, func(a, b shelf) int {
		return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path))
	})
	var errs []error
	for _, s := range shelves {
		if total <= most {
			break
		}
		removed, err := removeShelf(s.path)
		if err != nil {
			errs = append(errs, fmt.Errorf("feature cache: %w", err))
		}
		if removed {
			total -= s.bytes
		}
	}
	return errors.Join(errs...)
}

// removeShelf removes a shelf's file, unless it is in use or something else.
func removeShelf(path string) (removed bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // another process was quicker
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return false, err
	}
	magic := make([]byte, len(shelfMagic))
	if n, _ := io.ReadFull(f, magic); string(magic[:n]) != shelfMagic[:n] {
		return false, nil
	}
	return true, os.Remove(path)
}
