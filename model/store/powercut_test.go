package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// step is something that a store did to its disk.
type step struct {
	what     string // mkdir, write, content, sync, rename, remove
	path, to string
	data     []byte
}

// recorder is the real disk, and writes down what is done to it.
type recorder struct {
	osDisk
	steps []step
}

func (r *recorder) mkdir(path string) error {
	r.steps = append(r.steps, step{what: "mkdir", path: path})
	return r.osDisk.mkdir(path)
}

func (r *recorder) write(path string, data []byte) error {
	r.steps = append(r.steps, step{what: "write", path: path, data: data}, step{what: "content", path: path})
	return r.osDisk.write(path, data)
}

func (r *recorder) syncDir(path string) error {
	r.steps = append(r.steps, step{what: "sync", path: path})
	return r.osDisk.syncDir(path)
}

func (r *recorder) rename(from, to string) error {
	r.steps = append(r.steps, step{what: "rename", path: from, to: to})
	return r.osDisk.rename(from, to)
}

func (r *recorder) removeAll(path string) error {
	r.steps = append(r.steps, step{what: "remove", path: path})
	return r.osDisk.removeAll(path)
}

// inode is a file or folder on the simulated disk.
type inode struct {
	data    []byte
	unsure  bool // data may be there, in part or not at all, after a power cut
	names   map[string]*inode
	durable map[string]*inode
	pending []func(map[string]*inode) // changes of names that are not durable yet
}

func (n *inode) change(f func(map[string]*inode)) {
	f(n.names)
	n.pending = append(n.pending, f)
}

// load reads a real folder as what is durable at the start.
func load(t testing.TB, path string) *inode {
	t.Helper()
	n := &inode{names: map[string]*inode{}, durable: map[string]*inode{}}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		child := &inode{}
		if p := filepath.Join(path, e.Name()); e.IsDir() {
			child = load(t, p)
		} else if child.data, err = os.ReadFile(p); err != nil {
			t.Fatal(err)
		}
		n.names[e.Name()], n.durable[e.Name()] = child, child
	}
	return n
}

// find returns the folder that a path below root lies in, and its name there.
func (n *inode) find(t testing.TB, root, path string) (*inode, string) {
	t.Helper()
	rel, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(rel, "/")
	for _, p := range parts[:len(parts)-1] {
		n = n.names[p]
	}
	return n, parts[len(parts)-1]
}

func (n *inode) do(t testing.TB, root string, s step) {
	t.Helper()
	dir, name := n.find(t, root, s.path)
	switch s.what {
	case "mkdir":
		made := &inode{names: map[string]*inode{}, durable: map[string]*inode{}}
		dir.change(func(m map[string]*inode) { m[name] = made })
	case "write":
		made := &inode{data: s.data, unsure: true}
		dir.change(func(m map[string]*inode) { m[name] = made })
	case "content":
		dir.names[name].unsure = false
	case "rename":
		moved, to := dir.names[name], filepath.Base(s.to)
		dir.change(func(m map[string]*inode) { delete(m, name); m[to] = moved })
	case "remove":
		if gone := dir.names[name]; gone != nil && gone.names != nil {
			for _, inside := range slices.Sorted(maps.Keys(gone.names)) {
				gone.change(func(m map[string]*inode) { delete(m, inside) })
			}
		}
		dir.change(func(m map[string]*inode) { delete(m, name) })
	case "sync":
		target := dir
		if s.path != root {
			target = dir.names[name]
		}
		target.durable, target.pending = maps.Clone(target.names), nil
	}
}

// fate decides what a power cut leaves, and goes through all that it can.
type fate struct {
	digits, limits []int
	at             int
}

func (f *fate) choose(n int) int {
	if f.at == len(f.digits) {
		f.digits, f.limits = append(f.digits, 0), append(f.limits, n)
	}
	f.at++
	return f.digits[f.at-1]
}

func (f *fate) next() bool {
	f.at = 0
	for n := len(f.digits); n > 0; n-- {
		if f.digits[n-1]++; f.digits[n-1] < f.limits[n-1] {
			return true
		}
		f.digits, f.limits = f.digits[:n-1], f.limits[:n-1]
	}
	return false
}

