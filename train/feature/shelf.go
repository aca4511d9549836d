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
	"time"

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

	// shelfMagic begins the file: nothing else is written to, or removed.
	shelfMagic = "passfail shelf 1\n"
)

// ShelfSuffix is how the names of shelves' files end.
const ShelfSuffix = ".shelf"

var errNoShelf = errors.New("is there already and is no feature cache")

// OpenShelf opens the file, or begins it, for records of size bytes. A file that
// another process has open is left to it: this one gets a shelf of its own that
// is gone when it is closed. So it is with path "".
func OpenShelf(path string, size int) (*Shelf, error) {
	s := &Shelf{size: size, at: map[Key]int64{}, taken: make([]byte, keyBytes+size+checksumBytes)}
	dir := scratchDir()
	if path != "" {
		err := s.open(path)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("feature cache: %w; name another folder with --cache, or none", err)
		}
		dir = filepath.Dir(path)
	}
	var err error
	if s.file, err = os.CreateTemp(dir, "passfail-features-*"); err != nil {
		return nil, fmt.Errorf("feature cache: %w; the variable TMPDIR can name another folder", err)
	}
	if err := os.Remove(s.file.Name()); err != nil { // the open file stays
		s.file.Close()
		return nil, fmt.Errorf("feature cache: %w", err)
	}
	return s, nil
}

// scratchDir is where what may be large lies for a while: not in /tmp, which is
// memory on many systems, unless somebody wants it so.
func scratchDir() string {
	const disk = "/var/tmp"
	if info, err := os.Stat(disk); os.Getenv("TMPDIR") == "" && err == nil && info.IsDir() {
		return disk
	}
	return os.TempDir()
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
	if err := s.read(f); err != nil {
		f.Close()
		return err
	}
	s.file = f
	// When it was used last is what Prune goes by.
	now := time.Now()
	return os.Chtimes(path, now, now)
}

// read finds the records of a file that was opened, and makes it end with the last
// good one.
func (s *Shelf) read(f *os.File) error {
	r := bufio.NewReaderSize(f, 1<<20)
	magic := make([]byte, len(shelfMagic))
	n, err := io.ReadFull(r, magic)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if string(magic[:n]) != shelfMagic[:n] {
		return fmt.Errorf("%s: %w", f.Name(), errNoShelf)
	}
	if n < len(shelfMagic) { // new, or cut off by a power cut
		if _, err := f.WriteAt([]byte(shelfMagic), 0); err != nil {
			return err
		}
	}
	s.end = int64(len(shelfMagic))
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
