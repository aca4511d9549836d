//go:build !race

// Drawing takes a quarter of a minute with the race detector.

package bench

import (
	"testing"

	"passfail/capture"
)

// What passfail bench plays where no video is given can be played.
func TestMakePictures(t *testing.T) {
	dir, err := MakePictures(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	list, err := capture.Pictures(dir)
	if err != nil || len(list) != 16 {
		t.Fatalf("%d pictures: %v", len(list), err)
	}
	r, err := Run(t.Context(), Options{Model: demoModel(t), Source: dir})
	if err != nil {
		t.Fatal(err)
	}
	r.check(t)
	if r.Frames != 16 {
		t.Errorf("%d frames", r.Frames)
	}
}
