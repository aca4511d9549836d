package feature

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Key names a record of a Shelf: a SHA-256 of all that decides what is in it.
type Key [32]byte

// Shelf keeps records of one size in a file, under their keys. Records are only
// ever added; one that a power cut left half-written ends the file when it is
// opened again. Any goroutine may use it.
type Shelf struct {
	mu    sync.Mutex
	file  *os.File
	size  int // of a record's data, bytes
	at    map[Key]int64
	end   int64
	taken []byte // one record with key and checksum
}

const (
	keyBytes      = len(Key{})
	checksumBytes = 4
)

// OpenShelf opens the file, or begins it, for records of size bytes. A file that
// another process has open is left to it: this one gets a shelf of its own that
// is gone when it is closed. So it is with path "".
func OpenShelf(path string, size int) (*Shelf, error) {
	s := &Shelf{size: size, at: map[Key]int64{}, taken: make([]byte, keyBytes+size+checksumBytes)}
	var err error
	if path != "" {
		if err = s.open(path); err == nil {
			return s, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("feature cache: %w", err)
		}
	}
	if s.file, err = os.CreateTemp("", "passfail-features-*"); err != nil {
		return nil, fmt.Errorf("feature cache: %w", err)
	}
	os.Remove(s.file.Name())
	return s, nil
}

func (s *Shelf) open(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return err
	}
	s.file = f
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		if _, err := io.ReadFull(r, s.taken); err != nil {
			break // the end, or a record that was cut off
		}
		body := s.taken[:keyBytes+s.size]
		if binary.LittleEndian.Uint32(s.taken[keyBytes+s.size:]) != crc32.ChecksumIEEE(body) {
			break
		}
		s.at[Key(body[:keyBytes])] = s.end
		s.end += int64(len(s.taken))
	}
	return f.Truncate(s.end)
}

// Get reads the record into dst, which has its size, and tells whether there is
// one.
func (s *Shelf) Get(k Key, dst []byte) (bool, error) {
	s.mu.Lock()
	at, ok := s.at[k]
	s.mu.Unlock()
	if !ok {
		return false, nil
	}
	if _, err := s.file.ReadAt(dst[:s.size], at+int64(keyBytes)); err != nil {
		return false, fmt.Errorf("feature cache %s: %w", s.file.Name(), err)
	}
	return true, nil
}

// Has tells whether there is a record.
func (s *Shelf) Has(k Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.at[k]
	return ok
}

// Put adds a record. One that is there already stays.
func (s *Shelf) Put(k Key, data []byte) error {
	if len(data) != s.size {
		return fmt.Errorf("feature cache: a record of %d bytes where all have %d", len(data), s.size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.at[k]; ok {
		return nil
	}
	copy(s.taken, k[:])
	copy(s.taken[keyBytes:], data)
	binary.LittleEndian.PutUint32(s.taken[keyBytes+s.size:], crc32.ChecksumIEEE(s.taken[:keyBytes+s.size]))
	if _, err := s.file.WriteAt(s.taken, s.end); err != nil {
		return fmt.Errorf("feature cache %s: %w; make room on that disk, or name another place with --cache", s.file.Name(), err)
	}
	s.at[k] = s.end
	s.end += int64(len(s.taken))
	return nil
}

// Close closes the file.
func (s *Shelf) Close() error { return s.file.Close() }
