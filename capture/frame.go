package capture

import (
	"errors"
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"
)

// Frame is one picture. A Frame from Camera.Next belongs to the Camera: it is valid until the next call of Next or
// Close, and a caller that needs it longer clones it. A Frame from ReadPicture belongs to the caller, who closes it.
type Frame struct {
	Image  gocv.Mat        // the whole frame, rotated and flipped; BGR, 8 bit, 3 channels, rows without gaps
	ROI    image.Rectangle // the region of interest, always within Image
	Taken  time.Time       // when the camera took it, with a monotonic reading
	Decode time.Duration   // how long it took from the bytes to Image; a live camera's only from its driver's buffer
	Seq    uint64          // counts the frames read, dropped ones too, from 1
	Name   string          // file name of a folder's picture or of a video file; "" for a live camera

	own *buffer // what Close frees; nil where the Camera owns the Frame
}

// Close frees a Frame that came from ReadPicture. On a Camera's Frame it does nothing.
func (f *Frame) Close() error {
	if f.own != nil {
		f.own.free()
		f.own = nil
	}
	return nil
}

// buffer holds one frame and the scratch that making it takes. It has one owner at a time: the reader that fills it,
// the camera that keeps it ready, or the caller of Next.
type buffer struct {
	frame Frame
	raw   gocv.Mat // as it came, where the view turns it
	tmp   gocv.Mat // between transposing and mirroring

	pixels   []byte // frame.Image's, in OpenCV's memory
	turnable bool
}

func newBuffer(v view) *buffer {
	b := &buffer{turnable: v.turns()}
	b.frame.Image = gocv.NewMat()
	if b.turnable {
		b.raw, b.tmp = gocv.NewMat(), gocv.NewMat()
	}
	return b
}

// input is the Mat that a device reads into.
func (b *buffer) input() *gocv.Mat {
	if b.turnable {
		return &b.raw
	}
	return &b.frame.Image
}

// finish makes the oriented image and the region of interest from what input now holds.
func (b *buffer) finish(v view) error {
	if err := toBGR(b.input()); err != nil {
		return err
	}
	if b.turnable {
		if err := v.orient(b.raw, &b.tmp, &b.frame.Image); err != nil {
			return fmt.Errorf("turning the frame: %w", err)
		}
	}
	pixels, err := b.frame.Image.DataPtrUint8()
	if err != nil || len(pixels) == 0 {
		return errors.New("the frame holds no pixels")
	}
	b.pixels = pixels
	b.frame.ROI, err = v.region(b.frame.Image.Cols(), b.frame.Image.Rows())
	return err
}

func (b *buffer) free() {
	b.frame.Image.Close()
	if b.turnable {
		b.raw.Close()
		b.tmp.Close()
	}
}

// toBGR brings what a device delivered to 3 channels of 8 bit, in place.
func toBGR(m *gocv.Mat) error {
	switch t := m.Type(); t {
	case gocv.MatTypeCV8UC3:
		return nil
	case gocv.MatTypeCV8UC1:
		return gocv.CvtColor(*m, m, gocv.ColorGrayToBGR)
	case gocv.MatTypeCV8UC4:
		return gocv.CvtColor(*m, m, gocv.ColorBGRAToBGR)
	default:
		return &settingsError{fmt.Sprintf("frames of type %v can't be used; in a GStreamer pipeline put `videoconvert ! video/x-raw,format=BGR` before the appsink", t)}
	}
}
