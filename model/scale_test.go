package model

import (
	"fmt"
	"image"
	"testing"
	"unsafe"

	"gocv.io/x/gocv"

	"passfail/model/graph"
)

// byteInput is an input whose tensor holds the resized pixels themselves.
func byteInput(width, height int, color Color) Input {
	return Input{Width: width, Height: height, Color: color, Std: [3]float32{1, 1, 1}, Type: graph.Uint8, Scale: 1}
}

func noise(t testing.TB, width, height int) gocv.Mat {
	t.Helper()
	m := gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	gocv.RandU(&m, gocv.NewScalar(0, 0, 0, 0), gocv.NewScalar(256, 256, 256, 0))
	return m
}

func prepared(t testing.TB, in Input, img *gocv.Mat, roi image.Rectangle) []byte {
	t.Helper()
	p, err := newPrepare(in)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	// Guards on both sides: nothing may be written outside the tensor.
	const guard = 64
	n := in.Width * in.Height * in.Channels() * in.Type.Size()
	buf := make([]byte, guard+n+guard)
	for i := range buf {
		buf[i] = 0xA5
	}
	if err := p.run(img, roi, unsafe.Pointer(&buf[guard])); err != nil {
		t.Fatal(err)
	}
	for i := range guard {
		if buf[i] != 0xA5 || buf[guard+n+i] != 0xA5 {
			t.Fatalf("%v of %v: written outside the tensor", in, roi)
		}
	}
	return buf[guard : guard+n]
}

// OpenCV's INTER_AREA (INTER_LINEAR where the picture grows) is the reference:
// no value may be off by more than one gray level, and only few at all.
func TestResizeIsOpenCVs(t *testing.T) {
	img := noise(t, 640, 480)
	for _, roi := range []image.Rectangle{
		image.Rect(0, 0, 640, 480), image.Rect(80, 0, 560, 480), image.Rect(3, 5, 227, 229), image.Rect(1, 1, 449, 449),
		image.Rect(600, 440, 640, 480), image.Rect(7, 9, 307, 109), image.Rect(0, 0, 1, 1), image.Rect(5, 5, 6, 400),
		image.Rect(639, 479, 640, 480), image.Rect(0, 0, 225, 224),
	} {
		for _, size := range []image.Point{{224, 224}, {96, 64}, {31, 33}, {8, 8}, {300, 17}} {
			t.Run(fmt.Sprintf("%v to %v", roi, size), func(t *testing.T) {
				got := prepared(t, byteInput(size.X, size.Y, BGR), &img, roi)
				part := img.Region(roi)
				defer part.Close()
				want := gocv.NewMat()
				defer want.Close()
				// OpenCV rounds the weights of its interpolation to 1/2048.
				how, share := gocv.InterpolationLinear, 0.12
				if roi.Dx() >= size.X && roi.Dy() >= size.Y {
					how, share = gocv.InterpolationArea, 0.07
				}
				if err := gocv.Resize(part, &want, size, 0, 0, how); err != nil {
					t.Fatal(err)
				}
				compare(t, got, want.ToBytes(), share)
			})
		}
	}
}

func compare(t *testing.T, got, want []byte, most float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
	off := 0
	for i := range got {
		d := int(got[i]) - int(want[i])
		if d < -1 || d > 1 {
			t.Fatalf("value %d is %d, OpenCV has %d", i, got[i], want[i])
		}
		if d != 0 {
			off++
		}
	}
	if share := float64(off) / float64(len(got)); share > most {
		t.Errorf("%.3f of the values are off by one", share)
	}
}

func TestColourOrder(t *testing.T) {
	img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(10, 60, 200, 0), 50, 70, gocv.MatTypeCV8UC3)
	defer img.Close()
	roi := image.Rect(10, 10, 60, 40)
	for color, want := range map[Color][]byte{
		BGR: {10, 60, 200}, RGB: {200, 60, 10}, Gray: {(200*4899 + 60*9617 + 10*1868 + 8192) >> 14},
	} {
		got := prepared(t, byteInput(33, 21, color), &img, roi)
		for i, v := range got {
			if v != want[i%len(want)] {
				t.Fatalf("%s: value %d is %d, want %d", color, i, v, want[i%len(want)])
			}
		}
	}
}

// A flat picture must stay flat whatever the sizes: weights add up to one.
func TestFlatStaysFlat(t *testing.T) {
	for v := range 256 {
		img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(float64(v), float64(v), float64(v), 0), 211, 307, gocv.MatTypeCV8UC3)
		for _, size := range []image.Point{{64, 64}, {7, 3}, {307, 211}, {400, 300}} {
			for i, got := range prepared(t, byteInput(size.X, size.Y, RGB), &img, image.Rect(0, 0, 307, 211)) {
				if int(got) != v {
					t.Fatalf("%d became %d at %d, to %v", v, got, i, size)
				}
			}
		}
		img.Close()
	}
}

