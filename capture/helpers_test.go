package capture

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// testLog writes to the test's output.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// limited is a context that ends a test that hangs.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t testing.TB, s Settings) *Camera {
	t.Helper()
	c, err := Open(t.Context(), s, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func next(t testing.TB, c *Camera) *Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	f, err := c.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// numbered draws n in binary as eight fields, black or white, that any codec preserves.
func numbered(n, w, h int) gocv.Mat {
	m := gocv.NewMatWithSize(h, w, gocv.MatTypeCV8UC3)
	m.SetTo(gocv.NewScalar(0, 0, 0, 0))
	for bit := range 8 {
		if n>>bit&1 == 1 {
			gocv.Rectangle(&m, image.Rect(bit*w/8, 0, (bit+1)*w/8, h), color.RGBA{255, 255, 255, 0}, -1)
		}
	}
	return m
}

// number reads what numbered drew.
func number(m gocv.Mat) int {
	n := 0
	for bit := range 8 {
		if m.GetUCharAt(m.Rows()/2, (m.Cols()*(2*bit+1)/16)*3) > 127 {
			n |= 1 << bit
		}
	}
	return n
}

// writeVideo makes an MJPEG AVI of frames numbered from 0.
func writeVideo(t testing.TB, frames, w, h int, fps float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.avi")
	out, err := gocv.VideoWriterFile(path, "MJPG", fps, w, h, true)
	if err != nil || !out.IsOpened() {
		t.Fatal("no video writer", err)
	}
	defer out.Close()
	for i := range frames {
		m := numbered(i%256, w, h)
		out.Write(m)
		m.Close()
	}
	return path
}

// writePictures makes a folder of pictures numbered from 0, called 0.ending, 1.ending and so on.
func writePictures(t testing.TB, n int, ending string) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		m := numbered(i, 64, 48)
		if !gocv.IMWrite(filepath.Join(dir, fmt.Sprintf("%d%s", i, ending)), m) {
			t.Fatal("picture not written")
		}
		m.Close()
	}
	return dir
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func jpegOf(t testing.TB, m gocv.Mat) []byte {
	t.Helper()
	buf, err := gocv.IMEncode(gocv.JPEGFileExt, m)
	if err != nil {
		t.Fatal(err)
	}
	defer buf.Close()
	return append([]byte(nil), buf.GetBytes()...)
}
