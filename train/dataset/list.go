package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"passfail/capture"
)

// MaxLabels is how many labels a data set may have. More are a folder of
// something else.
const MaxLabels = 1000

// Set is a data set: labels, and pictures of each.
type Set struct {
	Dir      string
	Labels   []string  // the folders' names, in alphabetical order
	Pictures []Picture // label after label, within it in natural order: 2.jpg before 10.jpg
	Sessions []Session // how capture took them, as RecordFile says; nil where it did not
}

// Picture is a file and the index of its label.
type Picture struct {
	Path  string
	Label int
}

// Options say what List takes for a data set. The zero value is what training
// of a classifier needs.
type Options struct {
	// MinLabels is how many labels are needed; 0: 2. Training from good parts
	// alone takes 1.
	MinLabels int
}

// List reads the names of a data set's labels and pictures, and opens none of
// them. Hidden files and folders are left out; links are followed.
func List(dir string, o Options) (*Set, error) {
	if o.MinLabels == 0 {
		o.MinLabels = 2
	}
	folders, loose, err := labelFolders(dir)
	if err != nil {
		return nil, err
	}
	if n := len(folders); n < o.MinLabels || n > MaxLabels {
		return nil, countError(dir, folders, loose, o.MinLabels)
	}
	s := &Set{Dir: dir, Labels: folders}
	for i, label := range folders {
		files, err := capture.Pictures(filepath.Join(dir, label))
		if err != nil {
			return nil, fmt.Errorf("data set %s: label %q: %w; put pictures in, or take the folder away", dir, label, err)
		}
		for _, f := range files {
			s.Pictures = append(s.Pictures, Picture{f, i})
		}
	}
	if s.Sessions, err = readSessions(dir); err != nil {
		return nil, err
	}
	return s, nil
}

// labelFolders returns the names of the folders in dir, sorted, and how many
// pictures lie beside them.
func labelFolders(dir string) (folders []string, loose int, err error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fmt.Errorf("data set %s: no such folder; a data set is a folder with a folder of pictures for each label", dir)
	case err != nil:
		return nil, 0, fmt.Errorf("data set: %w", err)
	case !info.IsDir():
		return nil, 0, fmt.Errorf("data set %s: this is a file; give the folder that has a folder of pictures for each label", dir)
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, 0, fmt.Errorf("data set: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name())) // e itself may be a link
		switch {
		case err == nil && info.IsDir():
			folders = append(folders, e.Name())
		case !capture.IsVideo(e.Name()):
			loose++
		}
	}
	return folders, loose, nil
}

// countError says that dir has too few or too many folders.
func countError(dir string, folders []string, loose, least int) error {
	want := "one for each label is needed, such as good and scratch"
	if least == 1 {
		want = "one named good is needed, with the pictures in it"
	}
	n := len(folders)
	switch {
	case n > MaxLabels:
		return fmt.Errorf("data set %s: it has %d folders; %d labels at most can be told apart. Is it the right folder?", dir, n, MaxLabels)
	case loose > 0 && n == 0:
		return fmt.Errorf("data set %s: %d pictures lie in the folder itself; move them into folders in it: %s", dir, loose, want)
	case n == 0:
		return fmt.Errorf("data set %s: it has no folders; %s", dir, want)
	case n == 1:
		return fmt.Errorf("data set %s: it has one folder only, %s; %s. To learn from good parts alone, train with --good-only", dir, folders[0], want)
	}
	return fmt.Errorf("data set %s: it has %d folders; %s", dir, n, want)
}

// Counts is how many pictures each label has.
func (s *Set) Counts() []int {
	n := make([]int, len(s.Labels))
	for _, p := range s.Pictures {
		n[p.Label]++
	}
	return n
}

// LabelIndices is the label of each picture.
func (s *Set) LabelIndices() []int {
	list := make([]int, len(s.Pictures))
	for i, p := range s.Pictures {
		list[i] = p.Label
	}
	return list
}

// Without is the set without the pictures for which drop holds. Labels stay,
// also those that have no picture any more.
func (s *Set) Without(drop func(i int) bool) *Set {
	t := &Set{Dir: s.Dir, Labels: slices.Clone(s.Labels), Sessions: s.Sessions}
	for i, p := range s.Pictures {
		if !drop(i) {
			t.Pictures = append(t.Pictures, p)
		}
	}
	return t
}
