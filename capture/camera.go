package capture

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Camera is an opened source of frames.
type Camera struct{}

// Stats count since Open.
type Stats struct {
	Read      uint64 // frames that the device delivered
	Judged    uint64 // frames that Next returned
	Dropped   uint64 // frames overwritten by a newer one before Next came for them
	Skipped   uint64 // pictures of a folder that could not be read
	Losses    uint64 // times that the camera was lost
	Reopens   uint64 // times that it came back
	Abandoned int    // readers that are stuck inside OpenCV now
	Lost      bool   // lost now
	FPS       float64
}

// Open starts to read s.Source.
func Open(ctx context.Context, s Settings, log *slog.Logger) (*Camera, error) {
	return nil, errors.New("not yet")
}

// Next waits for a frame newer than the last one that it returned.
func (c *Camera) Next(ctx context.Context) (*Frame, error) { return nil, errors.New("not yet") }

// Stats may be called at any time, also after Close.
func (c *Camera) Stats() Stats { return Stats{} }

// Close ends the camera and waits for its goroutines.
func (c *Camera) Close() error { return nil }

// Reason is why a camera was lost.
type Reason string

const (
	NoDevice  Reason = "no such device"
	Unplugged Reason = "unplugged"
	NoFrame   Reason = "timeout"
	Frozen    Reason = "frozen"
	ReadError Reason = "read error"
)

// LostError says that a live camera delivers no frames any more (or did not from the start).
type LostError struct {
	Source string
	Reason Reason
	Since  time.Time // last frame, or Open
	Retry  time.Duration
	Err    error
}

func (e *LostError) Error() string { return e.Source + ": " + string(e.Reason) }
func (e *LostError) Unwrap() error { return e.Err }
