package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

// encoded is m as a file.
func encoded(t testing.TB, ext gocv.FileExt, m gocv.Mat, params ...int) []byte {
	t.Helper()
	if len(params) == 0 {
		params = []int{gocv.IMWriteJpegQuality, 95} // gocv wants one; the other formats ignore it
	}
	b, err := gocv.IMEncodeWithParams(ext, m, params)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return bytes.Clone(b.GetBytes())
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// flat is a picture of one colour.
func flat(kind gocv.MatType, b, g, r, a float64) gocv.Mat {
	return gocv.NewMatWithSizeFromScalar(gocv.NewScalar(b, g, r, a), 16, 24, kind)
}

// flatJPEG is a JPEG of four components, each of one value: CMYK as Adobe's programs write it (inverted; transform 0),
// or YCCK (transform 2; of what is inverted, the luminance is inverted again). 24 by 16 pixels.
func flatJPEG(transform byte, values [4]byte) []byte {
	segment := func(marker byte, content ...byte) []byte {
		return append([]byte{0xff, marker, 0, byte(len(content) + 2)}, content...)
	}
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, transform)...)...)
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(0xc0, 8, 0, 16, 0, 24, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)...)
	// DC: the twelve sizes have four bits each; AC: the end of a block has one.
	b = append(b, segment(0xc4, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)...)
	b = append(b, segment(0xc4, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)...)
	b = append(b, segment(0xda, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)...)
	var bits string
	for block := range 6 {
		for _, v := range values {
			d := 0
			if block == 0 { // the others differ by nothing from it
				d = 8 * (int(v) - 128)
			}
			size := len(fmt.Sprintf("%b", max(d, -d)))
			if d == 0 {
				size = 0
			}
			bits += fmt.Sprintf("%04b", size)
			if d < 0 {
				d += 1<<size - 1
			}
			if size > 0 {
				bits += fmt.Sprintf("%0*b", size, d)
			}
			bits += "0"
		}
	}
	for len(bits)%8 != 0 {
		bits += "1"
	}
	for i := 0; i < len(bits); i += 8 {
		var v byte
		fmt.Sscanf(bits[i:i+8], "%b", &v)
		if b = append(b, v); v == 0xff {
			b = append(b, 0)
		}
	}
	return append(b, 0xff, 0xd9)
}

// withEXIF puts a note of the camera's orientation into a JPEG.
func withEXIF(jpeg []byte, orientation byte) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	tiff[19] = orientation
	app1 := append([]byte("Exif\x00\x00"), tiff...)
	b := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(app1) + 2)}, app1...)
	return append(b, jpeg[2:]...)
}

