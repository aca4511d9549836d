package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Add keeps a model, and files that belong to it by their names: reports, or a
// sidecar. It does not activate it. When it fails, nothing was added.
func (s *Store) Add(model []byte, m Meta, files map[string][]byte) (Version, error) {
	if len(model) == 0 {
		return Version{}, errors.New("model store: the model is empty")
	}
	if m.Created.IsZero() {
		m.Created = s.Now()
	}
	m.Created = m.Created.UTC().Truncate(time.Second)
	all := map[string][]byte{ModelFile: model}
	m.Files = map[string]string{ModelFile: hash(model)}
	for name, b := range files {
		if err := checkName(name); err != nil {
			return Version{}, fmt.Errorf("model store: %w", err)
		}
		all[name], m.Files[name] = b, hash(b)
	}
	if err := s.makeFolder(s.dir); err != nil {
		return Version{}, fmt.Errorf("model store: %w", err)
	}
	unlock, err := s.lock()
	if err != nil {
		return Version{}, err
	}
	defer unlock()
	s.sweep() // room for the new one
	if m.ID, err = s.freeID(newID(m.Created, m.Files[ModelFile])); err != nil {
		return Version{}, err
	}
	if all[metaFile], err = json.MarshalIndent(m, "", "  "); err != nil {
		return Version{}, fmt.Errorf("model store: %w", err)
	}
	if err := s.addFiles(m.ID, all); err != nil {
		return Version{}, fmt.Errorf("model store %s: the model can't be kept: %w", s.dir, err)
	}
	return readVersion(filepath.Join(s.dir, m.ID)), nil
}

// makeFolder makes the store's folder, and those above it, durably.
func (s *Store) makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if err := s.makeFolder(above); err != nil {
		return err
	}
	if err := s.disk.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.disk.syncDir(above)
}

// freeID adds a number to an id that is taken.
func (s *Store) freeID(id string) (string, error) {
	for n, free := 2, id; ; n++ {
		if _, err := os.Lstat(filepath.Join(s.dir, free)); errors.Is(err, fs.ErrNotExist) {
			return free, nil
		}
		if free = fmt.Sprintf("%s-%d", id, n); n > 999 {
			return "", fmt.Errorf("model store %s: the model %s is there a thousand times", s.dir, id)
		}
	}
}

// addFiles makes a folder beside, durable in itself, and then gives it its name.
func (s *Store) addFiles(id string, files map[string][]byte) (err error) {
	temp := s.temporary(newPrefix)
	if err := s.disk.mkdir(temp); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = s.disk.removeAll(temp) // or it is swept later
		}
	}()
	for _, name := range slices.Sorted(keys(files)) {
		if err := s.disk.write(filepath.Join(temp, name), files[name]); err != nil {
			return err
		}
	}
	if err := s.disk.syncDir(temp); err != nil {
		return err
	}
	if err := s.disk.rename(temp, filepath.Join(s.dir, id)); err != nil {
		return err
	}
	return s.disk.syncDir(s.dir)
}

func (s *Store) temporary(prefix string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s%016x", prefix, rand.Uint64()))
}

// Remove deletes a version, unless it is the active one or the one that was chosen.
func (s *Store) Remove(id string) (Version, error) {
	v, err := s.Find(id)
	if err != nil {
		return Version{}, err
	}
	unlock, err := s.lock()
	if err != nil {
		return Version{}, err
	}
	defer unlock()
	active, err := s.Active()
	if err != nil && !errors.Is(err, ErrNoneActive) {
		return Version{}, err
	}
	if v.ID == active.ID || v.ID == active.Chosen {
		return Version{}, fmt.Errorf("model %s is active; choose another one first with `passfail models use`", v.ID)
	}
	// A folder can't vanish in one step, a name can.
	temp := s.temporary(oldPrefix)
	if err = s.disk.rename(v.Dir, temp); err == nil {
		if err = s.disk.syncDir(s.dir); err == nil {
			err = s.disk.removeAll(temp)
		}
	}
	if err != nil {
		return Version{}, fmt.Errorf("model store %s: %w", s.dir, err)
	}
	return v, nil
}
