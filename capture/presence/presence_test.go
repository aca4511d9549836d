package presence

import (
	"flag"
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
	clean gocv.Mat
	img   gocv.Mat // clean in its light, with noise
	noise gocv.Mat
	belt  []byte // a texture that repeats, two pictures wide, BGR
	part  []byte // BGR
	r     *rand.Rand
}

const (
	width, height         = 162, 120 // 54×40 blocks: what OpenCV draws is cheap, what the race detector watches is not
	partWidth, partHeight = 70, 60
	grain                 = 20 // standard deviation of stage.noise
)

func newStage(t testing.TB, seed uint64) *stage {
	t.Helper()
	mat := func(w, h int) (gocv.Mat, []byte) {
		m := gocv.NewMatWithSize(h, w, gocv.MatTypeCV8UC3)
		t.Cleanup(func() { m.Close() })
		pix, err := m.DataPtrUint8()
		if err != nil {
			t.Fatal(err)
		}
		return m, pix
	}
	s := &stage{r: rand.New(rand.NewPCG(seed, 1)), belt: make([]byte, 2*width*height*3), part: make([]byte, partWidth*partHeight*3)}
	s.clean, _ = mat(width, height)
	s.img, _ = mat(width, height)
	var grains []byte
	s.noise, grains = mat(width+64, height+64)
	for i := 0; i < len(grains); i += 3 { // the same in each channel, which the mean of them can't take out
		v := byte(min(max(128+grain*s.r.NormFloat64(), 0), 255))
		grains[i], grains[i+1], grains[i+2] = v, v, v
	}
	const row, cell = 2 * width * 3, 4
	for y := 0; y < height; y += cell {
		for x := 0; x < width; x += cell {
			v := byte(40 + s.r.IntN(16))
			for i := x * 3; i < min(x+cell, width)*3; i++ {
				s.belt[y*row+i], s.belt[y*row+row/2+i] = v, v
			}
		}
		for j := 1; j < cell; j++ {
			copy(s.belt[(y+j)*row:(y+j+1)*row], s.belt[y*row:])
		}
	}
	whole, err := demo.Render(demo.Good, seed, width, height)
	if err != nil {
		t.Fatal(err)
	}
	for i := range partWidth * partHeight {
		o := whole.PixOffset((width-partWidth)/2+i%partWidth, (height-partHeight)/2+i/partWidth)
		s.part[3*i], s.part[3*i+1], s.part[3*i+2] = whole.Pix[o+2], whole.Pix[o+1], whole.Pix[o]
	}
	return s
}

// draw shows the belt moved by ran pixels and parts whose left edges are given, in a light, with noise in gray levels.
func (s *stage) draw(t testing.TB, ran int, light, noise float64, parts ...int) {
	pix, err := s.clean.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	from := ((-ran)%width + width) % width
	for y := range height {
		copy(pix[y*width*3:(y+1)*width*3], s.belt[(y*2*width+from)*3:])
		k := y - (height-partHeight)/2
		if k < 0 || k >= partHeight {
			continue
		}
		for _, left := range parts {
			if x0, x1 := max(left, 0), min(left+partWidth, width); x0 < x1 {
				copy(pix[(y*width+x0)*3:(y*width+x1)*3], s.part[(k*partWidth+x0-left)*3:])
			}
		}
	}
	grains := s.noise.Region(image.Rect(0, 0, width, height).Add(image.Pt(s.r.IntN(65), s.r.IntN(65))))
	defer grains.Close()
	if err := gocv.AddWeighted(s.clean, light, grains, noise/grain, -128*noise/grain, &s.img); err != nil {
		t.Fatal(err)
	}
}

type run struct {
	t     testing.TB
	s     *stage
	d     *Detector
	now   time.Time
	ran   int
	roi   image.Rectangle
	over  func(picture gocv.Mat) // draws over the belt and the parts
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
		r.frame(5, 1, 2)
	}
	return r
}

