package condition

import (
	"flag"
	"image"
	"image/color"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"pgregory.net/rapid"

	"passfail/demo"
)

// scene is a demo part with bolts and labels on the rails, which stay where they are.
func scene(t testing.TB, seed uint64) gocv.Mat {
	t.Helper()
	drawn, err := demo.Render(demo.Good, seed, 640, 480)
	if err != nil {
		t.Fatal(err)
	}
	m := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	pix, _ := m.DataPtrUint8()
	for i := range 640 * 480 {
		pix[3*i], pix[3*i+1], pix[3*i+2] = drawn.Pix[4*i+2], drawn.Pix[4*i+1], drawn.Pix[4*i]
	}
	for k, x := range []int{40, 97, 190, 310, 444, 521, 600} {
		for _, y := range []int{14, 448} {
			for j := range 18 {
				for i := range 10 + 4*k {
					for c := range 3 {
						pix[3*((y+j)*640+min(x-8+i, 639))+c] = byte(200 - 24*k)
					}
				}
			}
		}
	}
	return m
}

var roi = image.Rect(60, 60, 580, 420)

// grains is noise around 128 with a standard deviation of grain.
func grains(t testing.TB) gocv.Mat {
	t.Helper()
	m := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	pix, _ := m.DataPtrUint8()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range pix {
		pix[i] = byte(min(max(128+grain*r.NormFloat64(), 0), 255))
	}
	return m
}

const grain = 20

// change makes another picture of m's scene in out: moved, blurred, lit and with noise in gray levels.
func change(t testing.TB, out *gocv.Mat, m, grains gocv.Mat, dx, dy int, blur, light, noise float64) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	work := gocv.NewMat()
	defer work.Close()
	border := func(d int) (int, int) { return max(d, 0), max(-d, 0) }
	left, right := border(dx)
	top, bottom := border(dy)
	must(gocv.CopyMakeBorder(m, &work, top, bottom, left, right, gocv.BorderReplicate, color.RGBA{}))
	moved := work.Region(image.Rect(right, bottom, right+640, bottom+480))
	defer moved.Close()
	if blur > 0 {
		must(gocv.GaussianBlur(moved, &moved, image.Point{}, blur, blur, gocv.BorderReplicate))
	}
	must(gocv.AddWeighted(moved, light, grains, noise/grain, -128*noise/grain, out))
}

