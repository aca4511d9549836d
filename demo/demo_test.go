package demo

import (
	"bytes"
	"errors"
	"image"
	"testing"
)

func draw(t testing.TB, c Class, seed uint64, w, h int) *image.RGBA {
	t.Helper()
	m, err := Render(c, seed, w, h)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// No golden sums: the last bit of floating point differs between processors.
func TestRenderIsDecidedByItsSeed(t *testing.T) {
	for _, c := range Classes() {
		a, b := draw(t, c, 7, 320, 240), draw(t, c, 7, 320, 240)
		if !bytes.Equal(a.Pix, b.Pix) {
			t.Errorf("%s: two pictures of one seed differ", c)
		}
		if n := bytes.Equal(a.Pix, draw(t, c, 8, 320, 240).Pix); n {
			t.Errorf("%s: seeds 7 and 8 give the same picture", c)
		}
	}
}

func TestRenderLooksLikeAPicture(t *testing.T) {
	m := draw(t, Good, 3, 200, 150)
	if m.Bounds() != image.Rect(0, 0, 200, 150) {
		t.Fatalf("bounds are %v", m.Bounds())
	}
	lo, hi, clipped := 255, 0, 0
	for i := 0; i < len(m.Pix); i += 4 {
		if m.Pix[i+3] != 255 {
			t.Fatal("a pixel is not opaque")
		}
		g := int(m.Pix[i+1])
		lo, hi = min(lo, g), max(hi, g)
		if g == 255 {
			clipped++
		}
	}
	if lo > 30 || hi < 180 {
		t.Errorf("brightness runs from %d to %d: no depth", lo, hi)
	}
	if share := float64(clipped) / (200 * 150); share > 0.02 {
		t.Errorf("%.1f%% of the pixels are blown out", 100*share)
	}
}

// A fault must be there to be seen, and must be all that differs.
func TestFaultIsVisibleAndBounded(t *testing.T) {
	const w, h = 640, 480
	for seed := range uint64(5) {
		good := draw(t, Good, seed, w, h)
		for _, c := range Classes()[1:] {
			box, err := FaultBounds(c, seed, w, h)
			if err != nil {
				t.Fatal(err)
			}
			if box.Empty() || !box.In(good.Bounds()) {
				t.Errorf("%s, seed %d: bounds %v", c, seed, box)
			}
			m := draw(t, c, seed, w, h)
			outside, clear := 0, 0
			for y := range h {
				for x := range w {
					o := m.PixOffset(x, y)
					if bytes.Equal(m.Pix[o:o+4], good.Pix[o:o+4]) {
						continue
					}
					if !image.Pt(x, y).In(box) {
						outside++
					}
					// 25 of 255 is several times the noise.
					if d := int(m.Pix[o+1]) - int(good.Pix[o+1]); d > 25 || d < -25 {
						clear++
					}
				}
			}
			if outside > 0 {
				t.Errorf("%s, seed %d: %d pixels differ outside %v", c, seed, outside, box)
			}
			if clear < 25 {
				t.Errorf("%s, seed %d: only %d pixels differ clearly", c, seed, clear)
			}
		}
	}
	if box, err := FaultBounds(Good, 1, w, h); err != nil || !box.Empty() {
		t.Errorf("a good part has a fault in %v (%v)", box, err)
	}
}

// The whole part has to be in the picture, wherever the seed puts it.
func TestPartStaysInView(t *testing.T) {
	for seed := range uint64(3000) {
		s := newScene(Good, seed, 640, 480)
		for i := range 4 {
			x, y := holeAt(i)
			p := s.turn(vec{x / holeX * halfW, y / holeY * halfH, 0})
			x, y = p.x+s.cx, p.y+s.cy
			if max(x, -x) > viewWide/2 || max(y, -y) > railInner-1 {
				t.Fatalf("seed %d: a corner lies at %.1f, %.1f mm", seed, x, y)
			}
		}
	}
}

func TestFaultsVary(t *testing.T) {
	holes := map[int]bool{}
	short, long := 1e9, 0.0
	for seed := range uint64(200) {
		holes[newScene(MissingHole, seed, 640, 480).faultyHole] = true
		l := newScene(Scratch, seed, 640, 480).scratch.length
		short, long = min(short, l), max(long, l)
		if c := newScene(Chip, seed, 640, 480).chip; c.size < 3 {
			t.Errorf("seed %d: a chip of %.1f mm is too small to see", seed, c.size)
		}
	}
	if len(holes) != 4 || holes[-1] {
		t.Errorf("the holes missing in 200 parts: %v", holes)
	}
	if long < 2*short {
		t.Errorf("scratches are all %.0f to %.0f mm", short, long)
	}
}

func TestRenderRefuses(t *testing.T) {
	for _, size := range [][2]int{{0, 480}, {640, 0}, {-1, -1}, {63, 64}, {64, 4097}} {
		if _, err := Render(Good, 1, size[0], size[1]); !errors.Is(err, ErrSize) {
			t.Errorf("size %v: %v", size, err)
		}
		if _, err := FaultBounds(Chip, 1, size[0], size[1]); !errors.Is(err, ErrSize) {
			t.Errorf("bounds at size %v: %v", size, err)
		}
	}
	if _, err := Render("dent", 1, 640, 480); !errors.Is(err, ErrClass) {
		t.Errorf("an unknown class: %v", err)
	}
	for _, size := range [][2]int{{64, 64}, {64, 400}, {400, 64}} {
		draw(t, Chip, 1, size[0], size[1]) // odd shapes are drawn all the same
	}
}

func BenchmarkRender(b *testing.B) {
	for _, c := range Classes() {
		b.Run(string(c), func(b *testing.B) {
			for seed := uint64(0); b.Loop(); seed++ {
				draw(b, c, seed, 640, 480)
			}
		})
	}
}
