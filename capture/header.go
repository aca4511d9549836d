package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxPixels is how many pixels a picture in a file may have. Decoding takes three bytes each and up to as much again
// on the way, and a small station has 512 MB in all.
const MaxPixels = 50_000_000

// maxFile is how long a picture's file may be: one of MaxPixels, 16 bit, three channels and not compressed.
const maxFile = 6*MaxPixels + 1<<20

// checkHeader looks at what a picture's file says of itself before anything is decoded: it must be of a known format,
// of a size that fits into memory, and whole.
func checkHeader(data []byte) error {
	if len(data) == 0 {
		return errors.New("is empty")
	}
	f := formatOf(data)
	if f == nil {
		return errors.New("is no JPEG, PNG, BMP, WebP or TIFF, whatever its name says; can't be decoded")
	}
	w, h, err := f.size(data)
	if err != nil {
		return fmt.Errorf("can't be decoded: the %s's %w", f.name, err)
	}
	if w <= 0 || h <= 0 {
		return fmt.Errorf("can't be decoded: the %s says that it has %d×%d pixels", f.name, w, h)
	}
	if w > MaxPixels/h {
		return fmt.Errorf("has %d×%d pixels, %.0f megapixels; %d megapixels at most are read, so that memory suffices. Make it smaller, or cut out the part",
			w, h, float64(w)*float64(h)/1e6, MaxPixels/1_000_000)
	}
	if f.whole != nil {
		return f.whole(data)
	}
	return nil
}

// headerBytes is within which part of a file's beginning a picture's size is looked for: a JPEG's may lie behind a
// thumbnail and a colour profile.
const headerBytes = 1 << 18

// Pixels is how many pixels a picture's file says it has, 0 where it can't be read or does not say so at its beginning.
func Pixels(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	data := make([]byte, headerBytes)
	n, _ := io.ReadFull(f, data) // a short file is no error, and of another the header tells
	kind := formatOf(data[:n])
	if kind == nil {
		return 0
	}
	w, h, err := kind.size(data[:n])
	if err != nil || w <= 0 || h <= 0 || w > MaxPixels/h {
		return 0
	}
	return w * h
}

// format is a kind of picture file.
type format struct {
	name  string
	magic []string // what it begins with, one of these; a dot stands for any byte
	size  func([]byte) (w, h int64, err error)
	whole func([]byte) error // what its decoder does not notice of a file that was cut off; may be nil
}

// formats are what is read; OpenCV could read more, but their sizes could not be told before.
var formats = []format{
	{"JPEG", []string{"\xff\xd8"}, jpegSize, checkJPEG},
	{"PNG", []string{"\x89PNG\r\n\x1a\n"}, pngSize, checkPNG},
	{"BMP", []string{"BM"}, bmpSize, nil},
	{"WebP", []string{"RIFF....WEBP"}, webpSize, nil},
	{"TIFF", []string{"II*\x00", "MM\x00*"}, tiffSize, nil},
}

func formatOf(data []byte) *format {
	for i, f := range formats {
		for _, m := range f.magic {
			if matches(data, m) {
				return &formats[i]
			}
		}
	}
	return nil
}

func matches(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '.' && magic[i] != data[i] {
			return false
		}
	}
	return true
}

// errHeader is the error of a header that ends too early or makes no sense.
var errHeader = errors.New("header is cut off or broken")

// jpegSize looks for the start of the frame, which has the size.
func jpegSize(data []byte) (w, h int64, err error) {
	for i := 2; i+9 <= len(data) && data[i] == 0xff; {
		marker := data[i+1]
		switch {
		case marker == 0xff: // filler
			i++
			continue
		case marker == 0x01 || 0xd0 <= marker && marker <= 0xd8: // markers without content
			i += 2
			continue
		case 0xc0 <= marker && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return int64(binary.BigEndian.Uint16(data[i+7:])), int64(binary.BigEndian.Uint16(data[i+5:])), nil
		case marker == 0xd9 || marker == 0xda:
			return 0, 0, errHeader
		}
		i += 2 + int(binary.BigEndian.Uint16(data[i+2:]))
	}
	return 0, 0, errHeader
}

func pngSize(data []byte) (w, h int64, err error) {
	if len(data) < 33 || string(data[12:16]) != "IHDR" {
		return 0, 0, errHeader
	}
	return int64(binary.BigEndian.Uint32(data[16:])), int64(binary.BigEndian.Uint32(data[20:])), nil
}

func bmpSize(data []byte) (w, h int64, err error) {
	if len(data) < 26 {
		return 0, 0, errHeader
	}
	le := binary.LittleEndian
	if le.Uint32(data[14:]) == 12 { // OS/2's header
		return int64(le.Uint16(data[18:])), int64(le.Uint16(data[20:])), nil
	}
	w, h = int64(int32(le.Uint32(data[18:]))), int64(int32(le.Uint32(data[22:])))
	return w, max(h, -h), nil // a negative height: from top to bottom
}

func webpSize(data []byte) (w, h int64, err error) {
	if len(data) < 30 {
		return 0, 0, errHeader
	}
	le := binary.LittleEndian
	switch string(data[12:16]) {
	case "VP8 ":
		return int64(le.Uint16(data[26:]) & 0x3fff), int64(le.Uint16(data[28:]) & 0x3fff), nil
	case "VP8L":
		bits := le.Uint32(data[21:])
		return int64(bits&0x3fff) + 1, int64(bits>>14&0x3fff) + 1, nil
	case "VP8X":
		if data[20]&0x02 != 0 {
			return 0, 0, errors.New("header says that it is an animation; save one picture of it")
		}
		return int64(data[24]) + int64(data[25])<<8 + int64(data[26])<<16 + 1, int64(data[27]) + int64(data[28])<<8 + int64(data[29])<<16 + 1, nil
	}
	return 0, 0, errHeader
}

// Tags of TIFF that say how large a picture is.
const (
	tiffWidth  = 256
	tiffHeight = 257
)

// tiffSize reads the first directory, whose picture is the one that is decoded.
func tiffSize(data []byte) (w, h int64, err error) {
	if len(data) < 8 {
		return 0, 0, errHeader
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return 0, 0, errHeader
	}
	n := int64(order.Uint16(data[at:]))
	for at += 2; n > 0 && at+12 <= int64(len(data)); n, at = n-1, at+12 {
		entry := data[at:]
		var v int64
		switch order.Uint16(entry[2:]) {
		case 3: // 16 bit
			v = int64(order.Uint16(entry[8:]))
		case 4: // 32 bit
			v = int64(order.Uint32(entry[8:]))
		default:
			continue
		}
		switch order.Uint16(entry) {
		case tiffWidth:
			w = v
		case tiffHeight:
			h = v
		}
	}
	if w == 0 || h == 0 {
		return 0, 0, errHeader
	}
	return w, h, nil
}

// checkPNG finds a PNG that was cut off: what is missing would be black.
func checkPNG(data []byte) error {
	for i := int64(8); i+12 <= int64(len(data)); {
		if bytes.Equal(data[i+4:i+8], []byte("IEND")) {
			return nil
		}
		i += 12 + int64(binary.BigEndian.Uint32(data[i:]))
	}
	return errors.New("the PNG is cut off: its end is missing")
}
