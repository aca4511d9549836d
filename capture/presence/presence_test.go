package presence

import (
	"image"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"pgregory.net/rapid"

	"passfail/demo"
)

// stage draws a textured belt that runs from left to right, and a demo part on it.
type stage struct {
	img  gocv.Mat
	pix  []byte
	belt []byte // a wrapped texture as wide as the picture, one value a pixel
	part *image.RGBA
	r    *rand.Rand
}

const width, height, partWidth = 320, 240, 140

func newStage(t testing.TB, seed uint64) *stage {
	t.Helper()
	s := &stage{img: gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3), r: rand.New(rand.NewPCG(seed, 1))}
	t.Cleanup(func() { s.img.Close() })
	s.pix, _ = s.img.DataPtrUint8()
	s.belt = make([]byte, width*height)
	for y := 0; y < height; y += 4 {
		for x := 0; x < width; x += 4 {
			v := byte(40 + s.r.IntN(16))
			for i := range 16 {
				s.belt[(y+i/4)*width+x+i%4] = v
			}
		}
	}
	whole, err := demo.Render(demo.Good, seed, width, height)
	if err != nil {
		t.Fatal(err)
	}
	s.part = whole.SubImage(image.Rect((width-partWidth)/2, 60, (width+partWidth)/2, 180)).(*image.RGBA)
	return s
}

// draw shows the belt moved by ran pixels and parts whose left edges are given, in a light, with noise in gray levels.
func (s *stage) draw(ran int, light, noise float64, parts ...int) {
	for y := range height {
		for x := range width {
			v := float64(s.belt[y*width+(((x-ran)%width)+width)%width])
			c := [3]float64{v, v, v}
			for _, left := range parts {
				if k := x - left; k >= 0 && k < partWidth && y >= 60 && y < 180 {
					o := s.part.PixOffset(s.part.Rect.Min.X+k, y)
					c = [3]float64{float64(s.part.Pix[o+2]), float64(s.part.Pix[o+1]), float64(s.part.Pix[o])}
				}
			}
			n := noise * (s.r.Float64()*2 - 1) * 1.7
			for i := range 3 {
				s.pix[3*(y*width+x)+i] = byte(min(max(c[i]*light+n, 0), 255))
			}
		}
	}
}

type run struct {
	t     testing.TB
	s     *stage
	d     *Detector
	now   time.Time
	ran   int
	count int
	last  Sight
}

func newRun(t testing.TB, seed uint64, change func(*Settings)) *run {
	t.Helper()
	set := Defaults()
	if change != nil {
		change(&set)
	}
	d, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, s: newStage(t, seed), d: d, now: time.Unix(1e9, 0)}
	for i := 0; r.last.State == Learning; i++ {
		if i > 200 {
			t.Fatal("it never learns")
		}
		r.frame(9, 1, 2)
	}
	return r
}

func (r *run) frame(moved int, light, noise float64, parts ...int) {
	r.ran += moved
	r.now = r.now.Add(100 * time.Millisecond)
	r.s.draw(r.ran, light, noise, parts...)
	seen, err := r.d.See(&r.s.img, image.Rect(0, 0, width, height), r.now)
	if err != nil {
		r.t.Fatal(err)
	}
	r.last = seen
	if seen.Entered {
		r.count++
	}
}

// pass sends a part through.
func (r *run) pass(step int, light func() float64, noise float64) {
	for x := -partWidth; x < width+step; x += step {
		r.frame(step, light(), noise, x)
	}
	for range 4 {
		r.frame(step, light(), noise)
	}
}

func TestEachPartIsToldOnce(t *testing.T) {
	stages := newRun(t, 1, nil).s
	rapid.Check(t, func(rt *rapid.T) {
		d, err := New(Defaults())
		if err != nil {
			rt.Fatal(err)
		}
		r := &run{t: t, s: stages, d: d, now: time.Unix(1e9, 0)}
		noise := rapid.Float64Range(0, 6).Draw(rt, "noise")
		for range 25 {
			r.frame(9, 1, noise)
			r.now = r.now.Add(100 * time.Millisecond)
		}
		base := rapid.Float64Range(0.7, 1.5).Draw(rt, "light")
		flicker := rapid.Float64Range(0, 0.08).Draw(rt, "flicker")
		n := rapid.IntRange(1, 3).Draw(rt, "parts")
		for range n {
			step := rapid.IntRange(20, 50).Draw(rt, "step")
			r.pass(step, func() float64 { return base + flicker*(r.s.r.Float64()*2-1) }, noise)
		}
		if r.count != n || r.last.State != Empty {
			rt.Fatalf("%d parts gave %d triggers; at the end %v", n, r.count, r.last)
		}
	})
}

