package dataset

import (
	"context"
	"crypto/sha256"

	"passfail/capture"
)

// Sight is what a reading of one picture gave.
type Sight struct {
	Hash [sha256.Size]byte // of the file's bytes; zero where they could not be read
	Look Look
	Err  error // why it can't be used; nil: it can
}

// Examine reads each picture through the view of s (of which only Rotate, Flip
// and ROI matter) and looks at it. A picture that can't be read is no error of
// Examine: its Sight says why. progress is told how many are done; it may be nil.
func (s *Set) Examine(ctx context.Context, view capture.Settings, progress func(done int)) ([]Sight, error) {
	sights := make([]Sight, len(s.Pictures))
	for i, p := range s.Pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sights[i] = examine(p.Path, view)
		if progress != nil {
			progress(i + 1)
		}
	}
	return sights, nil
}

func examine(path string, view capture.Settings) (s Sight) {
	b, err := capture.ReadFile(path)
	if err != nil {
		s.Err = err
		return s
	}
	s.Hash = sha256.Sum256(b)
	f, err := capture.DecodePicture(b, path, view)
	if err != nil {
		s.Err = err
		return s
	}
	defer f.Close()
	s.Look, s.Err = Examine(&f.Image, f.ROI)
	return s
}
