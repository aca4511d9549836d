package device

import (
	"fmt"
	"time"
)

const (
	// cutTolerance is how late a pulse may begin without being called cut. A
	// millisecond is a tenth of what the quickest ejectors need to open.
	cutTolerance = time.Millisecond

	// longAgo bounds moments that are past, such as the zero time.Time, so that sums don't overflow.
	longAgo = 100 * 365 * 24 * time.Hour

	// maxTrain bounds how many pulses a train has.
	maxTrain = 1000
)

// PulseAt makes the output active at t for the width, or for the settings'
// width if it is 0. It doesn't wait for the pin, and allocates nothing unless it fails.
//
// ErrCut tells that the pulse is given, but not in full. Any other error tells
// that it is not given.
func (o *Output) PulseAt(t time.Time, width time.Duration) error {
	return o.pulse(t, train{width, 0, 1})
}

// PulseTrainAt makes the output active count times (1 to 1000), for the width each,
// or for the settings' width if it is 0, first at t, and with the gap (above 0)
// between the end of one and the begin of the next: a blow-off that is repeated, a lamp
// that blinks. The pulses merge with others, and those of other trains, like any pulse:
// where a gap is covered by another one's pulse there is no gap.
//
// The train is taken as a whole or not at all. ErrCut tells that some of it is
// given, but not all, because its begin is past. Any other error tells that nothing of it is given.
func (o *Output) PulseTrainAt(t time.Time, width, gap time.Duration, count int) error {
	switch {
	case count < 1 || count > maxTrain:
		return fmt.Errorf("output %q: train of %d pulses; 1 to %d are possible", o.settings.Name, count, maxTrain)
	case gap <= 0 || gap > maxWidth:
		return fmt.Errorf("output %q: gap of %v in a train of pulses; it is longer than 0 and at most %v", o.settings.Name, gap, maxWidth)
	}
	return o.pulse(t, train{width, gap, count})
}

// train is some pulses of one width, one behind the other.
type train struct {
	width, gap time.Duration
	count      int
}

// at is when the pulse of that number begins, in time since the train's begin.
func (t train) at(n int) time.Duration { return time.Duration(n) * (t.width + t.gap) }

func (t train) String() string {
	if t.count == 1 {
		return fmt.Sprintf("pulse of %v", t.width)
	}
	return fmt.Sprintf("%d pulses of %v with gaps of %v", t.count, t.width, t.gap)
}

func (o *Output) pulse(at time.Time, t train) error {
	if t.width == 0 {
		t.width = o.settings.Width
	}
	if t.width <= 0 || t.width > maxWidth {
		return fmt.Errorf("output %q: pulse of %v; a pulse is longer than 0 and at most %v", o.settings.Name, t.width, maxWidth)
	}
	s := o.owner
	start := max(at.Sub(s.epoch), -longAgo)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := o.refusal(); err != nil {
		return err
	}
	now := s.now()
	if ahead := min(start-now, 2*maxAhead) + t.at(t.count-1); ahead > maxAhead {
		return fmt.Errorf("output %q: pulse in %v; at most %v ahead, by the clock of time.Now", o.settings.Name, ahead, maxAhead)
	}
	if end := start + t.at(t.count-1) + t.width; end <= now {
		o.stats.Late++
		return fmt.Errorf("output %q: %v: %w: it should have ended %v ago", o.settings.Name, t, ErrLate, now-end)
	}
	if !o.pulses.addTrain(start, now, t) {
		o.stats.Full++
		return fmt.Errorf("output %q: %w: %d pulses are waiting", o.settings.Name, ErrFull, len(o.pulses.spans))
	}
	o.stats.Pulses++
	if max(start, now) < s.armed {
		s.alarm.poke()
	}
	if late := now - start; late > cutTolerance {
		o.stats.Cut++
		return fmt.Errorf("output %q: %v: %w: it should have begun %v ago", o.settings.Name, t, ErrCut, late)
	}
	return nil
}