// survive writes to a real folder what is left of n: of the pending changes the
// first few, or all but one of them.
func (n *inode) survive(t testing.TB, path string, f *fate) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	names := maps.Clone(n.durable)
	if k := len(n.pending); k > 0 {
		c := f.choose(2 * k)
		for i, change := range n.pending {
			if c <= k && i < c || c > k && i != c-k-1 {
				change(names)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		child, p := names[name], filepath.Join(path, name)
		if child == nil {
			continue // renamed, but never there
		}
		if child.names != nil {
			child.survive(t, p, f)
			continue
		}
		data := child.data
		if child.unsure {
			data = data[:len(data)*f.choose(3)/2]
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// powerCuts calls check with every folder that a power cut can leave while act
// works on a store, whose folder prepare has filled. With done, act had returned.
func powerCuts(t *testing.T, prepare func(*Store), act func(*Store) error, forget string, check func(dir string, done bool)) int {
	root := t.TempDir()
	dir := filepath.Join(root, "models")
	prepare(openStore(t, dir))
	before := filepath.Join(t.TempDir(), "before")
	if err := os.CopyFS(before, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	s, err := open(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := act(s); err != nil {
		t.Fatal(err)
	}
	r.steps = slices.DeleteFunc(r.steps, func(s step) bool { return s.what == forget })
	cuts := 0
	for k := range len(r.steps) + 1 {
		for f := new(fate); ; {
			n := load(t, before)
			for _, st := range r.steps[:k] {
				n.do(t, root, st)
			}
			left := filepath.Join(t.TempDir(), fmt.Sprint(cuts))
			n.survive(t, left, f)
			check(filepath.Join(left, "models"), k == len(r.steps))
			cuts++
			if !f.next() {
				break
			}
		}
	}
	return cuts
}

// deed is something that is done to a store, and what it may look like after.
type deed struct {
	name    string
	prepare func(testing.TB, *Store)
	act     func(*Store) error
	before  string // comment of the active model; "": none is
	after   string
}

func deeds() []deed {
	two := func(t testing.TB, s *Store) {
		add(t, s, "second", 2)
		use(t, s, add(t, s, "first", 1).ID)
	}
	return []deed{
		{"the first model", func(testing.TB, *Store) {}, func(s *Store) error {
			v, err := s.Add([]byte("new"), Meta{Created: day, Comment: "new"}, map[string][]byte{ReportJSON: []byte("{}")})
			if err == nil {
				_, err = s.Use(v.ID)
			}
			return err
		}, "", "new"},
		{"add", two, func(s *Store) error {
			_, err := s.Add([]byte("new"), Meta{Created: day, Comment: "new"}, map[string][]byte{ReportJSON: []byte("{}")})
			return err
		}, "first", "first"},
		{"use", two, func(s *Store) error { _, err := s.Use(newID(day.Add(2*60e9), hash([]byte("second")))); return err }, "first", "second"},
		{"rollback", func(t testing.TB, s *Store) {
			two(t, s)
			use(t, s, newID(day.Add(2*60e9), hash([]byte("second"))))
		}, func(s *Store) error { _, err := s.Rollback(); return err }, "second", "first"},
		{"remove", two, func(s *Store) error {
			_, err := s.Remove(newID(day.Add(2*60e9), hash([]byte("second"))))
			return err
		}, "first", "first"},
	}
}

// state looks at a store as a station does after a power cut. The error is of
// what must never be.
func state(t testing.TB, dir string) (comment string, err error) {
	t.Helper()
	s := openStore(t, dir)
	list, err := s.List()
	if err != nil {
		return "", err
	}
	for _, v := range list {
		if err := v.Check(); err != nil {
			return "", fmt.Errorf("a half-made version is listed: %w", err)
		}
	}
	if left := leftovers(t, dir); len(left) > 0 {
		return "", fmt.Errorf("not swept: %q", left)
	}
	a, err := s.Active()
	if errors.Is(err, ErrNoneActive) && a.Chosen == "" {
		return "", nil
	}
	return a.Comment, errors.Join(err, a.Fault)
}

// Whatever a power cut leaves, the old model is active or the new one.
func TestPowerCut(t *testing.T) {
	for _, d := range deeds() {
		t.Run(d.name, func(t *testing.T) {
			cuts := powerCuts(t, func(s *Store) { d.prepare(t, s) }, d.act, "", func(dir string, done bool) {
				got, err := state(t, dir)
				if err != nil {
					t.Error(err)
				}
				if got != d.after && (done || got != d.before) {
					t.Errorf("%q is active, want %q, or %q before the end", got, d.after, d.before)
				}
			})
			if cuts < 5 {
				t.Errorf("only %d power cuts", cuts)
			}
			t.Logf("%d power cuts", cuts)
		})
	}
}

// The simulation notices if something is not made durable, and when.
func TestPowerCutNotices(t *testing.T) {
	for _, forget := range []string{"sync", "content"} {
		wrong := 0
		for _, d := range deeds()[2:4] { // use and rollback
			powerCuts(t, func(s *Store) { d.prepare(t, s) }, d.act, forget, func(dir string, done bool) {
				got, err := state(t, dir)
				if err != nil || got != d.after && (done || got != d.before) {
					wrong++
				}
			})
		}
		if wrong == 0 {
			t.Errorf("without %s nothing is wrong", forget)
		}
	}
}

// full is a disk without room from its nth step on.
type full struct {
	osDisk
	steps int // that still work
}

func (f *full) room() error {
	if f.steps--; f.steps < 0 {
		return syscall.ENOSPC
	}
	return nil
}

func (f *full) mkdir(path string) error {
	if err := f.room(); err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return f.osDisk.mkdir(path)
}

func (f *full) write(path string, data []byte) error {
	if err := f.room(); err != nil {
		// What fits is there.
		return errors.Join(f.osDisk.write(path, data[:len(data)/2]), &fs.PathError{Op: "write", Path: path, Err: err})
	}
	return f.osDisk.write(path, data)
}

func (f *full) syncDir(path string) error {
	if err := f.room(); err != nil {
		return &fs.PathError{Op: "sync", Path: path, Err: err}
	}
	return f.osDisk.syncDir(path)
}

func (f *full) rename(from, to string) error {
	if err := f.room(); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return f.osDisk.rename(from, to)
}

// A full disk, wherever that is noticed, loses nothing.
func TestDiskFull(t *testing.T) {
	for _, d := range deeds() {
		t.Run(d.name, func(t *testing.T) {
			for n := 0; ; n++ {
				dir := filepath.Join(t.TempDir(), "models")
				d.prepare(t, openStore(t, dir))
				s, err := open(dir, &full{steps: n})
				if err != nil {
					t.Fatal(err)
				}
				err = d.act(s)
				if err == nil {
					if n < 2 {
						t.Errorf("done in %d steps", n)
					}
					return
				}
				if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "model store") {
					t.Errorf("after %d steps: %v", n, err)
				}
				got, err := state(t, dir)
				if err != nil || got != d.before && got != d.after {
					t.Errorf("after %d steps %q is active: %v", n, got, err)
				}
				// With room again it works.
				if got != d.after || d.name == "the first model" {
					if err := d.act(openStore(t, dir)); err != nil {
						t.Errorf("after %d steps, with room again: %v", n, err)
					}
				}
			}
		})
	}
}
