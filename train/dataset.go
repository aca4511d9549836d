package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"passfail/capture"
	"passfail/model"
)

// Set is a data set: labels, and pictures of each.
type Set struct {
	Labels   []string
	Pictures []Picture
}

// Picture is a file and the index of its label.
type Picture struct {
	Path  string
	Label int
}

// ReadFolders lists a data set that has a folder of pictures for each label.
// Labels are in alphabetical order.
func ReadFolders(dir string) (*Set, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	s := &Set{}
	for _, e := range entries { // sorted by name
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		files, err := capture.Pictures(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("data set: label %q: %w", e.Name(), err)
		}
		for _, f := range files {
			s.Pictures = append(s.Pictures, Picture{f, len(s.Labels)})
		}
		s.Labels = append(s.Labels, e.Name())
	}
	if len(s.Labels) < 2 {
		return nil, fmt.Errorf("data set %s: it has %d folders; one for each label is needed, such as good and scratch", dir, len(s.Labels))
	}
	return s, nil
}

// counts is how many pictures each label has.
func (s *Set) counts() map[string]int {
	c := map[string]int{}
	for _, p := range s.Pictures {
		c[s.Labels[p.Label]]++
	}
	return c
}

// Linear fits a linear head for a data set on a base network, both as given,
// and returns the finished model's file.
func Linear(ctx context.Context, base []byte, s *Set, description string) ([]byte, error) {
	x, err := NewExtractor(base, model.Options{})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	examples := make([]Example, 0, len(s.Pictures))
	for _, p := range s.Pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := capture.ReadPicture(p.Path, capture.Settings{})
		if err != nil {
			return nil, err
		}
		features, err := x.Features(&f.Image, f.ROI)
		if err == nil {
			examples = append(examples, Example{slices.Clone(features), p.Label})
		}
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Path, err)
		}
	}
	h, err := Fit(examples, len(s.Labels))
	if err != nil {
		return nil, err
	}
	return Assemble(base, h, s.Labels, Provenance{Description: description, Examples: s.counts()})
}

// WriteFile writes a model beside its place and then puts it there, so that no
// one ever finds half a model.
func WriteFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("model file: %w", err)
	}
	defer os.Remove(f.Name()) // it is gone after the renaming
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("model file %s: %w", path, err)
	}
	return nil
}
