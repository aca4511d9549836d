package capture

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

func rect(x, y, w, h int) image.Rectangle { return image.Rect(x, y, x+w, y+h) }

// letters is a picture of 3×2 pixels, all different, as text.
func letters(rows ...string) gocv.Mat {
	m := gocv.NewMatWithSize(len(rows), len(rows[0]), gocv.MatTypeCV8UC3)
	for y, row := range rows {
		for x := range row {
			for ch := range 3 {
				m.SetUCharAt(y, 3*x+ch, row[x]+byte(100*ch/2))
			}
		}
	}
	return m
}

func spell(m gocv.Mat) string {
	var rows []string
	for y := range m.Rows() {
		var row []byte
		for x := range m.Cols() {
			if m.GetUCharAt(y, 3*x+1) != m.GetUCharAt(y, 3*x)+50 || m.GetUCharAt(y, 3*x+2) != m.GetUCharAt(y, 3*x)+100 {
				return "channels mixed up"
			}
			row = append(row, m.GetUCharAt(y, 3*x))
		}
		rows = append(rows, string(row))
	}
	return strings.Join(rows, "/")
}

func TestRotateAndFlip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letters.png")
	m := letters("abc", "def")
	defer m.Close()
	gocv.IMWrite(path, m)
	// Rotated clockwise, then flipped; worked out by hand.
	want := map[int][4]string{
		0:   {"abc/def", "cba/fed", "def/abc", "fed/cba"},
		90:  {"da/eb/fc", "ad/be/cf", "fc/eb/da", "cf/be/ad"},
		180: {"fed/cba", "def/abc", "cba/fed", "abc/def"},
		270: {"cf/be/ad", "fc/eb/da", "ad/be/cf", "da/eb/fc"},
	}
	for rotate, flips := range want {
		for flip, want := range flips {
			t.Run(fmt.Sprintf("%d,%d", rotate, flip), func(t *testing.T) {
				s := Settings{Source: path, Rotate: rotate, Flip: Flip(flip), Pace: Fast}
				f, err := ReadPicture(path, s)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if got := spell(f.Image); got != want {
					t.Errorf("ReadPicture: got %s, want %s", got, want)
				}
				if whole := image.Rect(0, 0, f.Image.Cols(), f.Image.Rows()); f.ROI != whole {
					t.Errorf("whole region: got %v, want %v", f.ROI, whole)
				}
				if got := spell(next(t, open(t, s)).Image); got != want {
					t.Errorf("Next: got %s, want %s", got, want)
				}
			})
		}
	}
}

func TestRegion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letters.png")
	m := letters("abcd", "efgh", "ijkl")
	defer m.Close()
	gocv.IMWrite(path, m)
	f, err := ReadPicture(path, Settings{Rotate: 90, ROI: rect(1, 2, 2, 2)}) // of iea/jfb/kgc/lhd
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	part := f.Image.Region(f.ROI)
	defer part.Close()
	if got := spell(part); got != "gc/hd" {
		t.Errorf("got %s", got)
	}
	for _, roi := range []image.Rectangle{rect(0, 0, 4, 1), rect(2, 3, 1, 2)} {
		if _, err := ReadPicture(path, Settings{Rotate: 90, ROI: roi}); err == nil || !strings.Contains(err.Error(), "3x4") {
			t.Errorf("%v: %v", roi, err)
		}
	}
	for _, roi := range []image.Rectangle{rect(-1, 0, 2, 2), rect(1, 1, 0, 5), {Min: image.Pt(3, 3), Max: image.Pt(1, 1)}} {
		if _, err := ReadPicture(path, Settings{ROI: roi}); err == nil || !strings.Contains(err.Error(), "no region") {
			t.Errorf("%v: %v", roi, err)
		}
	}
}

func TestReadPictureErrors(t *testing.T) {
	dir := t.TempDir()
	m := numbered(0x55, 320, 240)
	defer m.Close()
	whole := jpegOf(t, m)
	for _, test := range []struct {
		name, want string
		data       []byte
	}{
		{"empty.jpg", "is empty", nil},
		{"text.png", "can't be decoded", []byte("hello, this is no picture at all")},
		{"half.jpg", "is cut off", whole[:len(whole)/2]},
		{"header.jpg", "is cut off", whole[:2]},
	} {
		path := filepath.Join(dir, test.name)
		writeFile(t, path, test.data)
		_, err := ReadPicture(path, Settings{})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := ReadPicture(filepath.Join(dir, "missing.jpg"), Settings{}); !os.IsNotExist(unwrapAll(err)) {
		t.Error(err)
	}
	path := filepath.Join(dir, "padded.jpg") // as some cameras do
	writeFile(t, path, append(whole, make([]byte, 500)...))
	f, err := ReadPicture(path, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	f.Close()
}

func unwrapAll(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = u.Unwrap()
	}
}

func TestGrayPictureBecomesBGR(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gray.png")
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(77, 0, 0, 0), 4, 6, gocv.MatTypeCV8UC1)
	defer m.Close()
	gocv.IMWrite(path, m)
	f, err := ReadPicture(path, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Image.Type() != gocv.MatTypeCV8UC3 || f.Image.GetUCharAt(1, 5) != 77 {
		t.Errorf("type %v", f.Image.Type())
	}
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"10.jpg", "2.JPG", "1.jpeg", "02.jpg", "a10.png", "a9.png", "b.webp", "c.tif", "d.TIFF", "e.bmp", ".hidden.jpg", "f.txt", "g"} {
		writeFile(t, filepath.Join(dir, n), nil)
	}
	os.Mkdir(filepath.Join(dir, "sub.jpg"), 0o755)
	paths, err := Pictures(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	want := "1.jpeg 2.JPG 02.jpg 10.jpg a9.png a10.png b.webp c.tif d.TIFF e.bmp"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzNaturally(f *testing.F) {
	f.Add("a1b2", "a01b10", "a1")
	f.Add("", "0", "00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		sign := func(n int) int { return min(1, max(-1, n)) }
		if sign(naturally(a, b)) != -sign(naturally(b, a)) {
			t.Errorf("%q and %q are not ordered", a, b)
		}
		if naturally(a, b) == 0 && a != b {
			t.Errorf("%q and %q are equal", a, b)
		}
		if naturally(a, b) < 0 && naturally(b, c) < 0 && naturally(a, c) >= 0 {
			t.Errorf("%q < %q < %q is no order", a, b, c)
		}
	})
}
