package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

const (
	activeFile  = "active"
	maxActive   = 1 << 20 // bytes
	keptHistory = 200     // activations
)

// ErrNoneActive says that no version was ever activated, or that none of those that were can be used.
var ErrNoneActive = errors.New("no model is active")

// Activation is a line of the store's history.
type Activation struct {
	Time     time.Time
	ID       string
	Rollback bool // back to ID, which was active before
}

// How an activation came about, in the file.
const (
	wordUse      = "use"
	wordRollback = "rollback"
)

func (a Activation) String() string {
	word := wordUse
	if a.Rollback {
		word = wordRollback
	}
	return a.Time.UTC().Format(time.RFC3339) + " " + word + " " + a.ID
}

// parseHistory reads the file active. Lines that are none are left out and
// counted: the activations before them are still worth having.
func parseHistory(text string) (list []Activation, damaged int) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 || !strings.HasSuffix(line, "\n") || f[1] != wordUse && f[1] != wordRollback || !idPattern.MatchString(f[2]) {
			damaged++
			continue
		}
		t, err := time.Parse(time.RFC3339, f[0])
		if err != nil {
			damaged++
			continue
		}
		list = append(list, Activation{t, f[2], f[1] == wordRollback})
	}
	return list, damaged
}

// stack is what a history leads to: the chosen version last, before it what it
// was chosen after. A rollback takes off what it goes back from.
func stack(history []Activation) []string {
	var ids []string
	for _, a := range history {
		if a.Rollback {
			for i := len(ids) - 1; i >= 0; i-- {
				if ids[i] == a.ID {
					ids = ids[:i]
					break
				}
			}
		}
		if n := len(ids); n == 0 || ids[n-1] != a.ID {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// History returns the activations, the oldest first. The error, if the file is
// damaged, comes with what could be read of it.
func (s *Store) History() ([]Activation, error) {
	path := filepath.Join(s.dir, activeFile)
	b, err := readSmall(path, maxActive)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	list, damaged := parseHistory(string(b))
	if damaged > 0 {
		err = fmt.Errorf("%s is damaged: %d of its lines can't be read; `passfail models use` writes it anew", path, damaged)
	}
	return list, err
}

// Chosen returns the id of the version that was activated last, "" if none was.
// It only reads a small file: it may be asked every second.
func (s *Store) Chosen() (string, error) {
	history, err := s.History()
	if ids := stack(history); len(ids) > 0 {
		return ids[len(ids)-1], nil
	}
	return "", err
}

// Candidates returns the versions to judge with, the chosen one first and then
// those that rollback would give, without looking whether their files are whole.
// Those that were removed are left out, the chosen one is not. Versions that
// nobody ever activated are never among them.
func (s *Store) Candidates() ([]Version, error) {
	history, err := s.History()
	var list []Version
	seen := map[string]bool{}
	ids := stack(history)
	for i := len(ids) - 1; i >= 0; i-- {
		if seen[ids[i]] {
			continue
		}
		seen[ids[i]] = true
		v := readVersion(filepath.Join(s.dir, ids[i]))
		if v.Damaged == nil || i == len(ids)-1 {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return nil, errors.Join(s.noneActive(), err)
	}
	return list, nil
}

func (s *Store) noneActive() error {
	return fmt.Errorf("model store %s: %w; `passfail models add FILE` keeps one, `passfail models use ID` activates it", s.dir, ErrNoneActive)
}

// Active is the version that a store's station judges with.
type Active struct {
	Version
	Chosen string // the id of the version that was activated last
	Fault  error  // why that one can't be used, and Version is an earlier one; nil if it is the chosen one
}

// Active returns the version that was activated last. If its files are damaged
// or gone, it is the last one before it that is whole, and Fault says so.
func (s *Store) Active() (Active, error) {
	list, err := s.Candidates()
	if err != nil {
		return Active{}, err
	}
	a := Active{Chosen: list[0].ID}
	for _, v := range list {
		err := v.Check()
		if err == nil {
			a.Version = v
			return a, nil
		}
		a.Fault = errors.Join(a.Fault, err)
	}
	return a, fmt.Errorf("%w\n%w", s.noneActive(), a.Fault)
}

// Use activates a version whose files are whole. When it returns, the choice
// outlasts a power cut.
func (s *Store) Use(id string) (Version, error) {
	v, err := s.Find(id)
	if err != nil {
		return Version{}, err
	}
	unlock, err := s.lock()
	if err != nil {
		return Version{}, err
	}
	defer unlock()
	if err := v.Check(); err != nil {
		return Version{}, err
	}
	return v, s.activate(Activation{ID: v.ID})
}

// Rollback activates the version that was active before the present one and is
// still whole. Once more goes back further.
func (s *Store) Rollback() (Version, error) {
	unlock, err := s.lock()
	if err != nil {
		return Version{}, err
	}
	defer unlock()
	list, err := s.Candidates()
	if err != nil {
		return Version{}, err
	}
	for _, v := range list[1:] {
		if v.Check() == nil {
			return v, s.activate(Activation{ID: v.ID, Rollback: true})
		}
	}
	return Version{}, fmt.Errorf("model store %s: no model was active before %s that is still there and whole", s.dir, list[0].ID)
}

// activate adds a line to the history; the lock is held.
func (s *Store) activate(a Activation) error {
	history, err := s.History()
	if ids := stack(history); err == nil && len(ids) > 0 && ids[len(ids)-1] == a.ID {
		return nil // as it is
	}
	a.Time = s.Now()
	history = append(history, a)
	var text strings.Builder
	for _, a := range history[max(0, len(history)-keptHistory):] {
		fmt.Fprintln(&text, a)
	}
	temp := s.temporary(newPrefix)
	err = s.disk.write(temp, []byte(text.String()))
	if err == nil {
		err = s.disk.rename(temp, filepath.Join(s.dir, activeFile))
	}
	if err != nil {
		_ = s.disk.removeAll(temp)
		return fmt.Errorf("model store %s: model %s can't be made the active one: %w", s.dir, a.ID, err)
	}
	if err := s.disk.syncDir(s.dir); err != nil {
		return fmt.Errorf("model store %s: model %s is active, but may not be after a power cut: %w", s.dir, a.ID, err)
	}
	return nil
}
