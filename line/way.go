package line

import (
	"context"
	"time"

	"passfail/device"
	"passfail/line/belt"
)

// Way tells how far the belt has come on the way to the gate.
type Way interface {
	// At is where the belt was at a moment that is not long ago.
	At(t time.Time) belt.Position

	// Wait returns once the belt has come to a position, with the moment at which it
	// came there or, if that is past, now. One goroutine at a time calls it.
	Wait(ctx context.Context, p belt.Position) (time.Time, error)

	// Moment is when the belt will come to a position; false if nobody can know.
	Moment(p belt.Position) (time.Time, bool)
}

// ByTime is the way of a belt of constant speed: its position is a time.
type ByTime struct {
	epoch time.Time
	timer *time.Timer
}

// NewByTime makes the way of a belt whose position was 0 at epoch.
func NewByTime(epoch time.Time) *ByTime {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &ByTime{epoch, t}
}

// At implements Way.
func (w *ByTime) At(t time.Time) belt.Position { return belt.Position(t.Sub(w.epoch)) }

// Moment implements Way.
func (w *ByTime) Moment(p belt.Position) (time.Time, bool) {
	return w.epoch.Add(time.Duration(p)), true
}

// Wait implements Way.
func (w *ByTime) Wait(ctx context.Context, p belt.Position) (time.Time, error) {
	if d := time.Duration(p) - time.Since(w.epoch); d > 0 {
		w.timer.Reset(d)
		select {
		case <-w.timer.C:
		case <-ctx.Done():
			w.timer.Stop()
			return time.Time{}, ctx.Err()
		}
	}
	return time.Now(), nil
}

// ByEncoder is the way of a belt that an encoder measures: its position is a count.
type ByEncoder struct{ Encoder *device.Encoder }

// At implements Way. Of what is too long ago it is the oldest that is remembered.
func (w ByEncoder) At(t time.Time) belt.Position {
	count, _ := w.Encoder.CountAt(t)
	return belt.Position(count)
}

// Moment implements Way: the belt may stop.
func (w ByEncoder) Moment(belt.Position) (time.Time, bool) { return time.Time{}, false }

// Wait implements Way.
func (w ByEncoder) Wait(ctx context.Context, p belt.Position) (time.Time, error) {
	return w.Encoder.Wait(ctx, int64(p))
}
