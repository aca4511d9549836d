package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree makes a data set's folder of empty files; names that end in a slash are
// folders.
func tree(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, n)
		if strings.HasSuffix(n, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestList(t *testing.T) {
	dir := tree(t, "scratch/10.jpg", "scratch/2.PNG", "scratch/notes.txt", "scratch/.hidden.jpg", "scratch/deeper.jpg/x.jpg",
		"good/b.webp", "good/a.tiff", ".trash/x.jpg", "elsewhere.jpg", "readme.txt")
	other := tree(t, "link.bmp")
	for link, target := range map[string]string{"blister": other, "good/c.jpg": filepath.Join(other, "link.bmp")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := List(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"blister", "good", "scratch"}; !slices.Equal(s.Labels, want) {
		t.Errorf("labels %q", s.Labels)
	}
	var got []string
	for _, p := range s.Pictures {
		rel, _ := filepath.Rel(dir, p.Path)
		got = append(got, fmt.Sprintf("%s %d", rel, p.Label))
	}
	want := []string{"blister/link.bmp 0", "good/a.tiff 1", "good/b.webp 1", "good/c.jpg 1", "scratch/2.PNG 2", "scratch/10.jpg 2"}
	if !slices.Equal(got, want) {
		t.Errorf("pictures %q", got)
	}
	if n := s.Counts(); !slices.Equal(n, []int{1, 3, 2}) {
		t.Errorf("counts %v", n)
	}
	without := s.Without(func(i int) bool { return s.Pictures[i].Label == 1 })
	if !slices.Equal(without.Counts(), []int{1, 0, 2}) || len(s.Pictures) != 6 {
		t.Error(without.Counts())
	}
}

func TestListErrors(t *testing.T) {
	file := filepath.Join(tree(t, "x.jpg"), "x.jpg")
	many := make([]string, MaxLabels+1)
	for i := range many {
		many[i] = fmt.Sprintf("%d/", i)
	}
	for name, c := range map[string]struct {
		dir  string
		o    Options
		want string
	}{
		"nowhere":           {filepath.Join(t.TempDir(), "parts"), Options{}, "parts: no such folder"},
		"a file":            {file, Options{}, "this is a file"},
		"nothing":           {t.TempDir(), Options{}, "has no folders; one for each label"},
		"nothing, good":     {t.TempDir(), Options{MinLabels: 1}, "has no folders; one named good"},
		"loose pictures":    {tree(t, "1.jpg", "2.png", "a.txt"), Options{}, "2 pictures lie in the folder itself"},
		"one label":         {tree(t, "good/1.jpg"), Options{}, "one folder only, good;"},
		"an empty label":    {tree(t, "good/1.jpg", "chip/"), Options{}, `label "chip": `},
		"a label of a text": {tree(t, "good/1.jpg", "chip/1.txt"), Options{}, `among 1 entries; put pictures in`},
		"too many":          {tree(t, many...), Options{}, "1001 folders; 1000 labels at most"},
		"a broken record":   {withRecord(t, "{"), Options{}, "capture.json: it is no list"},
	} {
		s, err := List(c.dir, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	s, err := List(tree(t, "good/1.jpg"), Options{MinLabels: 1})
	if err != nil || len(s.Pictures) != 1 {
		t.Error(s, err)
	}
}

func withRecord(t testing.TB, record string) string {
	t.Helper()
	dir := tree(t, "good/20261124-231500-0001.png", "good/20261124-231500-0002.png", "chip/20261124-231501-0001-b1.png", "chip/20261124-231501-0001-b2.png")
	if err := os.WriteFile(filepath.Join(dir, RecordFile), []byte(record), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListLarge(t *testing.T) {
	var names []string
	for i := range 20000 {
		names = append(names, fmt.Sprintf("%s/part-%d.jpg", []string{"good", "bad"}[i%2], i))
	}
	dir := tree(t, names...)
	began := time.Now()
	s, err := List(dir, Options{})
	if err != nil || len(s.Pictures) != 20000 {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("listing 20,000 pictures took %v", d)
	}
}
