package train

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"passfail/model"
	"passfail/model/base"
)

// clouds makes examples of classes whose features differ by shift in the first
// of d dimensions each.
func clouds(classes, perClass, d int, shift float32) []Example {
	r := rand.New(rand.NewPCG(1, 2))
	var list []Example
	for c := range classes {
		for range perClass {
			f := make([]float32, d)
			for j := range f {
				f[j] = float32(r.NormFloat64())
			}
			f[c%d] += shift
			list = append(list, Example{f, c})
		}
	}
	return list
}

func logit(h *Head, row int, x []float32) float64 {
	d := len(x)
	z := float64(h.Bias[row])
	for j, v := range x {
		z += float64(h.Weights[row*d+j] * v)
	}
	return z
}

func TestFitSeparatesClouds(t *testing.T) {
	for _, classes := range []int{2, 4} {
		train, test := clouds(classes, 60, 20, 5), clouds(classes, 200, 20, 5)
		h, err := Fit(train, classes)
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for _, e := range test {
			best := 0
			if len(h.Bias) == 1 {
				if logit(h, 0, e.Features) > 0 {
					best = 1
				}
			} else {
				for k := range h.Bias {
					if logit(h, k, e.Features) > logit(h, best, e.Features) {
						best = k
					}
				}
			}
			if best == e.Class {
				right++
			}
		}
		if share := float64(right) / float64(len(test)); share < 0.95 {
			t.Errorf("%d classes: %.3f of the test examples are right, want 0.95", classes, share)
		}
	}
}

func TestFitIsDeterministic(t *testing.T) {
	a, errA := Fit(clouds(3, 20, 8, 2), 3)
	b, errB := Fit(clouds(3, 20, 8, 2), 3)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if !slices.Equal(a.Weights, b.Weights) || !slices.Equal(a.Bias, b.Bias) {
		t.Error("two fits of the same examples differ")
	}
}

func TestClassesCountAlike(t *testing.T) {
	list := clouds(2, 200, 4, 3)
	list = append(list[:200], list[200:220]...) // 200 against 20
	h, err := Fit(list, 2)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	test := clouds(2, 300, 4, 3)
	for _, e := range test[300:] {
		if logit(h, 0, e.Features) > 0 {
			right++
		}
	}
	if share := float64(right) / 300; share < 0.9 {
		t.Errorf("%.3f of the rare class are found, want 0.9", share)
	}
}

func TestFitErrors(t *testing.T) {
	good := clouds(2, 10, 3, 1)
	nan := clouds(2, 10, 3, 1)
	nan[4].Features[1] = float32(math.NaN())
	for name, c := range map[string]struct {
		list    []Example
		classes int
	}{
		"one class": {good, 1}, "too few": {good[:12], 2}, "none": {nil, 2},
		"class out of range": {good, 3}, "not a number": {nan, 2},
		"ragged": {append(slices.Clone(good), Example{[]float32{1}, 0}), 2},
	} {
		if _, err := Fit(c.list, c.classes); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The assembled model must give the very scores that the head gives on the
// features it was fitted to.
func TestAssembledModelScoresAsTheHeadDoes(t *testing.T) {
	for _, name := range base.Names() {
		for _, labels := range [][]string{{"good", "bad"}, {"good", "scratch", "chip"}} {
			checkAssembled(t, name, labels)
		}
	}
}

func checkAssembled(t *testing.T, name string, labels []string) {
	t.Helper()
	b, err := base.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	x, err := NewExtractor(b, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	img := gocv.NewMatWithSize(300, 400, gocv.MatTypeCV8UC3)
	defer img.Close()
	gocv.RandU(&img, gocv.NewScalar(0, 0, 0, 0), gocv.NewScalar(255, 255, 255, 0))
	roi := image.Rect(20, 10, 380, 290)
	f, err := x.Features(&img, roi)
	if err != nil {
		t.Fatal(err)
	}
	rows := len(labels)
	if rows == 2 {
		rows = 1
	}
	h := &Head{Weights: make([]float32, rows*len(f)), Bias: make([]float32, rows)}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range h.Weights {
		h.Weights[i] = float32(r.NormFloat64()) / 200
	}
	file, err := Assemble(b, h, labels, Provenance{Description: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := model.OpenBytes(file, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	scores, err := c.Classify(&img, roi)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(labels))
	if rows == 1 {
		want[1] = 1 / (1 + math.Exp(-logit(h, 0, f)))
		want[0] = 1 - want[1]
	} else {
		sum := 0.0
		for k := range want {
			want[k] = math.Exp(logit(h, k, f))
			sum += want[k]
		}
		for k := range want {
			want[k] /= sum
		}
	}
	for k := range want {
		if math.Abs(want[k]-float64(scores[k])) > 1e-4 {
			t.Errorf("%s: %s: score %v, the head gives %v", name, labels[k], scores[k], want[k])
		}
	}
}
