package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lockFile     = ".lock"
	lockPatience = 30 * time.Second // a model is written to a slow SD card in less
	lockInterval = 20 * time.Millisecond
)

// errLocked: another process writes.
var errLocked = errors.New("another process writes to it")

// lock makes this goroutine the only one, of all processes, that writes to the
// store, and returns what ends that. The kernel ends it too when the process dies.
func (s *Store) lock() (unlock func(), err error) {
	for until := time.Now().Add(lockPatience); ; time.Sleep(lockInterval) {
		unlock, err = s.tryLock()
		if !errors.Is(err, errLocked) || time.Now().After(until) {
			return unlock, err
		}
	}
}

func (s *Store) tryLock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, lockFile), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	// A lock belongs to the open file, so it keeps goroutines apart as well.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, fmt.Errorf("model store %s: %w", s.dir, err)
	}
	return func() { f.Close() }, nil
}
