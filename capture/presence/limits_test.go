package presence

import (
	"image"
	"image/color"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

func steady() float64 { return 1 }

// shade dims a part of the picture to a share of its light.
func shade(t testing.TB, where image.Rectangle, to float64) func(gocv.Mat) {
	return func(picture gocv.Mat) {
		m := picture.Region(where)
		defer m.Close()
		if err := gocv.AddWeighted(m, to, m, 0, 0, &m); err != nil {
			t.Fatal(err)
		}
	}
}

// A shadow is a part when it changes as much of the region by as much: no picture tells the two apart.
func TestShadow(t *testing.T) {
	for _, c := range []struct {
		name  string
		where image.Rectangle
		light float64
		to    float64
		count int
	}{
		{"faint, half of the region", image.Rect(0, 0, width/2, height), 1, 0.85, 0},
		{"faint, three quarters", image.Rect(0, 0, width*3/4, height), 1, 0.85, 0},
		{"deep and small", image.Rect(0, 0, width/5, height/5), 1, 0.3, 0},
		{"deep, a third", image.Rect(0, 0, width/3, height), 1, 0.3, 1},
		{"no deeper than the belt's texture", image.Rect(0, 0, width/3, height), 2.5, 0.85, 0},
	} {
		r := newRun(t, 7, nil)
		for range 10 {
			r.frame(5, c.light, 2)
		}
		r.over = shade(t, c.where, c.to)
		for range 10 {
			r.frame(5, c.light, 2)
		}
		r.over = nil
		for range 10 {
			r.frame(5, c.light, 2)
		}
		if r.count != c.count || r.last.State != Empty {
			t.Errorf("%s: %d triggers instead of %d, %+v", c.name, r.count, c.count, r.last)
		}
	}
}

// A part's own shadow goes with it.
func TestPartWithShadowIsOne(t *testing.T) {
	r := newRun(t, 8, nil)
	for x := -partWidth; x < width+10; x += 10 {
		from := min(max(x+partWidth, 0), width-1)
		r.over = shade(t, image.Rect(from, 30, min(from+25, width), 90), 0.4)
		r.frame(10, 1, 2, x)
	}
	r.over = nil
	for range 4 {
		r.frame(10, 1, 2)
	}
	if r.count != 1 || r.last.State != Empty {
		t.Errorf("%d triggers, %+v", r.count, r.last)
	}
}

// A hand that reaches in is one part, and leaves no trace.
func TestHandIsOnePart(t *testing.T) {
	r := newRun(t, 9, nil)
	r.pass(10, steady, 2)
	for i := range 30 {
		deep := min(i, 29-i) * 6
		r.over = func(picture gocv.Mat) {
			gocv.Rectangle(&picture, image.Rect(50+i/3, 0, 100+i/3, deep), color.RGBA{210, 160, 130, 0}, -1)
		}
		r.frame(0, 1, 2)
	}
	r.over = nil
	for range 4 {
		r.frame(0, 1, 2)
	}
	if r.count != 2 || r.last.State != Empty {
		t.Fatalf("the hand: %d triggers after the first part's, %+v", r.count-1, r.last)
	}
	for range 2 {
		r.pass(10, steady, 2)
	}
	if r.count != 4 {
		t.Errorf("2 parts after the hand gave %d triggers", r.count-2)
	}
}

// Two parts are two where the region empties between them: it must be shorter than the gap, by what the belt runs in
// the frames that have to show it.
func TestTwoPartsCloseTogether(t *testing.T) {
	const step = 10
	for _, c := range []struct {
		long, gap, count int
	}{{40, 80, 2}, {40, 60, 2}, {40, 30, 1}, {width, 60, 1}, {width, width + 3*step, 2}} {
		r := newRun(t, 10, nil)
		r.roi = image.Rect((width-c.long)/2, 0, (width+c.long)/2, height)
		for range 40 { // learns the region
			r.frame(5, 1, 2)
		}
		for x := -partWidth; x < width+partWidth+c.gap+step; x += step {
			r.frame(step, 1, 2, x, x-partWidth-c.gap)
		}
		if r.count != c.count {
			t.Errorf("a region of %d px and a gap of %d: %d triggers instead of %d", c.long, c.gap, r.count, c.count)
		}
	}
}

// A plain part that ends up filling the region is no change of light: it came in from the side.
func TestPlainPartFillsTheRegion(t *testing.T) {
	for _, step := range []int{2, 5, 14} {
		for _, gray := range []uint8{0, 220} {
			r := newRun(t, 11, nil)
			r.roi = image.Rect(60, 30, 100, 90)
			for range 40 {
				r.frame(5, 1, 2)
			}
			for x := -partWidth; x < width+step; x += step {
				r.over = func(picture gocv.Mat) {
					gocv.Rectangle(&picture, image.Rect(x, 20, x+partWidth, 100), color.RGBA{gray, gray, gray, 0}, -1)
				}
				r.frame(step, 1, 2)
			}
			r.over = nil
			for range 4 {
				r.frame(step, 1, 2)
			}
			if r.count != 1 || r.last.State != Empty {
				t.Errorf("gray %d in steps of %d px: %d triggers, %+v", gray, step, r.count, r.last)
			}
		}
	}
}

// A part that trembles between Leave and Enter is one.
func TestHysteresis(t *testing.T) {
	r := newRun(t, 13, nil)
	for i := range 40 {
		wide := []int{28, 14}[i/4%2] // 15 % and 7.5 % of the region
		r.over = func(picture gocv.Mat) {
			gocv.Rectangle(&picture, image.Rect(60, 15, 60+wide, 105), color.RGBA{180, 180, 180, 0}, -1)
		}
		r.frame(0, 1, 2)
	}
	if r.count != 1 || r.last.State != Present {
		t.Errorf("trembling: %d triggers, %+v", r.count, r.last)
	}
	r.over = nil
	for range 4 {
		r.frame(0, 1, 2)
	}
	if r.last.State != Empty {
		t.Errorf("gone: %+v", r.last)
	}
}

// Light that fades over an hour is followed, also where it fades unevenly; what stands is not learnt.
func TestSlowChange(t *testing.T) {
	r := newRun(t, 12, nil)
	for i := range 400 { // 200 s
		r.over = shade(t, image.Rect(0, 0, width/3, height), 1-0.6*float64(i)/400)
		r.now = r.now.Add(400 * time.Millisecond)
		r.frame(5, 1, 2)
	}
	if r.count != 0 || r.last.State != Empty {
		t.Errorf("a slow shadow: %d triggers, %+v", r.count, r.last)
	}
}

// What is seen in a single frame, a torn picture or an insect, is no part.
func TestOneFrameIsNoPart(t *testing.T) {
	r := newRun(t, 14, nil)
	for i := range 12 {
		r.over = func(picture gocv.Mat) {
			if i%3 == 1 {
				gocv.Rectangle(&picture, image.Rect(60, 15, 100, 105), color.RGBA{180, 180, 180, 0}, -1)
			}
		}
		r.frame(5, 1, 2)
	}
	if r.count != 0 || r.last.State != Empty {
		t.Errorf("single frames: %d triggers, %+v", r.count, r.last)
	}
}
