package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// day is when the tests' versions were made.
var day = time.Date(2026, 11, 24, 23, 15, 2, 0, time.UTC)

// add keeps a model of these bytes, minutes after day.
func add(t testing.TB, s *Store, model string, minutes int) Version {
	t.Helper()
	v, err := s.Add([]byte(model), Meta{Created: day.Add(time.Duration(minutes) * time.Minute), Comment: model},
		map[string][]byte{ReportJSON: []byte("{}"), ReportHTML: []byte("<p>" + model)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func use(t testing.TB, s *Store, id string) {
	t.Helper()
	if _, err := s.Use(id); err != nil {
		t.Fatal(err)
	}
}

// active is the id of the active version; a fault is an error.
func active(t testing.TB, s *Store) string {
	t.Helper()
	a, err := s.Active()
	if err := errors.Join(err, a.Fault); err != nil {
		t.Fatal(err)
	}
	return a.ID
}

// wantError checks that an error names what it is about.
func wantError(t testing.TB, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", texts)
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q, want %q in it", err, s)
		}
	}
}

// damage changes a byte of a file.
func damage(t testing.TB, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// leftovers are the store's temporary names that are still there.
func leftovers(t testing.TB, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, p := range list {
		if filepath.Base(p) != lockFile {
			left = append(left, p)
		}
	}
	return left
}
