package history

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sync is one wait for any number of pictures.
func (systemDisk) sync(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("history: the disk of %s does not take what is written: %w", dir, err)
	}
	return nil
}

func (systemDisk) free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("history: the free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}
