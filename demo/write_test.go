package demo

import (
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small keeps the tests quick.
var small = Options{Width: 96, Height: 72}

func names(t *testing.T, dir string) []string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var n []string
	for _, f := range files {
		n = append(n, f.Name())
	}
	return n
}

func TestWriteDataset(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var told []string
	o := small
	o.Wrote = func(p string) { told = append(told, p) }
	if err := WriteDataset(t.Context(), dir, 3, 5, o); err != nil {
		t.Fatal(err)
	}
	if len(told) != 12 {
		t.Errorf("told of %d pictures, want 12", len(told))
	}
	for _, c := range Classes() {
		got := names(t, filepath.Join(dir, string(c)))
		if want := []string{"0001.jpg", "0002.jpg", "0003.jpg"}; !slices.Equal(got, want) {
			t.Errorf("%s holds %v", c, got)
		}
	}
	f, err := os.Open(filepath.Join(dir, "chip", "0002.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if cfg, err := jpeg.DecodeConfig(f); err != nil || cfg.Width != 96 || cfg.Height != 72 {
		t.Errorf("the picture reads as %+v (%v)", cfg, err)
	}
	if err := WriteDataset(t.Context(), dir, 3, 6, small); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a second run over the first: %v", err)
	}
}

func TestWriteLine(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, again} {
		if err := WriteLine(t.Context(), d, 24, 9, small); err != nil {
			t.Fatal(err)
		}
	}
	got := names(t, dir) // sorted by name
	if len(got) != 24 {
		t.Fatalf("%d pictures: %v", len(got), got)
	}
	count := map[string]int{}
	for i, n := range got {
		seq, class, ok := strings.Cut(strings.TrimSuffix(n, ".jpg"), "-")
		if !ok || seq != fmt.Sprintf("%03d", i+1) {
			t.Errorf("name %d is %s", i+1, n)
		}
		count[class]++
	}
	if got[0] != "001-good.jpg" {
		t.Errorf("the line begins with %s", got[0])
	}
	if count["good"] != 18 || count["scratch"] != 2 || count["chip"] != 2 || count["missing_hole"] != 2 {
		t.Errorf("the line holds %v", count)
	}
	for _, n := range got {
		a, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(again, n)); err != nil || string(a) != string(b) {
			t.Errorf("%s differs between two runs (%v)", n, err)
		}
	}
}

func TestLineUpOfAnyLength(t *testing.T) {
	for n := 1; n < 60; n++ {
		parts := lineUp(n, uint64(n))
		if len(parts) != n || parts[0] != Good {
			t.Fatalf("a line of %d: %v", n, parts)
		}
		bad := 0
		for _, c := range parts {
			if c != Good {
				bad++
			}
		}
		if want := min(n-1, (n+2)/4); bad != want {
			t.Errorf("a line of %d has %d faulty parts, want %d", n, bad, want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, err := range map[string]error{
		"no pictures":      WriteLine(t.Context(), dir, 0, 1, small),
		"too many":         WriteDataset(t.Context(), dir, MaxPictures+1, 1, small),
		"bad size":         WriteLine(t.Context(), dir, 1, 1, Options{Width: 5, Height: 5}),
		"half a size":      WriteDataset(t.Context(), dir, 1, 1, Options{Width: 640}),
		"bad quality":      WriteLine(t.Context(), dir, 1, 1, Options{Quality: 101}),
		"a file":           WriteLine(t.Context(), file, 1, 1, small),
		"under a file":     WriteDataset(t.Context(), filepath.Join(file, "x"), 1, 1, small),
		"called off":       WriteLine(stopped, dir, 1, 1, small),
		"folder gone":      writeJPEG(filepath.Join(dir, "gone", "a.jpg"), draw(t, Good, 1, 64, 64), 88),
		"name is a folder": overFolder(t),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("what was refused left %v", got)
	}
}

// overFolder writes a picture where a folder stands, and checks that the
// unfinished file is cleared away.
func overFolder(t *testing.T) error {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.jpg")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	err := writeJPEG(path, draw(t, Good, 1, 64, 64), 88)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("a failed write left %v", got)
	}
	return err
}