func TestLightIsNoPart(t *testing.T) {
	r := newRun(t, 2, nil)
	for _, light := range []float64{1.6, 0.6, 1, 2, 0.7} {
		for range 6 {
			r.frame(9, light, 2)
		}
	}
	for i := range 200 {
		r.frame(9, 0.7+float64(i)*0.005, 2)
	}
	if r.count != 0 || r.last.State != Empty {
		t.Errorf("light alone: %d triggers, %+v", r.count, r.last)
	}
}

// A belt stops with a part for longer than Standing, and starts again.
func TestStandingPartFiresOnce(t *testing.T) {
	r := newRun(t, 3, func(s *Settings) { s.Standing = 5 * time.Second })
	r.pass(20, func() float64 { return 1 }, 2) // confirms the belt
	for x := -partWidth; x < 90; x += 20 {
		r.frame(20, 1, 2, x)
	}
	for range 100 {
		r.frame(0, 1, 2, 90)
	}
	if r.count != 2 || r.last.State != Blocked {
		t.Fatalf("standing: %d triggers, %+v", r.count, r.last)
	}
	for x := 90; x < width+40; x += 20 {
		r.frame(20, 1, 2, x)
	}
	if r.count != 2 || r.last.State != Empty {
		t.Errorf("moved on: %d triggers, %+v", r.count, r.last)
	}
	r.pass(20, func() float64 { return 1 }, 2)
	if r.count != 3 {
		t.Errorf("the next part: %d triggers", r.count)
	}
}

// A part lay on the belt while it was learnt.
func TestLearntWithAPart(t *testing.T) {
	d, err := New(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, s: newStage(t, 4), d: d, now: time.Unix(1e9, 0)}
	for range 40 {
		r.frame(0, 1, 2, 90)
	}
	for range 150 {
		r.frame(9, 1, 2)
	}
	before := r.count
	for range 3 {
		r.pass(20, func() float64 { return 1 }, 2)
	}
	if r.count-before != 3 {
		t.Errorf("3 parts gave %d triggers", r.count-before)
	}
}

func TestRegionChangeLearnsAnew(t *testing.T) {
	r := newRun(t, 5, nil)
	seen, err := r.d.See(&r.s.img, image.Rect(0, 0, 200, 200), r.now)
	if err != nil || seen.State != Learning {
		t.Errorf("%+v, %v", seen, err)
	}
	if _, err := r.d.See(&r.s.img, image.Rect(0, 0, 900, 200), r.now); err == nil {
		t.Error("a region outside the picture is taken")
	}
}

func TestSettingsRefused(t *testing.T) {
	for word, change := range map[string]func(*Settings){
		"enter": func(s *Settings) { s.Enter = 2 }, "leave": func(s *Settings) { s.Leave = s.Enter },
		"frames": func(s *Settings) { s.Frames = 0 }, "contrast": func(s *Settings) { s.Contrast = 1 },
		"learn": func(s *Settings) { s.Learn = -1 }, "adapt": func(s *Settings) { s.Adapt = 0 },
		"standing": func(s *Settings) { s.Standing = 0 },
	} {
		s := Defaults()
		change(&s)
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), word+" is") {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestSeeAllocatesNothing(t *testing.T) {
	r := newRun(t, 6, nil)
	roi := image.Rect(0, 0, width, height)
	if n := testing.AllocsPerRun(50, func() {
		r.now = r.now.Add(time.Millisecond)
		if _, err := r.d.See(&r.s.img, roi, r.now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSee(b *testing.B) {
	for name, size := range map[string]image.Point{"VGA": {640, 480}, "FullHD": {1920, 1080}} {
		b.Run(name, func(b *testing.B) {
			img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(60, 60, 60, 0), size.Y, size.X, gocv.MatTypeCV8UC3)
			defer img.Close()
			d, err := New(Defaults())
			if err != nil {
				b.Fatal(err)
			}
			now := time.Unix(1e9, 0)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(40 * time.Millisecond)
				if _, err := d.See(&img, image.Rectangle{Max: size}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
