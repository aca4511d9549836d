package device

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"

	"periph.io/x/conn/v3/gpio"
)

// Board gives pins by name. Its methods may be called by any goroutine.
type Board struct {
	// Immutable.
	log    *slog.Logger
	find   func(name string) gpio.PinIO // nil: no such pin
	names  func() []string              // in natural order
	mapped bool                         // periph's bcm283x driver has mapped /dev/gpiomem
	exact  bool                         // pulses are timed by the kernel, see alarm

	mu     sync.Mutex
	owners map[gpio.PinIO]string // real pin: who has it
	used   map[gpio.PinIO]bool   // real pins that ever had an owner
	closed bool
}

// OpenPins makes a board of pins that the caller got elsewhere, for example
// from an I²C expander or from gpiotest. Its pulses are timed by Go's timers, to about a millisecond.
func OpenPins(pins ...gpio.PinIO) *Board {
	byName := make(map[string]gpio.PinIO, len(pins))
	names := make([]string, len(pins))
	for i, p := range pins {
		byName[p.Name()] = p
		names[i] = p.Name()
	}
	return newBoard(
		func(name string) gpio.PinIO { return byName[name] },
		func() []string { return names },
	)
}

func newBoard(find func(string) gpio.PinIO, names func() []string) *Board {
	return &Board{
		log:    slog.New(slog.DiscardHandler),
		find:   find,
		names:  names,
		owners: make(map[gpio.PinIO]string),
		used:   make(map[gpio.PinIO]bool),
	}
}

// Pin gives the pin of that name, for example "GPIO17", whoever uses it.
func (b *Board) Pin(name string) (gpio.PinIO, error) {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("pin %q: the board is closed", name)
	}
	if p := b.find(name); p != nil {
		return p, nil
	}
	return nil, noSuchPin(name, b.names())
}

// Names lists the board's pins.
func (b *Board) Names() []string {
	return slices.Clone(b.names())
}

// Driver tells what serves the pin: "gpioioctl" (the kernel's character
// device), "bcm283x" (registers, through /dev/gpiomem), "sysfs", "simulated" or
// the name of another package.
func (b *Board) Driver(p gpio.PinIO) string {
	p = realPin(p)
	if p == nil {
		return "none"
	}
	t := reflect.TypeOf(p)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[SimulatedPin]() {
		return "simulated"
	}
	pkg := t.PkgPath()
	pkg = pkg[strings.LastIndexByte(pkg, '/')+1:]
	if pkg == "bcm283x" && !b.mapped {
		return "gpioioctl" // a bcm283x pin without its registers passes every call on
	}
	return pkg
}

// Close gives the pins that were used back to the system, which may then let
// them float or leave them as they are. It refuses while outputs are open, since
// only they know how to rest. To change settings, keep the board and make new
// outputs; after Close open another board.
func (b *Board) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	if len(b.owners) != 0 {
		var users []string
		for p, owner := range b.owners {
			users = append(users, fmt.Sprintf("%s (pin %s)", owner, p.Name()))
		}
		slices.Sort(users)
		return fmt.Errorf("board is still in use; close first: %s", strings.Join(users, ", "))
	}
	b.closed = true
	for p := range b.used {
		if line, ok := p.(interface{ Close() }); ok { // *gpioioctl.GPIOLine
			line.Close()
		}
	}
	return nil
}

// claim gives a pin to one owner: the same pin, under whatever name, has only one.
func (b *Board) claim(name, owner string) (gpio.PinIO, error) {
	p, err := b.Pin(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := realPin(p)
	if other, taken := b.owners[key]; taken {
		return nil, fmt.Errorf("pin %q: already used by %s; every output and input needs a pin of its own", name, other)
	}
	b.owners[key] = owner
	b.used[key] = true
	return p, nil
}

func (b *Board) release(p gpio.PinIO) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.owners, realPin(p))
}

// realPin is the pin behind aliases ("17" for GPIO17) and decorators.
func realPin(p gpio.PinIO) gpio.PinIO {
	for {
		r, ok := p.(gpio.RealPin)
		if !ok {
			return p
		}
		p = r.Real()
	}
}
