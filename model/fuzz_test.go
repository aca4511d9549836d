package model

import (
	"image"
	"testing"

	"gocv.io/x/gocv"
)

// Whatever the bytes, opening and running a model ends in scores or in an
// error, never in a crash.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"float", "int8", "uint8", "gray", "sigmoid"} {
		f.Add(readFile(f, "testdata/"+name+".tflite"))
	}
	img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(10, 120, 250, 0), 48, 64, gocv.MatTypeCV8UC3)
	f.Cleanup(func() { img.Close() })
	side := &Sidecar{Mean: []float32{127.5}, Std: []float32{127.5}, Labels: []string{"a", "b", "c", "d"}, path: "sidecar"}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := newClassifier(b, side, Options{Threads: 1})
		if err != nil {
			return
		}
		defer c.Close()
		scores, err := c.Classify(&img, image.Rect(3, 2, 60, 40))
		if err == nil && len(scores) != len(c.Labels()) {
			t.Fatalf("%d scores for %d labels", len(scores), len(c.Labels()))
		}
	})
}

func FuzzSidecar(f *testing.F) {
	f.Add("mean = [127.5]\nstd = [1.0]\ncolor = \"rgb\"\nlabels = [\"a\"]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSidecar(text, "x"); (s == nil) == (err == nil) {
			t.Fatalf("sidecar %v, error %v", s, err)
		}
	})
}