// Whatever a picture's file holds, it becomes BGR of 8 bit with the colours that a person would see.
func TestPictureKinds(t *testing.T) {
	palette := image.NewPaletted(image.Rect(0, 0, 24, 16), color.Palette{color.Black, color.RGBA{30, 20, 10, 255}})
	gray16 := image.NewGray16(image.Rect(0, 0, 24, 16))
	rgba16 := image.NewNRGBA64(image.Rect(0, 0, 24, 16))
	for i := range 24 * 16 {
		palette.Pix[i] = 1
		gray16.SetGray16(i%24, i/24, color.Gray16{0x1e80})
		rgba16.SetNRGBA64(i%24, i/24, color.NRGBA64{0x1e80, 0x1480, 0x0a80, 0x1000})
	}
	bgr, bgra, gray, deep := flat(gocv.MatTypeCV8UC3, 10, 20, 30, 0), flat(gocv.MatTypeCV8UC4, 10, 20, 30, 9), flat(gocv.MatTypeCV8UC1, 30, 0, 0, 0), flat(gocv.MatTypeCV16UC3, 0x0a80, 0x1480, 0x1e80, 0)
	for _, m := range []gocv.Mat{bgr, bgra, gray, deep} {
		defer m.Close()
	}
	colour, grays := [3]int{10, 20, 30}, [3]int{30, 30, 30}
	for name, c := range map[string]struct {
		data []byte
		want [3]int // blue, green, red
		off  int    // by how much a lossy format may miss it
	}{
		"PNG":              {encoded(t, ".png", bgr), colour, 0},
		"PNG with alpha":   {encoded(t, ".png", bgra), colour, 0},
		"gray PNG":         {encoded(t, ".png", gray), grays, 0},
		"palette PNG":      {pngOf(t, palette), colour, 0},
		"16-bit PNG":       {encoded(t, ".png", deep), colour, 1},
		"gray 16-bit PNG":  {pngOf(t, gray16), grays, 1},
		"16 bit and alpha": {pngOf(t, rgba16), colour, 1},
		"TIFF":             {encoded(t, ".tiff", bgr), colour, 0},
		"16-bit TIFF":      {encoded(t, ".tiff", deep), colour, 1},
		"gray TIFF":        {encoded(t, ".tiff", gray), grays, 0},
		"BMP":              {encoded(t, ".bmp", bgr), colour, 0},
		"gray BMP":         {encoded(t, ".bmp", gray), grays, 0},
		"WebP":             {encoded(t, ".webp", bgr, gocv.IMWriteWebpQuality, 80), colour, 4},
		"lossless WebP":    {encoded(t, ".webp", bgr, gocv.IMWriteWebpQuality, 101), colour, 0},
		"WebP with alpha":  {encoded(t, ".webp", bgra, gocv.IMWriteWebpQuality, 101), colour, 0},
		"JPEG":             {encoded(t, ".jpg", bgr), colour, 3},
		"gray JPEG":        {encoded(t, ".jpg", gray), grays, 1},
		"progressive JPEG": {encoded(t, ".jpg", bgr, gocv.IMWriteJpegProgressive, 1), colour, 3},
		"CMYK JPEG":        {flatJPEG(0, [4]byte{30, 20, 10, 255}), colour, 2},
		"dark CMYK JPEG":   {flatJPEG(0, [4]byte{60, 40, 20, 128}), colour, 2},
		"YCCK JPEG":        {flatJPEG(2, [4]byte{225, 128, 128, 255}), grays, 2},
	} {
		path := filepath.Join(t.TempDir(), "x.png") // what it is called makes no difference
		writeFile(t, path, c.data)
		f, err := ReadPicture(path, Settings{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Image.Type() != gocv.MatTypeCV8UC3 || f.Image.Cols() != 24 || f.Image.Rows() != 16 {
			t.Errorf("%s: %v, %d×%d", name, f.Image.Type(), f.Image.Cols(), f.Image.Rows())
		}
		for k, want := range c.want {
			if got := int(f.Image.GetUCharAt(8, 12*3+k)); max(got-want, want-got) > c.off {
				t.Errorf("%s: channel %d is %d, want %d", name, k, got, want)
			}
		}
		f.Close()
	}
}

// A camera that was held upright notes that; the picture is turned.
func TestOrientationNote(t *testing.T) {
	m := numbered(1, 240, 160) // white on the left
	defer m.Close()
	for orientation, want := range map[byte]image.Point{1: {10, 80}, 3: {230, 80}, 6: {80, 10}, 8: {80, 230}} {
		path := filepath.Join(t.TempDir(), "x.jpg")
		writeFile(t, path, withEXIF(jpegOf(t, m), orientation))
		f, err := ReadPicture(path, Settings{})
		if err != nil {
			t.Fatal(err)
		}
		upright := orientation >= 5
		if (f.Image.Rows() > f.Image.Cols()) != upright || f.Image.GetUCharAt(want.Y, want.X*3) < 200 || f.Image.GetUCharAt(f.Image.Rows()/2, f.Image.Cols()/2*3) > 50 {
			t.Errorf("orientation %d: %d×%d", orientation, f.Image.Cols(), f.Image.Rows())
		}
		f.Close()
	}
}

// hugePNG says that it has w×h pixels; nobody should believe that it has none.
func hugePNG(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, w), h)
	b = append(b, 8, 2, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
	return append(b, "\x00\x00\x00\x00IEND\xaeB`\x82"...)
}

func TestUnusablePictures(t *testing.T) {
	m := numbered(0x55, 64, 48)
	defer m.Close()
	large := encoded(t, ".bmp", m)
	binary.LittleEndian.PutUint32(large[18:], 20000)
	binary.LittleEndian.PutUint32(large[22:], 10000)
	animation := append([]byte("RIFF\x40\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"), make([]byte, 44)...)
	jpeg := jpegOf(t, m)
	flatJPEG := bytes.Clone(jpeg)
	at := bytes.Index(flatJPEG, []byte{0xff, 0xc0})
	copy(flatJPEG[at+5:], []byte{0, 0, 0, 64})
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"200 megapixels":      {hugePNG(20000, 10000), "has 20000×10000 pixels, 200 megapixels; 50 megapixels at most are read, so that memory suffices. Make it smaller"},
		"a side past 32 bits": {hugePNG(1<<31-1, 1<<31-1), "megapixels at most"},
		"no side":             {hugePNG(0, 10), "says that it has 0×10 pixels"},
		"a large BMP":         {large, "has 20000×10000 pixels"},
		"no lines":            {flatJPEG, "says that it has 64×0 pixels"},
		"an animation":        {animation, "is an animation; save one picture of it"},
		"text":                {[]byte("hello"), "is no JPEG, PNG, BMP, WebP or TIFF"},
		"nothing":             {nil, "is empty"},
		"half a PNG":          {encoded(t, ".png", m)[:150], "PNG is cut off"},
		"a PNG's beginning":   {encoded(t, ".png", m)[:20], "PNG's header is cut off"},
		"half a JPEG":         {jpeg[:len(jpeg)/2], "JPEG is cut off"},
		"a JPEG's beginning":  {jpeg[:12], "JPEG's header is cut off"},
		"half a BMP":          {encoded(t, ".bmp", m)[:500], "can't be decoded"},
		"half a WebP":         {encoded(t, ".webp", m)[:60], "can't be decoded"},
		"half a TIFF":         {encoded(t, ".tiff", m)[:60], "can't be decoded"},
	} {
		path := filepath.Join(t.TempDir(), "x.jpg")
		writeFile(t, path, c.data)
		f, err := ReadPicture(path, Settings{})
		if err == nil {
			t.Errorf("%s: it is read: %d×%d", name, f.Image.Cols(), f.Image.Rows())
			f.Close()
		} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "x.jpg")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPicture(folder, Settings{}); err == nil || !strings.Contains(err.Error(), "x.jpg: is a folder") {
		t.Error(err)
	}
	long := filepath.Join(dir, "long.bmp")
	writeFile(t, long, nil)
	if err := os.Truncate(long, maxFile+1); err != nil { // it takes no room on the disk
		t.Fatal(err)
	}
	if _, err := ReadPicture(long, Settings{}); err == nil || !strings.Contains(err.Error(), "long.bmp: has 287 MB") {
		t.Error(err)
	}
	secret := filepath.Join(dir, "secret.jpg")
	writeFile(t, secret, nil)
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	if _, err := ReadPicture(secret, Settings{}); !os.IsPermission(unwrapAll(err)) {
		t.Error(err)
	}
}