func watch(t testing.TB, ref *gocv.Mat) *Watch {
	t.Helper()
	s := Defaults()
	var r *Reference
	if ref != nil {
		var err error
		if r, err = NewReference(ref, roi); err != nil {
			t.Fatal(err)
		}
	}
	w, err := New(s, r)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// see shows pictures in turn for a time and returns what holds then.
func see(t testing.TB, w *Watch, from time.Time, d time.Duration, pictures ...gocv.Mat) Finding {
	t.Helper()
	var f Finding
	var err error
	for i := 0; time.Duration(i)*200*time.Millisecond <= d; i++ {
		if f, err = w.See(&pictures[i%len(pictures)], from.Add(time.Duration(i)*200*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

var begin = time.Unix(1e9, 0)

// TestMain asks for as many random pictures as the race detector shows in a few seconds; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	m.Run()
}

func TestFindings(t *testing.T) {
	scene1, other, noises := scene(t, 1), scene(t, 2), grains(t)
	ref, err := NewReference(&scene1, roi)
	if err != nil {
		t.Fatal(err)
	}
	picture := gocv.NewMat()
	defer picture.Close()
	s := Defaults()
	s.Lasting = 0
	rapid.Check(t, func(rt *rapid.T) {
		light := rapid.Float64Range(0.7, 1.2).Draw(rt, "light")
		noise := rapid.Float64Range(0, 3).Draw(rt, "noise")
		kind := rapid.SampledFrom([]Kind{Good, Blurred, Moved}).Draw(rt, "kind")
		dx, dy, blur := 0, 0, 0.0
		switch kind {
		case Blurred:
			blur = rapid.Float64Range(3, 6).Draw(rt, "blur")
		case Moved:
			far := rapid.SampledFrom([]image.Point{{24, 0}, {-24, 0}, {40, 12}, {0, 20}, {16, -16}}).Draw(rt, "shift")
			dx, dy = far.X, far.Y
		}
		change(t, &picture, other, noises, dx, dy, blur, light, noise)
		w, err := New(s, ref)
		if err != nil {
			rt.Fatal(err)
		}
		f := see(t, w, begin, (kept-1)*200*time.Millisecond, picture)
		if f.Kind != kind {
			rt.Fatalf("%v: found %v (%+v)", kind, f, f)
		}
		if want := length(image.Pt(dx, dy)); kind == Moved && (f.Value < want-6 || f.Value > want+6) {
			rt.Fatalf("moved by %.0f px: %v", want, f)
		}
	})
}

// Near the limits: half of the sharpness, and 2 % of the width, 12.8 px.
func TestLimits(t *testing.T) {
	scene1, other, noises, picture := scene(t, 1), scene(t, 2), grains(t), gocv.NewMat()
	defer picture.Close()
	ref := watch(t, &scene1).ref
	reference := ref.Values()
	s := Defaults()
	s.Lasting = 0
	for _, c := range []struct {
		dx, dy int
		blur   float64
		kind   Kind
	}{
		{8, 0, 0, Good}, {-8, 8, 0, Good}, {0, -8, 0, Good}, {16, 0, 0, Moved}, {0, 16, 0, Moved}, {-12, -12, 0, Moved},
		{0, 0, 0.7, Good}, {0, 0, 1, Good}, {0, 0, 2, Blurred}, {0, 0, 2.5, Blurred}, {8, 0, 1, Good}, {16, 0, 1, Moved},
	} {
		for _, noise := range []float64{0, 4} {
			change(t, &picture, other, noises, c.dx, c.dy, c.blur, 0.9, noise)
			w, err := New(s, ref)
			if err != nil {
				t.Fatal(err)
			}
			f := see(t, w, begin, (kept-1)*200*time.Millisecond, picture)
			v := w.Values()
			if f.Kind != c.kind {
				t.Errorf("%+v, noise %v: %v, %+v", c, noise, f, v)
			}
			if off := v.Shift.Sub(image.Pt(c.dx, c.dy)); c.kind == Moved && length(off) > 4 {
				t.Errorf("%+v, noise %v: shifted by %v", c, noise, v.Shift)
			}
			if share := v.Sharpness / reference.Sharpness; (share < 0.5) != (c.kind == Blurred) {
				t.Errorf("%+v, noise %v: a sharpness of %.2f of the reference's %.2f", c, noise, share, reference.Sharpness)
			}
		}
	}
}

// A backlight is white by intent; a hand over a rail is no moved camera.
func TestNoFinding(t *testing.T) {
	m := scene(t, 1)
	hand := m.Clone()
	defer hand.Close()
	gocv.Rectangle(&hand, image.Rect(150, 0, 330, 300), color.RGBA{210, 160, 130, 0}, -1)
	if f := see(t, watch(t, &m), begin, 5*time.Second, hand); f.Kind != Good {
		t.Errorf("a hand: %v", f)
	}
	lit, white := m.Clone(), m.Clone()
	defer lit.Close()
	defer white.Close()
	gocv.Rectangle(&lit, image.Rect(20, 0, 640, 480), color.RGBA{255, 255, 255, 0}, -1)
	gocv.Rectangle(&white, image.Rect(0, 0, 640, 480), color.RGBA{255, 255, 255, 0}, -1)
	w := watch(t, &lit)
	if f := see(t, w, begin, 5*time.Second, lit); f.Kind != Good {
		t.Errorf("a backlight that is in the reference: %v", f)
	}
	if f := see(t, w, begin.Add(time.Minute), 5*time.Second, white); f.Kind != White {
		t.Errorf("all white against a backlight: %v", f)
	}
	if f := see(t, watch(t, nil), begin, 5*time.Second, lit); f.Kind != White {
		t.Errorf("mostly white without a reference: %v", f)
	}
}

func TestBlackAndWhite(t *testing.T) {
	m := scene(t, 3)
	w, noises, p := watch(t, nil), grains(t), gocv.NewMat()
	defer p.Close()
	begin := begin
	for _, c := range []struct {
		light float64
		kind  Kind
		word  string
	}{{0.02, Black, "lens cap"}, {1, Good, "sees"}, {60, White, "exposure"}, {1, Good, "sees"}} {
		change(t, &p, m, noises, 0, 0, 0, c.light, 2)
		f := see(t, w, begin, time.Second, p)
		if f.Kind == c.kind {
			t.Errorf("light %v: told after a second already", c.light)
		}
		f = see(t, w, begin.Add(1200*time.Millisecond), 2*time.Second, p)
		if f.Kind != c.kind || !strings.Contains(f.String(), c.word) || f.Since.IsZero() != (c.kind == Good) {
			t.Errorf("light %v: %v", c.light, f)
		}
		begin = begin.Add(10 * time.Second)
	}
}

func TestRefuses(t *testing.T) {
	small := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 240, 320, gocv.MatTypeCV8UC3)
	defer small.Close()
	m := scene(t, 4)
	if _, err := watch(t, &m).See(&small, begin); err == nil || !strings.Contains(err.Error(), "640×480") {
		t.Errorf("another size: %v", err)
	}
	black := gocv.NewMatWithSize(240, 320, gocv.MatTypeCV8UC3)
	defer black.Close()
	black.SetTo(gocv.NewScalar(3, 3, 3, 0))
	if _, err := NewReference(&black, roi); err == nil || !strings.Contains(err.Error(), "light on") {
		t.Errorf("a black reference: %v", err)
	}
	plain, err := NewReference(&small, image.Rect(10, 10, 200, 200))
	if err != nil || plain.Fixed() {
		t.Errorf("a plain wall is taken for something fixed: %v", err)
	}
	for word, spoil := range map[string]func(*Settings){
		"black": func(s *Settings) { s.Black = 300 }, "white": func(s *Settings) { s.White = -1 },
		"sharpness": func(s *Settings) { s.Sharpness = 2 }, "shift": func(s *Settings) { s.Shift = 0.5 },
		"lasting": func(s *Settings) { s.Lasting = -1 }, "every": func(s *Settings) { s.Every = time.Hour },
	} {
		s := Defaults()
		spoil(&s)
		if _, err := New(s, nil); err == nil || !strings.Contains(err.Error(), word+" is") {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestSeeAllocatesNothing(t *testing.T) {
	m := scene(t, 5)
	w := watch(t, &m)
	now := begin
	see(t, w, now, 3*time.Second, m)
	now = now.Add(10 * time.Second)
	if n := testing.AllocsPerRun(10, func() {
		now = now.Add(time.Second)
		if _, err := w.See(&m, now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSee(b *testing.B) {
	vga := scene(b, 6)
	hd := gocv.NewMat()
	defer hd.Close()
	if err := gocv.Resize(vga, &hd, image.Pt(1920, 1080), 0, 0, gocv.InterpolationLinear); err != nil {
		b.Fatal(err)
	}
	for name, m := range map[string]gocv.Mat{"VGA": vga, "FullHD": hd} {
		b.Run(name, func(b *testing.B) {
			w := watch(b, &m)
			now := begin
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				if _, err := w.See(&m, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
