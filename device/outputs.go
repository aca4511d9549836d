package device

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Options of [NewOutputs]; the zero value is good.
type Options struct {
	// OnFault is told when a pin can't be driven (errors.Is ErrFault), once for every
	// row of failures, and when a pulse was missed because the program was held up or
	// the pin failed (ErrLate). It is called in a goroutine of its own and may
	// take its time and call anything but Close.
	OnFault func(output string, err error)

	// Queue is how many separate pulses may wait in each output; 64 if zero.
	// Merged pulses take one place.
	Queue int
}

// Outputs drives a set of outputs. Its methods, and those of its outputs, may
// be called by any goroutine.
type Outputs struct {
	// Immutable.
	board   *Board
	list    []*Output
	epoch   time.Time // moments are durations since then
	alarm   alarm
	onFault func(string, error)
	reports chan report   // to the reporter
	ended   chan struct{} // closed by the scheduler when it ends
	told    chan struct{} // closed by the reporter when it ends

	// mu guards what follows and what Output says. It is never held while a
	// pin is driven: whoever only asks or schedules doesn't wait for a slow pin.
	mu       sync.Mutex
	safe     bool
	closed   bool
	released bool          // the pins are no longer ours, the reporter ends
	armed    time.Duration // when the scheduler will look again
}

const defaultQueue = 64

// NewOutputs takes pins for outputs and drives them to rest, each by the first
// level that its line is asked for. It fails if a pin can't be driven, and then
// leaves those that can at rest.
func NewOutputs(board *Board, settings []OutputSettings, options Options) (*Outputs, error) {
	if options.Queue <= 0 {
		options.Queue = defaultQueue
	}
	s := &Outputs{
		board:   board,
		epoch:   time.Now(),
		onFault: options.OnFault,
		reports: make(chan report, 16),
		ended:   make(chan struct{}),
		told:    make(chan struct{}),
		armed:   never,
	}
	var err error
	if s.alarm, err = newAlarm(board.exact); err != nil {
		return nil, err
	}
	if err := s.takePins(settings, options.Queue); err != nil {
		s.releasePins()
		s.alarm.close()
		return nil, err
	}
	go s.schedule()
	go s.report()
	return s, nil
}

func (s *Outputs) takePins(settings []OutputSettings, queue int) error {
	for _, set := range settings {
		if err := set.check(); err != nil {
			return err
		}
		for _, o := range s.list {
			if o.settings.Name == set.Name {
				return fmt.Errorf("output %q: there are two of this name", set.Name)
			}
		}
		pin, err := s.board.claim(set.Pin, fmt.Sprintf("output %q", set.Name))
		if err != nil {
			return fmt.Errorf("output %q: %w", set.Name, err)
		}
		s.list = append(s.list, &Output{owner: s, settings: set, pin: pin, pulses: newSchedule(queue)})
	}
	var errs []error
	for _, o := range s.list { // all of them, even if one fails
		if err := o.settle(true); err != nil {
			errs = append(errs, err)
			continue
		}
		log := s.board.log.With("output", o.settings.Name, "pin", o.settings.Pin)
		log.Info("output at rest", "driver", s.board.Driver(o.pin), "to", o.settings.pinLevel(false).String())
		if w := o.settings.restWarning(bootPull(o.pin)); w != "" {
			log.Warn(w)
		}
	}
	return errors.Join(errs...)
}

func (s *Outputs) releasePins() {
	for _, o := range s.list {
		o.driving.Lock() // a call that began earlier may still be driving it
		s.board.release(o.pin)
		o.driving.Unlock()
	}
}

// Output gives the output of that name.
func (s *Outputs) Output(name string) (*Output, error) {
	var names []string
	for _, o := range s.list {
		if o.settings.Name == name {
			return o, nil
		}
		names = append(names, o.settings.Name)
	}
	return nil, fmt.Errorf("output %q: no such output; there are %q", name, names)
}

// All gives the outputs in the order of their settings.
func (s *Outputs) All() []*Output {
	return append([]*Output(nil), s.list...)
}

// Safe drives every output to rest and forgets all pulses. When it returns, no
// output is active, and none becomes active until Resume; unless it returns an error: then a
// pin failed, and the scheduler goes on trying it.
//
// Call it from any goroutine: on a signal, or deferred so that it runs in a
// panic. It drives every pin, also one that should be at rest already.
func (s *Outputs) Safe() error {
	s.mu.Lock()
	s.safe = true
	for _, o := range s.list {
		o.level = false
		o.stats.Cancelled += uint64(o.pulses.clear())
	}
	s.mu.Unlock()

	// An output that another goroutine is just driving comes last, so that
	// a driver that hangs keeps no other output active.
	var errs []error
	var busy []*Output
	for _, o := range s.list {
		if !o.driving.TryLock() {
			busy = append(busy, o)
			continue
		}
		errs = append(errs, o.settleLocked(true))
		o.driving.Unlock()
	}
	for _, o := range busy {
		errs = append(errs, o.settle(true))
	}
	return errors.Join(errs...)
}

// Resume ends what Safe began. The outputs stay at rest until they are told otherwise.
func (s *Outputs) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.safe = false
	return nil
}

// Close drives every output to rest for good, ends the scheduler, waits for it, and
// gives the pins back to the board.
func (s *Outputs) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		<-s.told
		return nil
	}
	err := s.Safe()
	if err != nil {
		err = s.Safe() // the last chance: nobody tries again after this
	}
	s.alarm.poke()
	<-s.ended

	s.mu.Lock()
	s.released = true
	close(s.reports)
	s.mu.Unlock()
	s.releasePins()
	s.alarm.close()
	<-s.told
	return err
}

// bootPull is the pull of a pin while the board starts. periph knows it only
// where it has mapped the registers; the 28 pins of a Pi's header are alike on all models.
func bootPull(p gpio.PinIO) gpio.Pull {
	p = realPin(p)
	if pull := p.DefaultPull(); pull != gpio.PullNoChange {
		return pull
	}
	return headerPull(p.Name())
}
