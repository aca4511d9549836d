package dataset

import (
	"bytes"
	"image"
	"image/color"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

func TestLookMeasures(t *testing.T) {
	m := rendered(t, 3)
	plain := looked(t, m)
	if plain.Width != 320 || plain.Height != 240 || plain.Brightness < 50 || plain.Brightness > 200 || plain.Dark > 0.05 || plain.Bright > 0.05 {
		t.Errorf("%+v", plain)
	}
	change := func(f func(dst *gocv.Mat) error) Look {
		dst := gocv.NewMat()
		defer dst.Close()
		if err := f(&dst); err != nil {
			t.Fatal(err)
		}
		return looked(t, dst)
	}
	blurred := change(func(dst *gocv.Mat) error {
		return gocv.GaussianBlur(m, dst, image.Point{}, 2, 2, gocv.BorderReplicate)
	})
	if blurred.Sharpness > plain.Sharpness/3 {
		t.Errorf("blurred, the sharpness is %v, before %v", blurred.Sharpness, plain.Sharpness)
	}
	dark := change(func(dst *gocv.Mat) error { return m.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, 0.5, -60) })
	if dark.Dark < 0.2 || dark.Brightness > plain.Brightness-60 {
		t.Errorf("dark: %v, %v", dark.Dark, dark.Brightness)
	}
	bright := change(func(dst *gocv.Mat) error { return m.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, 2, 60) })
	if bright.Bright < 0.3 || bright.Brightness < plain.Brightness+60 {
		t.Errorf("bright: %v, %v", bright.Bright, bright.Brightness)
	}
	// Four times the pixels of the same scene are as sharp.
	large := change(func(dst *gocv.Mat) error {
		return gocv.Resize(m, dst, image.Pt(1280, 960), 0, 0, gocv.InterpolationCubic)
	})
	if large.Width != 1280 || large.Sharpness > plain.Sharpness {
		t.Errorf("large: %v, %v", large.Width, large.Sharpness)
	}
}

// Only the region of interest counts.
func TestLookAtRegion(t *testing.T) {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), 100, 200, gocv.MatTypeCV8UC3)
	defer m.Close()
	gocv.Rectangle(&m, image.Rect(50, 20, 120, 80), color.RGBA{100, 100, 100, 0}, -1)
	l, err := Examine(&m, image.Rect(60, 30, 100, 60))
	if err != nil || l.Brightness != 100 || l.Contrast != 0 || l.Width != 40 || l.Height != 30 || l.Texture != (Texture{}) {
		t.Errorf("%v, %v, %v, %v", l.Brightness, l.Contrast, l.Texture.Loudest, err)
	}
	for _, r := range []image.Rectangle{{}, image.Rect(150, 50, 201, 60), image.Rect(-1, 0, 5, 5)} {
		if _, err := Examine(&m, r); err == nil || !strings.Contains(err.Error(), "200x100") {
			t.Errorf("%v: %v", r, err)
		}
	}
	gray := gocv.NewMatWithSize(10, 10, gocv.MatTypeCV8UC1)
	defer gray.Close()
	if _, err := Examine(&gray, image.Rect(0, 0, 10, 10)); err == nil {
		t.Error("gray is taken for BGR")
	}
	if _, err := Examine(&m, image.Rect(0, 0, 1, 1)); err != nil {
		t.Errorf("a single pixel: %v", err)
	}
}

func TestLookMarshals(t *testing.T) {
	want := looked(t, rendered(t, 3))
	b, err := want.MarshalBinary()
	if err != nil || len(b) != LookSize {
		t.Fatal(len(b), err)
	}
	var got Look
	if err := got.UnmarshalBinary(b); err != nil || got != want {
		t.Error(err)
	}
}

// FuzzUnmarshalLook: bytes from a cache are an error, or a look that works.
func FuzzUnmarshalLook(f *testing.F) {
	var l Look
	b, err := l.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	b = bytes.Clone(b)
	b[0], b[4], b[30] = 1, 1, 0x7f
	f.Add(b)
	f.Add(bytes.Repeat([]byte{0x42}, LookSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l Look
		if l.UnmarshalBinary(b) != nil {
			return
		}
		if g := grouped(t, []Look{l, l, {}}); g[0] != g[1] {
			t.Errorf("a picture is not the same as itself: %v", g)
		}
		again, err := l.MarshalBinary()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("other bytes come back: %v", err)
		}
	})
}

func BenchmarkExamine(b *testing.B) {
	m := gocv.NewMat()
	defer m.Close()
	if err := gocv.Resize(rendered(b, 3), &m, image.Pt(640, 480), 0, 0, gocv.InterpolationLinear); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Examine(&m, image.Rect(0, 0, 640, 480)); err != nil {
			b.Fatal(err)
		}
	}
}
