package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Store is a folder of versions. Any goroutine may use it.
type Store struct {
	// Now dates what is added and activated. Open sets it to time.Now; to set
	// another is for whoever opens the store, before anything else.
	Now func() time.Time

	dir  string
	disk disk
}

// Open opens the store in a folder, which need not be there yet: then it has no
// versions. What an interrupted process left half-made is removed, unless
// another process is writing just now or this one may not write.
func Open(dir string) (*Store, error) { return open(dir, osDisk{}) }

func open(dir string, d disk) (*Store, error) {
	s := &Store{Now: time.Now, dir: dir, disk: d}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("model store: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("model store %s: this is a file; a folder is needed", dir)
	}
	unlock, err := s.tryLock()
	if err != nil {
		return s, nil // it can be read all the same
	}
	defer unlock()
	s.sweep()
	return s, nil
}

// Dir is the store's folder.
func (s *Store) Dir() string { return s.dir }

// Names that are swept begin with these.
const (
	newPrefix = ".new-" // being made
	oldPrefix = ".old-" // being removed
)

// sweep removes what was left half-made; the lock is held. What can't be removed
// stays, and does no harm but for its size.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if n := e.Name(); strings.HasPrefix(n, newPrefix) || strings.HasPrefix(n, oldPrefix) {
			_ = s.disk.removeAll(filepath.Join(s.dir, n))
		}
	}
}

// List returns all versions, the newest first. Damaged ones are among them, with
// the reason.
func (s *Store) List() ([]Version, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	var list []Version
	for _, e := range entries {
		if !e.IsDir() || !idPattern.MatchString(e.Name()) {
			continue
		}
		v := readVersion(filepath.Join(s.dir, e.Name()))
		if _, err := os.Stat(v.Dir); errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		list = append(list, v)
	}
	slices.SortFunc(list, newestFirst)
	return list, nil
}

// Find returns the version with an id, or with the only id, or the only hash in
// an id, that begins so.
func (s *Store) Find(id string) (Version, error) {
	list, err := s.List()
	if err != nil {
		return Version{}, err
	}
	var found []Version
	for _, v := range list {
		if v.ID == id {
			return v, nil
		}
		if id != "" && (strings.HasPrefix(v.ID, id) || strings.HasPrefix(v.ID[len(idTime)+1:], id)) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Version{}, fmt.Errorf("model store %s: %w: %q; `passfail models` lists those there are", s.dir, ErrNotFound, id)
	}
	var ids []string
	for _, v := range found {
		ids = append(ids, v.ID)
	}
	return Version{}, fmt.Errorf("model store %s: %q may be any of %s; write more of it", s.dir, id, strings.Join(ids, ", "))
}
