package capture

import (
	"fmt"
	"image"
	"math"
	"time"
)

// Settings say what to open and how. The zero value of every field but Source is usable; Defaults fills in what a
// station normally wants.
type Settings struct {
	Source string // see ParseSource
	Dir    string // a file's or folder's relative path starts here; "": the working directory

	Width, Height int     // V4L2, CSI: pixels as the device delivers them, before rotation; 0: what the device has
	FPS           float64 // V4L2, CSI: asked of the device; file in RealTime: instead of the video's own; 0: what it has
	PixelFormat   string  // V4L2: FourCC such as "MJPG" or "YUYV"; "": what the device has

	// Controls are V4L2 controls by the names that v4l2-ctl prints (exposure_time_absolute, gain,
	// white_balance_automatic). Automatic modes are set before the values that they lock, and each is read back:
	// a value that did not stick is a loss of the camera, because pictures with other light are other pictures.
	Controls map[string]int

	Loop     bool          // file, folder: from the start again at the end
	Pace     Pace          // file, folder
	Interval time.Duration // folder in RealTime: from one picture to the next; 0: 500 ms

	Rotate int             // clockwise: 0, 90, 180 or 270 degrees
	Flip   Flip            // after Rotate
	ROI    image.Rectangle // in pixels of the rotated and flipped frame; empty: the whole frame

	Timeout     time.Duration // live: no frame for so long is a loss; 0: 2 s
	FrozenAfter time.Duration // live: byte-identical frames for so long are a loss; 0: never (Defaults: 5 s)

	ReopenMin, ReopenMax time.Duration // pause before opening a lost camera again, doubled each time; 0: 500 ms, 10 s
}

// Defaults returns the settings that a station uses where nobody said otherwise.
func Defaults() Settings {
	return Settings{
		Interval:    500 * time.Millisecond,
		Timeout:     2 * time.Second,
		FrozenAfter: 5 * time.Second,
		ReopenMin:   500 * time.Millisecond,
		ReopenMax:   10 * time.Second,
	}
}

// Pace is how fast a file or a folder is played.
type Pace int

const (
	// RealTime plays as the camera did: the video's own rate, or one picture each Interval. A slow caller misses frames.
	RealTime Pace = iota
	// Fast plays as fast as the frames are taken, and drops none.
	Fast
)

// Flip mirrors a frame.
type Flip int

const (
	FlipNone       Flip = iota
	FlipHorizontal      // left and right change places
	FlipVertical        // top and bottom change places
	FlipBoth            // half a turn
)

// complete checks s and fills in what was left zero.
func (s Settings) complete() (Settings, error) {
	d := Defaults()
	for _, v := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"interval", &s.Interval, d.Interval},
		{"timeout", &s.Timeout, d.Timeout},
		{"frozen after", &s.FrozenAfter, 0},
		{"shortest pause before reopening", &s.ReopenMin, d.ReopenMin},
		{"longest pause before reopening", &s.ReopenMax, d.ReopenMax},
	} {
		if *v.value < 0 {
			return s, fmt.Errorf("camera: %s is %v; it can't be negative", v.name, *v.value)
		}
		if *v.value == 0 {
			*v.value = v.zero
		}
	}
	s.ReopenMax = max(s.ReopenMax, s.ReopenMin)
	if s.Width < 0 || s.Height < 0 || (s.Width == 0) != (s.Height == 0) {
		return s, fmt.Errorf("camera: the size %dx%d is not a size; give width and height, or neither", s.Width, s.Height)
	}
	if s.FPS < 0 || math.IsNaN(s.FPS) || math.IsInf(s.FPS, 0) {
		return s, fmt.Errorf("camera: %v frames a second is not a rate; give a positive number, or 0 for the device's own", s.FPS)
	}
	if n := len(s.PixelFormat); n != 0 && n != 4 {
		return s, fmt.Errorf("camera: pixel format %q; it has four letters, such as MJPG or YUYV", s.PixelFormat)
	}
	if s.Pace != RealTime && s.Pace != Fast {
		return s, fmt.Errorf("camera: unknown pace %d", s.Pace)
	}
	_, err := newView(s)
	return s, err
}