// A file that is cut off anywhere is never taken for another picture.
func TestCutAnywhere(t *testing.T) {
	m := numbered(0x2d, 48, 32)
	defer m.Close()
	for _, ext := range []gocv.FileExt{".png", ".jpg", ".bmp", ".webp", ".tiff"} {
		whole := encoded(t, ext, m)
		want, err := DecodePicture(whole, "whole", Settings{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			f, err := DecodePicture(whole[:n], "cut", Settings{})
			if err != nil {
				continue
			}
			if !bytes.Equal(f.Image.ToBytes(), want.Image.ToBytes()) {
				t.Errorf("%s: %d of %d bytes give another picture", ext, n, len(whole))
			}
			f.Close()
		}
		want.Close()
	}
}

func TestPixels(t *testing.T) {
	m := numbered(0x2d, 48, 32)
	defer m.Close()
	files := map[string][]byte{"none": []byte("no picture"), "empty": nil, "huge": hugePNG(20000, 10000)}
	for _, ext := range []gocv.FileExt{".png", ".jpg", ".bmp", ".webp", ".tiff"} {
		files[string(ext)] = encoded(t, ext, m)
	}
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, "picture"+name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		want := int64(48 * 32)
		if name[0] != '.' {
			want = 0
		}
		if got := Pixels(path); got != want {
			t.Errorf("%s: %d pixels, want %d", name, got, want)
		}
	}
	if got := Pixels(filepath.Join(dir, "missing")); got != 0 {
		t.Errorf("a missing file has %d pixels", got)
	}
}

// FuzzHeader: no header makes the check fail other than by an error, and what it lets through is small enough.
func FuzzHeader(f *testing.F) {
	m := numbered(0x2d, 48, 32)
	defer m.Close()
	for _, ext := range []gocv.FileExt{".png", ".jpg", ".bmp", ".webp", ".tiff"} {
		f.Add(encoded(f, ext, m))
	}
	f.Add(hugePNG(20000, 10000))
	f.Add(withEXIF(flatJPEG(2, [4]byte{1, 2, 3, 4}), 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkHeader(data) != nil {
			return
		}
		w, h, err := formatOf(data).size(data)
		if err != nil || w <= 0 || h <= 0 || w*h > MaxPixels {
			t.Errorf("%d×%d, %v", w, h, err)
		}
	})
}
