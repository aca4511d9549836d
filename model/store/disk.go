package store

import (
	"errors"
	"os"
	"syscall"
)

// disk is what a store does to its folder, step by step, so that a test can cut
// the power between any two of them.
type disk interface {
	mkdir(path string) error              // durable after syncDir of its parent
	write(path string, data []byte) error // a new file; its content is durable, its name after syncDir
	syncDir(path string) error            // makes the names in a folder durable
	rename(from, to string) error         // atomic; durable after syncDir
	removeAll(path string) error          // of a file or folder
}

// osDisk is the real one.
type osDisk struct{}

func (osDisk) mkdir(path string) error { return os.Mkdir(path, 0o755) }

func (osDisk) write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (osDisk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil // a file system that can't, such as some network shares
	}
	return errors.Join(err, f.Close())
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) removeAll(path string) error { return os.RemoveAll(path) }
