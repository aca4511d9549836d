package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"
)

// Look is what is remembered of a decoded picture: enough to judge its quality
// and to know the part again. It has no pointers, and one size (LookSize bytes
// when marshalled).
type Look struct {
	Width, Height int32 // of what was examined, pixels

	Brightness float32 // mean of the gray values, 0 to 255
	Contrast   float32 // standard deviation of the gray values
	Dark       float32 // share of pixels at 2 or below: no light
	Bright     float32 // share of pixels at 253 or above: too much of it
	Sharpness  float32 // standard deviation of the Laplacian, at a longest side of 640 pixels at most

	Texture Texture
}

// LookSize is the size of a marshalled Look.
const LookSize = 2*4 + 5*4 + textureSize

// LookVersion changes when Examine gives other numbers of the same picture: a
// cache must not give it old ones then.
const LookVersion = 1

// MarshalBinary is for a cache; UnmarshalBinary reads it again.
func (l *Look) MarshalBinary() ([]byte, error) {
	return binary.Append(make([]byte, 0, LookSize), binary.LittleEndian, l)
}

// UnmarshalBinary reads what MarshalBinary gave. Any bytes are either an error
// or a Look that Groups and Check can use.
func (l *Look) UnmarshalBinary(b []byte) error {
	if len(b) != LookSize {
		return fmt.Errorf("look: %d bytes; it has %d", len(b), LookSize)
	}
	var n Look
	if _, err := binary.Decode(b, binary.LittleEndian, &n); err != nil {
		return fmt.Errorf("look: %w", err)
	}
	if n.Width <= 0 || n.Height <= 0 {
		return fmt.Errorf("look: of a picture of %dx%d pixels", n.Width, n.Height)
	}
	for _, v := range []float32{n.Brightness, n.Contrast, n.Sharpness, n.Texture.Loudest} {
		if !(v >= 0 && v <= 1<<16) {
			return fmt.Errorf("look: a value of %v", v)
		}
	}
	if !(n.Dark >= 0 && n.Dark <= 1 && n.Bright >= 0 && n.Bright <= 1) {
		return fmt.Errorf("look: shares of %v and %v", n.Dark, n.Bright)
	}
	*l = n
	return nil
}

// lookScale is the longest side, in pixels, at which sharpness is measured, so
// that it does not depend on how finely a camera samples its own blur.
const lookScale = 640

// Examine looks at the part roi of img (BGR, 8 bit).
func Examine(img *gocv.Mat, roi image.Rectangle) (Look, error) {
	var l Look
	if img.Type() != gocv.MatTypeCV8UC3 {
		return l, fmt.Errorf("look: the picture's type is %v; BGR of 8 bit is needed", img.Type())
	}
	if whole := image.Rect(0, 0, img.Cols(), img.Rows()); roi.Empty() || !roi.In(whole) {
		return l, fmt.Errorf("look: the region %v is not within the picture, which has %dx%d pixels", roi, img.Cols(), img.Rows())
	}
	part := img.Region(roi)
	defer part.Close()
	gray := gocv.NewMat()
	defer gray.Close()
	if err := gocv.CvtColor(part, &gray, gocv.ColorBGRToGray); err != nil {
		return l, fmt.Errorf("look: %w", err)
	}
	// A whole factor, since averaging by it is quick and blurs all pixels alike.
	if f := (max(roi.Dx(), roi.Dy()) + lookScale - 1) / lookScale; f > 1 {
		size := image.Pt(max(1, roi.Dx()/f), max(1, roi.Dy()/f))
		if err := gocv.Resize(gray, &gray, size, 0, 0, gocv.InterpolationArea); err != nil {
			return l, fmt.Errorf("look: %w", err)
		}
	}
	l.Width, l.Height = int32(roi.Dx()), int32(roi.Dy())
	pixels, err := gray.DataPtrUint8()
	if err != nil || len(pixels) != gray.Cols()*gray.Rows() {
		return l, errors.New("look: the gray picture's pixels can't be read")
	}
	l.measure(pixels, gray.Cols(), gray.Rows())
	l.Texture, err = textureOf(gray)
	return l, err
}

// measure fills in brightness, contrast, shares and sharpness of w×h gray
// pixels. It looks at some rows only: hundreds tell as much as all.
func (l *Look) measure(pixels []uint8, w, h int) {
	const rows = 120
	step := max(1, h/rows)
	var histogram [256]int
	var n, sum, square, edges int
	var edgeSum, edgeSquare int64
	for y := step / 2; y < h; y += step {
		row := pixels[y*w : (y+1)*w]
		for _, v := range row {
			histogram[v]++
		}
		n += w
		if y == 0 || y == h-1 || w < 3 {
			continue
		}
		up, down := pixels[(y-1)*w:y*w], pixels[(y+1)*w:(y+2)*w]
		for x := 1; x < len(row)-1 && x < len(up) && x < len(down); x++ {
			d := 4*int(row[x]) - int(row[x-1]) - int(row[x+1]) - int(up[x]) - int(down[x])
			edgeSum += int64(d)
			edgeSquare += int64(d * d)
		}
		edges += w - 2
	}
	for v, count := range histogram {
		sum += v * count
		square += v * v * count
		if v <= 2 {
			l.Dark += float32(count) / float32(n)
		}
		if v >= 253 {
			l.Bright += float32(count) / float32(n)
		}
	}
	l.Dark, l.Bright = min(l.Dark, 1), min(l.Bright, 1)
	l.Brightness, l.Contrast = spread(float64(sum), float64(square), n)
	_, l.Sharpness = spread(float64(edgeSum), float64(edgeSquare), edges)
}

// spread is the mean and the standard deviation of n values, from their sum and
// the sum of their squares.
func spread(sum, square float64, n int) (mean, deviation float32) {
	if n == 0 {
		return 0, 0
	}
	m := sum / float64(n)
	return float32(m), float32(math.Sqrt(max(0, square/float64(n)-m*m)))
}
