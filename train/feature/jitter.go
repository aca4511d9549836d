package feature

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"

	"gocv.io/x/gocv"
)

// Variant is one way in which a picture teaches: turned, and as another shot of
// the same part might look. The zero Variant is the picture as it is.
type Variant struct {
	Turn   Turn
	Jitter int // 0: none; 1, 2, … up to 255 are shots of their own
}

// jitterVersion changes when newJitter or apply do: features on a shelf are of
// another picture then.
const jitterVersion = 1

// How far a shot may differ, each way.
const (
	mostBrightness = 12.0 // gray levels
	mostContrast   = 0.10 // share
	mostShift      = 0.02 // share of the width and of the height
	mostTilt       = 2.0  // degrees
)

// jitter is what a camera on the line does to a part from shot to shot: other
// light, and the part not quite in the same place.
type jitter struct {
	gain, offset float64
	dx, dy       float64 // shares of width and height
	tilt         float64 // degrees
}

// newJitter draws the n-th jitter of the picture with this hash.
func newJitter(hash [32]byte, n int) jitter {
	r := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(hash[:8]), uint64(n)))
	draw := func(most float64) float64 { return (2*r.Float64() - 1) * most }
	return jitter{gain: 1 + draw(mostContrast), offset: draw(mostBrightness), dx: draw(mostShift), dy: draw(mostShift), tilt: draw(mostTilt)}
}

// apply writes the part roi of img, jittered, to dst, in the same size. What
// comes into view at the border repeats what is there.
func (j jitter) apply(img *gocv.Mat, roi image.Rectangle, dst *gocv.Mat) error {
	part := img.Region(roi)
	defer part.Close()
	w, h := float64(roi.Dx()), float64(roi.Dy())
	turn := gocv.GetRotationMatrix2D(image.Pt(roi.Dx()/2, roi.Dy()/2), j.tilt, 1)
	defer turn.Close()
	turn.SetDoubleAt(0, 2, turn.GetDoubleAt(0, 2)+j.dx*w)
	turn.SetDoubleAt(1, 2, turn.GetDoubleAt(1, 2)+j.dy*h)
	err := gocv.WarpAffineWithParams(part, dst, turn, image.Pt(roi.Dx(), roi.Dy()), gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	if err != nil {
		return fmt.Errorf("moving the picture: %w", err)
	}
	// Contrast turns about the middle gray.
	offset := 127.5*(1-j.gain) + j.offset
	if err := dst.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, float32(j.gain), float32(offset)); err != nil {
		return fmt.Errorf("brightening the picture: %w", err)
	}
	if dst.Cols() != roi.Dx() || dst.Rows() != roi.Dy() {
		return fmt.Errorf("the jittered picture has %d×%d pixels where the picture has %v", dst.Cols(), dst.Rows(), roi.Size())
	}
	return nil
}
