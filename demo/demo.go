// Package demo makes synthetic pictures of a machined part on an inspection
// station, good parts and faulty ones, so that Passfail can be tried, shown
// and tested without a camera. A seed decides everything in a picture.
//
// The pictures are drawn, not photographed: they show how the program works,
// never how well it would do on somebody's real parts.
package demo

import (
	"errors"
	"fmt"
	"image"
)

// Class is what is wrong with a part, or Good. Its text is the label and the
// folder name used in a data set.
type Class string

// The four classes drawn.
const (
	Good        Class = "good"
	Scratch     Class = "scratch"      // an irregular gouge across the machined face
	Chip        Class = "chip"         // material broken out at an edge or a corner
	MissingHole Class = "missing_hole" // one of the four holes not drilled
)

// Classes lists every class, Good first.
func Classes() []Class { return []Class{Good, Scratch, Chip, MissingHole} }

// The sides a picture may have, in pixels.
const (
	MinSide = 64
	MaxSide = 4096
)

// ErrSize is returned, wrapped, for a picture size outside MinSide to MaxSide.
var ErrSize = errors.New("picture size out of range")

// ErrClass is returned, wrapped, for a class that is not one of Classes.
var ErrClass = errors.New("unknown class")

// check reports whether a picture of this class and size can be drawn.
func check(class Class, width, height int) error {
	if err := checkSize(width, height); err != nil {
		return err
	}
	for _, c := range Classes() {
		if c == class {
			return nil
		}
	}
	return fmt.Errorf("%w %q: the classes are %v", ErrClass, string(class), Classes())
}

func checkSize(width, height int) error {
	if width < MinSide || height < MinSide || width > MaxSide || height > MaxSide {
		return fmt.Errorf("%w: %dx%d pixels; each side must be %d to %d",
			ErrSize, width, height, MinSide, MaxSide)
	}
	return nil
}

// Render draws one part. The same class, seed and size give the same picture;
// the same seed with another class gives the same part, light and noise with
// another fault, so that two pictures differ by the fault alone.
func Render(class Class, seed uint64, width, height int) (*image.RGBA, error) {
	if err := check(class, width, height); err != nil {
		return nil, err
	}
	sc := newScene(class, seed, width, height)
	return sc.develop(sc.expose()), nil
}

// FaultBounds gives the pixels within which Render's picture can differ from
// the good part of the same seed: where the fault is, with a few pixels of
// margin. It is empty for Good.
func FaultBounds(class Class, seed uint64, width, height int) (image.Rectangle, error) {
	if err := check(class, width, height); err != nil {
		return image.Rectangle{}, err
	}
	return newScene(class, seed, width, height).faultBounds(), nil
}