func (r *run) frame(moved int, light, noise float64, parts ...int) {
	r.ran += moved
	r.now = r.now.Add(100 * time.Millisecond)
	r.s.draw(r.t, r.ran, light, noise, parts...)
	if r.over != nil {
		r.over(r.s.img)
	}
	roi := r.roi
	if roi.Empty() {
		roi = image.Rect(0, 0, width, height)
	}
	seen, err := r.d.See(&r.s.img, roi, r.now)
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

// TestMain asks for as many random belts as the race detector shows in a few seconds; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	m.Run()
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
			r.frame(5, 1, noise)
			r.now = r.now.Add(100 * time.Millisecond)
		}
		base := rapid.Float64Range(0.7, 1.5).Draw(rt, "light")
		flicker := rapid.Float64Range(0, 0.08).Draw(rt, "flicker")
		n := rapid.IntRange(1, 3).Draw(rt, "parts")
		for range n {
			step := rapid.IntRange(10, 25).Draw(rt, "step")
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
			r.frame(5, light, 2)
		}
	}
	for i := range 200 {
		r.frame(5, 0.7+float64(i)*0.005, 2)
	}
	if r.count != 0 || r.last.State != Empty {
		t.Errorf("light alone: %d triggers, %+v", r.count, r.last)
	}
}

// A belt stops with a part for longer than Standing, and starts again.
func TestStandingPartFiresOnce(t *testing.T) {
	r := newRun(t, 3, func(s *Settings) { s.Standing = 5 * time.Second })
	r.pass(10, func() float64 { return 1 }, 2) // confirms the belt
	for x := -partWidth; x < 45; x += 10 {
		r.frame(10, 1, 2, x)
	}
	for range 100 {
		r.frame(0, 1, 2, 45)
	}
	if r.count != 2 || r.last.State != Blocked {
		t.Fatalf("standing: %d triggers, %+v", r.count, r.last)
	}
	for x := 45; x < width+20; x += 10 {
		r.frame(10, 1, 2, x)
	}
	if r.count != 2 || r.last.State != Empty {
		t.Errorf("moved on: %d triggers, %+v", r.count, r.last)
	}
	r.pass(10, func() float64 { return 1 }, 2)
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
		r.frame(0, 1, 2, 45)
	}
	for range 150 {
		r.frame(5, 1, 2)
	}
	before := r.count
	for range 3 {
		r.pass(10, func() float64 { return 1 }, 2)
	}
	if r.count-before != 3 {
		t.Errorf("3 parts gave %d triggers", r.count-before)
	}
}

func TestRegionChangeLearnsAnew(t *testing.T) {
	r := newRun(t, 5, nil)
	seen, err := r.d.See(&r.s.img, image.Rect(0, 0, 100, 100), r.now)
	if err != nil || seen.State != Learning {
		t.Errorf("%+v, %v", seen, err)
	}
	if _, err := r.d.See(&r.s.img, image.Rect(0, 0, 900, 100), r.now); err == nil {
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

// Noise, so that no two blocks are equally bright: what a sort of equal values costs says nothing.
func BenchmarkSee(b *testing.B) {
	for name, size := range map[string]image.Point{"VGA": {640, 480}, "FullHD": {1920, 1080}} {
		b.Run(name, func(b *testing.B) {
			imgs := make([]gocv.Mat, 4)
			for i := range imgs {
				imgs[i] = gocv.NewMatWithSize(size.Y, size.X, gocv.MatTypeCV8UC3)
				defer imgs[i].Close()
				gocv.RandU(&imgs[i], gocv.NewScalar(20, 20, 20, 0), gocv.NewScalar(120, 120, 120, 0))
			}
			d, err := New(Defaults())
			if err != nil {
				b.Fatal(err)
			}
			now := time.Unix(1e9, 0)
			see := func(i int) State {
				now = now.Add(40 * time.Millisecond)
				seen, err := d.See(&imgs[i%len(imgs)], image.Rectangle{Max: size}, now)
				if err != nil {
					b.Fatal(err)
				}
				return seen.State
			}
			for i := 0; see(i) == Learning; i++ {
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				see(i)
			}
		})
	}
}
