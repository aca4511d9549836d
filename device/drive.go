package device

import (
	"fmt"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
)

const (
	// After a failure the pin is tried again after firstRetry, then after twice
	// as long and so on, but at least every lastRetry: soon enough for the next part.
	firstRetry = time.Millisecond
	lastRetry  = 16 * time.Millisecond
)

// settle brings the pin to what the output should be now. Whoever changes
// that, calls settle afterwards; since it looks only when nobody else is
// driving the pin, the last call brings the last change. With again the pin is
// driven even if it should be right.
func (o *Output) settle(again bool) error {
	o.driving.Lock()
	defer o.driving.Unlock()
	return o.settleLocked(again)
}

// settleLocked is settle for who holds o.driving.
func (o *Output) settleLocked(again bool) error {
	s := o.owner
	for {
		s.mu.Lock()
		if s.released {
			s.mu.Unlock()
			return nil
		}
		now := s.now()
		began := o.expire(now)
		current := o.pulses.current(now)
		if current != nil && !current.given {
			began = current.start
		}
		// A pin that failed goes to rest first of all.
		active := o.fault == nil && !s.safe && (o.level || current != nil)
		if active == o.driven && o.fault == nil && !again {
			if current != nil {
				current.given = true
			}
			s.mu.Unlock()
			return nil
		}
		recovering := o.fault != nil
		tries := o.tries
		s.mu.Unlock()

		err := o.drive(active, tries)

		s.mu.Lock()
		if err != nil {
			o.failed(err)
			err = o.fault
			s.mu.Unlock()
			return err
		}
		o.fault, o.tries = nil, 0
		o.driven = active
		if began >= 0 && !recovering {
			o.stats.MaxLag = max(o.stats.MaxLag, now-began)
		}
		if current := o.pulses.current(now); current != nil && active {
			current.given = true
		}
		s.mu.Unlock()
		if !recovering {
			return nil
		}
		again = false // at rest now; perhaps a pulse wants it active
	}
}

// expire forgets pulses that have ended, and tells when the last of them ended, or -1.
// owner.mu is held.
func (o *Output) expire(now time.Duration) time.Duration {
	if len(o.pulses.spans) == 0 || now < o.pulses.spans[0].end {
		return -1
	}
	end, missed := o.pulses.expire(now)
	if missed > 0 {
		o.stats.Missed += uint64(missed)
		o.owner.tell(o, fmt.Errorf("output %q: %w: %d pulses were not given in time", o.settings.Name, ErrLate, missed))
	}
	return end
}

// failed notes that the pin could not be driven. owner.mu is held.
func (o *Output) failed(err error) {
	s := o.owner
	o.stats.Faults++
	first := o.fault == nil
	o.fault = fmt.Errorf("output %q: %w: %w", o.settings.Name, ErrFault, explain(o.settings.Pin, err))
	o.level = false
	o.retry = s.now() + min(firstRetry<<min(o.tries, 20), lastRetry)
	o.tries++
	if first {
		s.tell(o, o.fault)
	}
	if o.retry < s.armed {
		s.alarm.poke()
	}
}

// drive sets the pin's level. tries is how often that has failed before.
func (o *Output) drive(active bool, tries int) (err error) {
	defer func() {
		// Safe must reach the other outputs whatever a driver does.
		if p := recover(); p != nil {
			err = fmt.Errorf("driver panicked: %v", p)
		}
	}()
	if tries > 0 {
		// gpioioctl believes that a line is an output once it has tried to make it
		// one, and would not ask the kernel for it again.
		_ = o.pin.In(gpio.PullNoChange, gpio.NoEdge)
	}
	return o.pin.Out(o.settings.pinLevel(active))
}

// explain names the pin and adds what can be done about some errors. The
// drivers give texts only, not errors that errors.Is knows.
func explain(pin string, err error) error {
	way := ""
	switch text := err.Error(); {
	case strings.Contains(text, "resource busy"):
		way = "; another program has it (gpioinfo shows which), or the device tree gave it away (dtoverlay in config.txt)"
	case strings.Contains(text, "permission denied"), strings.Contains(text, "need more access"):
		way = "; add the user to the group gpio (sudo usermod -aG gpio USER) and log in again"
	}
	return fmt.Errorf("pin %s: %w%s", pin, err, way)
}
