package device

import (
	"fmt"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Mode is how an output tells what it has to tell.
type Mode int

const (
	// Level: by its level, which stays until the next Set.
	Level Mode = iota
	// Pulse: by a pulse of the settings' width.
	Pulse
)

// String gives the mode's name in a configuration, "level" or "pulse".
func (m Mode) String() string {
	switch m {
	case Level:
		return "level"
	case Pulse:
		return "pulse"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// ParseMode is the reverse of [Mode.String].
func ParseMode(name string) (Mode, error) {
	for _, m := range []Mode{Level, Pulse} {
		if name == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("mode %q: no such mode; use \"level\" or \"pulse\"", name)
}

// OutputSettings say what an output is called and how it is wired.
type OutputSettings struct {
	Name string // what errors and counters call it: "reject"
	Pin  string // as [Board.Pin] takes it: "GPIO17"

	// ActiveLow: the pin is low while the output is active. Read the package's
	// chapter "At rest" first: such an output is active while the Pi is dead.
	ActiveLow bool

	// Mode is for the caller: Set and PulseAt work in either.
	Mode Mode
	// Width of a pulse for which PulseAt isn't told another one. Needed in
	// mode Pulse, zero in mode Level.
	Width time.Duration
}

const (
	// maxWidth and maxAhead bound what PulseAt takes: who asks for more has
	// mixed up his units or clocks.
	maxWidth = time.Minute
	maxAhead = time.Hour
)

func (s OutputSettings) check() error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return fmt.Errorf("an output on pin %q has no name", s.Pin)
	case s.Pin == "":
		return fmt.Errorf("output %q: no pin; name one, such as \"GPIO17\"", s.Name)
	case s.Mode != Level && s.Mode != Pulse:
		return fmt.Errorf("output %q: %v: no such mode; use Level or Pulse", s.Name, s.Mode)
	case s.Mode == Level && s.Width != 0:
		return fmt.Errorf("output %q: width %v, but in mode \"level\" there is no pulse; leave the width out or use mode \"pulse\"", s.Name, s.Width)
	case s.Mode == Pulse && (s.Width <= 0 || s.Width > maxWidth):
		return fmt.Errorf("output %q: width %v; a pulse is longer than 0 and at most %v", s.Name, s.Width, maxWidth)
	}
	return nil
}

// pinLevel is the pin's level for the output being active or at rest.
func (s OutputSettings) pinLevel(active bool) gpio.Level {
	return gpio.Level(active != s.ActiveLow)
}

// restWarning says what is wrong with how the output's pin rests while no
// program drives it, or is empty. boot is the pull that the pin has then.
func (s OutputSettings) restWarning(boot gpio.Pull) string {
	switch {
	case s.ActiveLow:
		return "active-low: active while the Pi boots, is off or has crashed, unless a resistor at the relay pulls it high"
	case boot == gpio.PullUp:
		return "the Pi pulls this pin high while it boots, which makes the output active; use one of GPIO9 to GPIO27"
	}
	return ""
}
