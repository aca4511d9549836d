package gray

import (
	"fmt"
	"image"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"
	"pgregory.net/rapid"
)

func noise(t testing.TB, width, height int) gocv.Mat {
	t.Helper()
	m := gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	gocv.RandU(&m, gocv.NewScalar(0, 0, 0, 0), gocv.NewScalar(256, 256, 256, 0))
	return m
}

// Computed the slow way from the rows that are meant to be read.
func want(pixels []byte, stride int, p *Picture, x, y int) float64 {
	read := min(rowsRead, p.Block)
	if read == 3 {
		read = 2
	}
	sum := 0.0
	for j := range read {
		row := p.Min.Y + y*p.Block + (2*j+1)*p.Block/(2*read)
		for i := range p.Block {
			o := row*stride + 3*(p.Min.X+x*p.Block+i)
			sum += 0.114*float64(pixels[o]) + 0.587*float64(pixels[o+1]) + 0.299*float64(pixels[o+2])
		}
	}
	return sum / float64(read*p.Block)
}

func TestReduceIsTheBlocksMean(t *testing.T) {
	img := noise(t, 333, 257)
	pixels := img.ToBytes()
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.IntRange(0, 332).Draw(t, "x"), rapid.IntRange(0, 256).Draw(t, "y")
		region := image.Rect(x, y, rapid.IntRange(x+1, 333).Draw(t, "right"), rapid.IntRange(y+1, 257).Draw(t, "bottom"))
		side := rapid.IntRange(1, 200).Draw(t, "side")
		r := NewReducer(side)
		p, err := r.Reduce(&img, region)
		if err != nil {
			t.Fatal(err)
		}
		looked := image.Rectangle{p.Min, p.Min.Add(image.Pt(p.Cols*p.Block, p.Rows*p.Block))}
		if !looked.In(region) || region.Dx()-looked.Dx() >= p.Block || region.Dy()-looked.Dy() >= p.Block {
			t.Fatalf("%v looks at %v", region, looked)
		}
		for y := range p.Rows {
			for x := range p.Cols {
				if got, want := float64(p.At(x, y)), want(pixels, 333*3, p, x, y); math.Abs(got-want) > 0.1 {
					t.Fatalf("block %d, %d of %v: %.3f instead of %.3f", x, y, region, got, want)
				}
			}
		}
	})
}

// The whole range must come out: the sums may not overflow in the largest block.
func TestReduceWhite(t *testing.T) {
	white := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 255, 255, 0), 1024, 1024, gocv.MatTypeCV8UC3)
	defer white.Close()
	p, err := NewReducer(2).Reduce(&white, image.Rect(0, 0, 1024, 1024))
	if err != nil {
		t.Fatal(err)
	}
	if p.Block != maxBlock || p.At(1, 1) < 254.9 || p.At(1, 1) > 255 {
		t.Errorf("blocks of %d: %v", p.Block, p.At(1, 1))
	}
}

func TestReduceRefuses(t *testing.T) {
	img := noise(t, 64, 48)
	for _, region := range []image.Rectangle{{}, image.Rect(0, 0, 65, 48), image.Rect(-1, 0, 10, 10)} {
		if _, err := NewReducer(16).Reduce(&img, region); err == nil || !strings.Contains(err.Error(), "64×48") {
			t.Errorf("%v: %v", region, err)
		}
	}
	gray := gocv.NewMatWithSize(48, 64, gocv.MatTypeCV8UC1)
	defer gray.Close()
	if _, err := NewReducer(16).Reduce(&gray, image.Rect(0, 0, 64, 48)); err == nil {
		t.Error("a gray picture is taken")
	}
}

func TestReduceAllocatesNothing(t *testing.T) {
	img := noise(t, 640, 480)
	r := NewReducer(96)
	roi := image.Rect(80, 0, 560, 480)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := r.Reduce(&img, roi); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Against OpenCV's own way to a small gray picture.
func BenchmarkReduce(b *testing.B) {
	for _, size := range []image.Point{{640, 480}, {1920, 1080}} {
		img := noise(b, size.X, size.Y)
		whole := image.Rectangle{Max: size}
		b.Run(fmt.Sprintf("%dx%d/blocks", size.X, size.Y), func(b *testing.B) {
			r := NewReducer(96)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Reduce(&img, whole); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%dx%d/opencv", size.X, size.Y), func(b *testing.B) {
			small, gray := gocv.NewMat(), gocv.NewMat()
			defer small.Close()
			defer gray.Close()
			for b.Loop() {
				if err := gocv.Resize(img, &small, image.Pt(96, 96*size.Y/size.X), 0, 0, gocv.InterpolationArea); err != nil {
					b.Fatal(err)
				}
				if err := gocv.CvtColor(small, &gray, gocv.ColorBGRToGray); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
