//go:build !race

package condition

import (
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// Whatever part stands in the picture, the camera sees: against any of them as the reference, with and without a region.
func TestDemoPartsAreNoFinding(t *testing.T) {
	paths, err := filepath.Glob("../../demo/parts/*.jpg")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d demo parts, %v", len(paths), err)
	}
	var pictures []gocv.Mat
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := gocv.IMDecode(data, gocv.IMReadColor)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		pictures = append(pictures, m)
	}
	whole := image.Rect(0, 0, pictures[0].Cols(), pictures[0].Rows())
	for i := 0; i < len(pictures); i += 5 {
		for _, roi := range []image.Rectangle{whole, whole.Inset(whole.Dy() / 7)} {
			ref, err := NewReference(&pictures[i], roi)
			if err != nil {
				t.Fatal(err)
			}
			s := Defaults()
			s.Lasting = 0 // the strictest
			w, err := New(s, ref)
			if err != nil {
				t.Fatal(err)
			}
			for k := range pictures {
				f, err := w.See(&pictures[k], begin.Add(time.Duration(k)*time.Second))
				if err != nil || f.Kind != Good {
					t.Errorf("%s against %s in %v: %v, %v", filepath.Base(paths[k]), filepath.Base(paths[i]), roi, f, err)
				}
			}
		}
	}
}
