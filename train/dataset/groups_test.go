package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"passfail/demo"
)

// rendered is a drawn part as a camera shows it.
func rendered(t testing.TB, seed uint64) gocv.Mat {
	t.Helper()
	img, err := demo.Render(demo.Good, seed, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	m, err := gocv.ImageToMatRGB(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// shot is one more picture of the same part: it moved by up to 2 pixels, the
// light changed by up to 5 %, the sensor's noise is another, and it went through
// a JPEG file.
func shot(t testing.TB, m gocv.Mat, r *rand.Rand) gocv.Mat {
	t.Helper()
	s, move := gocv.NewMat(), gocv.NewMatWithSize(2, 3, gocv.MatTypeCV32F)
	defer s.Close()
	defer move.Close()
	for i, v := range []float64{1, 0, 4*r.Float64() - 2, 0, 1, 4*r.Float64() - 2} {
		move.SetFloatAt(i/3, i%3, float32(v))
	}
	if err := gocv.WarpAffineWithParams(m, &s, move, image.Pt(m.Cols(), m.Rows()), gocv.InterpolationLinear, gocv.BorderReflect101, color.RGBA{}); err != nil {
		t.Fatal(err)
	}
	pixels, err := s.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	light := 0.95 + 0.1*r.Float64()
	for i, v := range pixels {
		pixels[i] = uint8(min(255, max(0, light*float64(v)+2*r.NormFloat64()+0.5)))
	}
	b, err := gocv.IMEncodeWithParams(".jpg", s, []int{gocv.IMWriteJpegQuality, 75 + r.IntN(20)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	out, err := gocv.IMDecode(b.GetBytes(), gocv.IMReadColor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return out
}

func looked(t testing.TB, m gocv.Mat) Look {
	t.Helper()
	l, err := Examine(&m, image.Rect(0, 0, m.Cols(), m.Rows()))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Different parts that look alike stay apart, bursts of a part come together.
func TestGroupsOfBursts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var looks []Look
	var part []int
	for p := range 40 {
		m := rendered(t, uint64(500+p))
		looks, part = append(looks, looked(t, m)), append(part, p)
		for range p % 3 {
			looks, part = append(looks, looked(t, shot(t, m, r))), append(part, p)
		}
	}
	began := time.Now()
	groups := grouped(t, looks)
	t.Logf("%d pictures in %v", len(looks), time.Since(began))
	missed, pairs := 0, 0
	for i := range looks {
		if i > 0 && part[i] == part[i-1] {
			pairs++
			if groups[i] != groups[i-1] {
				missed++
			}
		}
		for j := range i {
			if part[i] != part[j] && groups[i] == groups[j] {
				t.Errorf("parts %d and %d are taken for the same", part[i], part[j])
			}
		}
	}
	if missed > pairs/10 { // each was moved, lit, noisy and compressed at once
		t.Errorf("%d of %d shots of the same part are not found", missed, pairs)
	}
	if again := grouped(t, looks); !slices.Equal(groups, again) {
		t.Error("another time, other groups")
	}
}

// Where there is one part only, nothing distinguishes it from others.
func TestGroupsOfOnePart(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	m := rendered(t, 7)
	looks := []Look{looked(t, m)}
	for range 4 {
		looks = append(looks, looked(t, shot(t, m, r)))
	}
	if g := grouped(t, looks); slices.Max(g) != 0 {
		t.Errorf("groups %v", g)
	}
	if g := grouped(t, looks[:1]); !slices.Equal(g, []int{0}) {
		t.Errorf("groups %v", g)
	}
	if g := grouped(t, nil); len(g) != 0 {
		t.Errorf("groups %v", g)
	}
	var black [3]Look
	if g := grouped(t, black[:]); slices.Max(g) != 0 {
		t.Errorf("pictures of nothing at all are in groups %v", g)
	}
}

// What capture took of one part stays together, whatever it looks like.
func TestGroupsByName(t *testing.T) {
	s := &Set{Labels: []string{"good", "chip"}, Pictures: []Picture{
		{"x/good/20261124-231500-0001-b1.png", 0}, {"x/good/20261124-231500-0001-b2.png", 0}, {"x/good/20261124-231500-0002-b1.png", 0},
		{"x/good/other.png", 0}, {"x/chip/20261124-231500-0001-b3.jpg", 1}, {"x/chip/20261124-231501-0001.png", 1}, {"x/chip/other.png", 1},
	}}
	if g, err := s.Groups(t.Context(), nil); err != nil || !slices.Equal(g, []int{0, 0, 1, 2, 0, 3, 4}) {
		t.Errorf("groups %v", g)
	}
}

func grouped(t testing.TB, looks []Look) []int {
	t.Helper()
	g, err := Groups(t.Context(), looks)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Twenty thousand pictures take seconds, and a person may not want to wait.
func TestGroupsCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if g, err := Groups(ctx, random(3)); !errors.Is(err, context.Canceled) || g != nil {
		t.Errorf("%v, %v", g, err)
	}
}

// random makes looks of pictures that have nothing in common.
func random(n int) []Look {
	r := rand.New(rand.NewPCG(9, 9))
	looks := make([]Look, n)
	for i := range looks {
		l := &looks[i]
		l.Width, l.Height, l.Texture.Loudest = 640, 480, 30
		for d := range l.Texture.Waves {
			l.Texture.Waves[d] = uint16(10000 * math.Sqrt(math.Hypot(r.NormFloat64(), r.NormFloat64())))
		}
	}
	return looks
}

func BenchmarkGroups(b *testing.B) {
	for _, n := range []int{200, 2000, 20000} {
		looks := random(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				grouped(b, looks)
			}
		})
	}
}
