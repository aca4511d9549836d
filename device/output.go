package device

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Output is one output; see [Outputs].
type Output struct {
	// Immutable.
	owner    *Outputs
	settings OutputSettings
	pin      gpio.PinIO

	// driving is held while the pin is driven and until what came of it has
	// been noted. It is taken before owner.mu.
	driving sync.Mutex

	// Guarded by owner.mu.
	level  bool          // as Set
	pulses schedule      // and these
	driven bool          // what the pin was last driven to; true: active
	fault  error         // why the pin could not be driven; nil: it could
	tries  int           // how often it has failed in a row
	retry  time.Duration // when it is tried again
	stats  Stats
}

// Stats counts what an output did.
type Stats struct {
	Active  bool  // what the pin was last driven to
	Waiting int   // pulses, merged, that have not ended
	Fault   error // why the pin can't be driven at present, or nil

	Pulses    uint64 // accepted by PulseAt, cut ones included
	Late      uint64 // refused: their whole time was past
	Cut       uint64 // accepted with their start past by more than a millisecond
	Full      uint64 // refused: too many were waiting
	Missed    uint64 // accepted, and never given: the program was held up, or the pin failed
	Cancelled uint64 // accepted, and dropped by Safe
	Faults    uint64 // failed attempts to drive the pin

	MaxLag time.Duration // the most by which an edge of a pulse came late at the driver's door
}

// cutTolerance is how late a pulse may begin without being called cut. A
// millisecond is a tenth of what the quickest ejectors need to open.
const cutTolerance = time.Millisecond

// longAgo bounds moments that are past, such as the zero time.Time, so that sums don't overflow.
const longAgo = 100 * 365 * 24 * time.Hour

// Settings are those that the output was made of.
func (o *Output) Settings() OutputSettings { return o.settings }

// Name is the output's name in the settings.
func (o *Output) Name() string { return o.settings.Name }

// String names the output and its pin.
func (o *Output) String() string {
	return fmt.Sprintf("output %q (pin %s)", o.settings.Name, o.settings.Pin)
}

// Stats tells what the output has done so far.
func (o *Output) Stats() Stats {
	o.owner.mu.Lock()
	defer o.owner.mu.Unlock()
	st := o.stats
	st.Active = o.driven
	st.Waiting = len(o.pulses.spans)
	st.Fault = o.fault
	return st
}

// Set makes the output active, or ends that; pulses go on regardless. It
// drives the pin before it returns.
func (o *Output) Set(active bool) error {
	return o.change(active, false)
}

// Toggle is Set of what was not set.
func (o *Output) Toggle() error {
	return o.change(false, true)
}

func (o *Output) change(active, toggle bool) error {
	s := o.owner
	s.mu.Lock()
	if toggle {
		active = !o.level
	}
	if active {
		if err := o.refusal(); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	if s.closed {
		s.mu.Unlock()
		return nil // at rest for good
	}
	o.level = active
	s.mu.Unlock()
	return o.settle(false)
}

// PulseAt makes the output active at t for the width, or for the settings'
// width if it is 0. It doesn't wait for the pin, and allocates nothing unless it fails.
//
// ErrCut tells that the pulse is given, but not in full. Any other error tells
// that it is not given.
func (o *Output) PulseAt(t time.Time, width time.Duration) error {
	if width == 0 {
		width = o.settings.Width
	}
	if width <= 0 || width > maxWidth {
		return fmt.Errorf("output %q: pulse of %v; a pulse is longer than 0 and at most %v", o.settings.Name, width, maxWidth)
	}
	s := o.owner
	start := max(t.Sub(s.epoch), -longAgo)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := o.refusal(); err != nil {
		return err
	}
	now := s.now()
	if start-now > maxAhead {
		return fmt.Errorf("output %q: pulse in %v; at most %v ahead, by the clock of time.Now", o.settings.Name, start-now, maxAhead)
	}
	if start+width <= now {
		o.stats.Late++
		return fmt.Errorf("output %q: pulse of %v: %w: it should have ended %v ago", o.settings.Name, width, ErrLate, now-start-width)
	}
	late := now - start
	if !o.pulses.add(span{start: max(start, now), end: start + width, pulses: 1}) {
		o.stats.Full++
		return fmt.Errorf("output %q: %w: %d pulses are waiting", o.settings.Name, ErrFull, len(o.pulses.spans))
	}
	o.stats.Pulses++
	if max(start, now) < s.armed {
		s.alarm.poke()
	}
	if late > cutTolerance {
		o.stats.Cut++
		return fmt.Errorf("output %q: pulse of %v: %w: it should have begun %v ago", o.settings.Name, width, ErrCut, late)
	}
	return nil
}

// refusal says why the output can't become active now. owner.mu is held.
func (o *Output) refusal() error {
	switch {
	case o.owner.closed:
		return fmt.Errorf("output %q: %w", o.settings.Name, ErrClosed)
	case o.owner.safe:
		return fmt.Errorf("output %q: %w", o.settings.Name, ErrSafe)
	case o.fault != nil:
		return o.fault
	}
	return nil
}
