package capture

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// view turns a picture as the sensor sees it into the one that is judged: rotated, then flipped, then cut.
//
// Every mixture of quarter turns and mirrors is at most a transposition followed by mirrors, so a frame is touched at
// most twice, and not at all where nothing is to be turned.
type view struct {
	transpose bool
	mirrorX   bool // left and right change places
	mirrorY   bool // top and bottom change places
	roi       image.Rectangle
}

func newView(s Settings) (view, error) {
	v := view{roi: s.ROI}
	switch s.Rotate {
	case 0:
	case 90:
		v.transpose, v.mirrorX = true, true
	case 180:
		v.mirrorX, v.mirrorY = true, true
	case 270:
		v.transpose, v.mirrorY = true, true
	default:
		return v, fmt.Errorf("camera: rotation by %d degrees; it can be 0, 90, 180 or 270", s.Rotate)
	}
	switch s.Flip {
	case FlipNone:
	case FlipHorizontal:
		v.mirrorX = !v.mirrorX
	case FlipVertical:
		v.mirrorY = !v.mirrorY
	case FlipBoth:
		v.mirrorX, v.mirrorY = !v.mirrorX, !v.mirrorY
	default:
		return v, fmt.Errorf("camera: unknown flip %d", s.Flip)
	}
	if r := s.ROI; r != (image.Rectangle{}) && (r.Empty() || r.Min.X < 0 || r.Min.Y < 0) {
		return v, fmt.Errorf("camera: the region of interest %v is no region; give left, top, width and height in pixels", r)
	}
	return v, nil
}

// turns tells whether a frame has to be copied to be oriented.
func (v view) turns() bool { return v.transpose || v.mirrorX || v.mirrorY }

// orient leaves src in dst, rotated and flipped. Both are BGR, 8 bit, and not the same Mat; tmp is scratch.
func (v view) orient(src gocv.Mat, tmp, dst *gocv.Mat) error {
	if !v.transpose {
		return gocv.Flip(src, dst, v.flipCode())
	}
	if !v.mirrorX && !v.mirrorY {
		return gocv.Transpose(src, dst)
	}
	if err := gocv.Transpose(src, tmp); err != nil {
		return err
	}
	return gocv.Flip(*tmp, dst, v.flipCode())
}

// flipCode is cv::flip's: 0 turns upside down, 1 left to right, -1 both.
func (v view) flipCode() int {
	switch {
	case v.mirrorX && v.mirrorY:
		return -1
	case v.mirrorX:
		return 1
	}
	return 0
}

// region returns the region of interest within a frame of w×h pixels.
func (v view) region(w, h int) (image.Rectangle, error) {
	if v.roi.Empty() {
		return image.Rect(0, 0, w, h), nil
	}
	if v.roi.Max.X > w || v.roi.Max.Y > h {
		return v.roi, &settingsError{fmt.Sprintf("the region of interest (%dx%d pixels at %d,%d) reaches outside the frame, which has %dx%d pixels; make it smaller or set the camera's size",
			v.roi.Dx(), v.roi.Dy(), v.roi.Min.X, v.roi.Min.Y, w, h)}
	}
	return v.roi, nil
}
