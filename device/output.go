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

	Pulses    uint64 // accepted by PulseAt, cut ones included; a train is one
	Late      uint64 // refused: their whole time was past
	Cut       uint64 // accepted with their start past by more than a millisecond
	Full      uint64 // refused: too many were waiting
	Missed    uint64 // accepted, and never given: the program was held up, or the pin failed; each pulse of a train counts
	Cancelled uint64 // accepted, and dropped by Safe; each pulse of a train counts
	Faults    uint64 // failed attempts to drive the pin

	MaxLag time.Duration // the most by which an edge of a pulse came late at the driver's door
}

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
//
// To hold an output until a moment that isn't known yet, Set(true), and once it is
// known PulseAt(time.Now(), width) and then Set(false): the pulse takes over
// without a gap. Should PulseAt refuse it, Set(false) ends the hold at once.
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
