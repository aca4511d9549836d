package feature

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-1000 * time.Hour)
	at := func(name string) string { return filepath.Join(dir, name) }
	shelf := func(name string, age int) *Shelf {
		s, err := OpenShelf(at(name), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(Key{}, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		used := long.Add(-time.Duration(age) * time.Hour)
		if err := os.Chtimes(at(name), used, used); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for i, name := range []string{"new.shelf", "old.shelf", "oldest.shelf"} {
		if err := shelf(name, i).Close(); err != nil {
			t.Fatal(err)
		}
	}
	inUse := shelf("in use.shelf", 10)
	defer inUse.Close()
	for _, name := range []string{"letter.txt", "foreign.shelf"} {
		if err := os.WriteFile(at(name), make([]byte, 1000), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(at(name), long, long.Add(-99*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	left := func() string {
		list := ""
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			list += e.Name() + "; "
		}
		return list
	}
	for _, c := range []struct {
		most int64
		want string
	}{
		{1 << 20, "foreign.shelf; in use.shelf; letter.txt; new.shelf; old.shelf; oldest.shelf; "},
		{4400, "foreign.shelf; in use.shelf; letter.txt; new.shelf; old.shelf; "},
		{0, "foreign.shelf; in use.shelf; letter.txt; "},
	} {
		if err := Prune(dir, c.most); err != nil {
			t.Fatal(err)
		}
		if got := left(); got != c.want {
			t.Errorf("%d bytes at most: %s are left", c.most, got)
		}
	}
	if ok, err := inUse.Get(Key{}, make([]byte, 1000)); !ok || err != nil {
		t.Errorf("the shelf in use lost its record: %v", err)
	}
	if err := Prune(at("nowhere"), 0); err != nil {
		t.Error(err)
	}
}

// Opening a shelf is a use of it.
func TestShelfUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.shelf")
	long := time.Now().Add(-1000 * time.Hour)
	for range 2 {
		s, err := OpenShelf(path, 8)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(info.ModTime()) > time.Hour {
			t.Error("an opened shelf counts as unused")
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that somebody else wrote is not overwritten.
func TestShelfForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "looks.shelf")
	const text = "how my grandmother looks, in many words"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := OpenShelf(path, 8); err == nil {
		s.Close()
		t.Error("opened")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != text {
		t.Errorf("it holds %q now: %v", b, err)
	}
}