// Every way of writing into a tensor must give what the definition gives.
func TestQuantization(t *testing.T) {
	img := noise(t, 60, 50)
	roi := image.Rect(0, 0, 60, 50)
	pixels := prepared(t, byteInput(60, 50, RGB), &img, roi)
	for _, in := range []Input{
		{Mean: [3]float32{127.5, 127.5, 127.5}, Std: [3]float32{127.5, 127.5, 127.5}, Type: graph.Int8, Scale: 2.0 / 255, ZeroPoint: -1},
		{Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128}, Type: graph.Int8, Scale: 1.0 / 128, ZeroPoint: -1},
		{Mean: [3]float32{123.68, 116.779, 103.939}, Std: [3]float32{1, 1, 1}, Type: graph.Int8, Scale: 1.1, ZeroPoint: 5},
		{Std: [3]float32{255, 255, 255}, Type: graph.Uint8, Scale: 1.0 / 255},
		{Mean: [3]float32{10, 20, 30}, Std: [3]float32{40, 50, 60}, Type: graph.Uint8, Scale: 0.02, ZeroPoint: 100},
		{Mean: [3]float32{127.5, 127.5, 127.5}, Std: [3]float32{127.5, 127.5, 127.5}, Type: graph.Float32},
	} {
		in.Width, in.Height, in.Color = 60, 50, RGB
		got := prepared(t, in, &img, roi)
		for i, v := range pixels {
			c := i % 3
			if in.Type == graph.Float32 {
				f := *(*float32)(unsafe.Pointer(&got[4*i]))
				if want := float32(in.normalized(c, int(v))); f != want {
					t.Fatalf("%v: %d became %v, want %v", in, v, f, want)
				}
				continue
			}
			if want := in.quantized(c, int(v)); got[i] != want {
				t.Fatalf("%v: %d became %d, want %d", in, v, got[i], want)
			}
		}
	}
}

func TestPictureErrors(t *testing.T) {
	p, err := newPrepare(byteInput(8, 8, RGB))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	dst := make([]byte, 8*8*3)
	img := noise(t, 20, 10)
	gray := gocv.NewMatWithSize(10, 20, gocv.MatTypeCV8UC1)
	defer gray.Close()
	empty := gocv.NewMat()
	defer empty.Close()
	for name, c := range map[string]struct {
		img *gocv.Mat
		roi image.Rectangle
	}{
		"gray": {&gray, image.Rect(0, 0, 20, 10)}, "no picture": {&empty, image.Rect(0, 0, 1, 1)},
		"roi outside": {&img, image.Rect(10, 0, 30, 10)}, "roi empty": {&img, image.Rectangle{}},
		"roi negative": {&img, image.Rect(-1, 0, 5, 5)},
	} {
		if err := p.run(c.img, c.roi, unsafe.Pointer(&dst[0])); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	img := noise(b, 640, 480)
	roi := image.Rect(0, 0, 640, 480)
	in := Input{
		Width: 224, Height: 224, Color: RGB, Mean: [3]float32{127.5, 127.5, 127.5}, Std: [3]float32{127.5, 127.5, 127.5},
		Type: graph.Int8, Scale: 2.0 / 255, ZeroPoint: -1,
	}
	p, err := newPrepare(in)
	if err != nil {
		b.Fatal(err)
	}
	defer p.close()
	dst := make([]byte, 224*224*3)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.run(&img, roi, unsafe.Pointer(&dst[0])); err != nil {
			b.Fatal(err)
		}
	}
}

// What the same work costs in OpenCV's usual steps.
func BenchmarkPrepareOpenCV(b *testing.B) {
	img := noise(b, 640, 480)
	small, rgb := gocv.NewMat(), gocv.NewMat()
	defer small.Close()
	defer rgb.Close()
	for name, how := range map[string]gocv.InterpolationFlags{"area": gocv.InterpolationArea, "linear": gocv.InterpolationLinear} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := gocv.Resize(img, &small, image.Pt(224, 224), 0, 0, how); err != nil {
					b.Fatal(err)
				}
				if err := gocv.CvtColor(small, &rgb, gocv.ColorBGRToRGB); err != nil {
					b.Fatal(err)
				}
				rgb.AddUChar(128) // stands for the quantization
			}
		})
	}
}
