package capture

import (
	"errors"
	"fmt"
	"time"
)

// Reason is why a camera was lost.
type Reason string

const (
	NoDevice   Reason = "no such device"   // it was not there when it was opened
	OpenFailed Reason = "cannot be opened" // it is there and refuses: busy, no permission, wrong address
	Refused    Reason = "settings refused" // it runs, but not with these settings: size, controls, region of interest
	Unplugged  Reason = "unplugged"        // it went away, or the pipeline ended
	NoFrame    Reason = "timeout"          // it delivered nothing for Settings.Timeout
	Frozen     Reason = "frozen"           // it delivered the same picture for Settings.FrozenAfter
	ReadError  Reason = "read error"       // it is there and reading failed
)

// LostError says that a live camera delivers no frames any more, or did not from the start. Next returns it once for
// each loss; the camera is opened again in the background, and Next goes on with the first frame of that.
type LostError struct {
	Source string // "camera /dev/video0"
	Reason Reason
	Since  time.Time     // the last frame, or Open where there was none
	Retry  time.Duration // until it is tried again
	Err    error         // what exactly, and the way out; may be nil
}

func (e *LostError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Source, e.Reason)
	}
	return fmt.Sprintf("%s: %s: %v", e.Source, e.Reason, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("camera is closed")

// failure is an error of a device with its reason.
type failure struct {
	reason Reason
	err    error
}

func (f *failure) Error() string {
	if f.err == nil {
		return string(f.reason)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// settingsError is a device that works, but not as asked.
type settingsError struct{ text string }

func (e *settingsError) Error() string { return e.text }

// reasonOf says why err lost the camera.
func reasonOf(err error) Reason {
	var f *failure
	if errors.As(err, &f) {
		return f.reason
	}
	var s *settingsError
	if errors.As(err, &s) {
		return Refused
	}
	return ReadError
}
