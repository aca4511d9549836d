package device

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Change is what a simulated pin became.
type Change struct {
	Seq    uint64 // 1, 2, … over all pins of the board
	Time   time.Time
	Pin    string // "GPIO17"
	Output bool   // it is driven by the program; otherwise an input
	Level  gpio.Level
}

// simulatedPins is the number of pins of a Pi's header, GPIO0 to GPIO27.
const simulatedPins = 28

// OpenSimulated makes a board with the pins of a Pi's header that exist only
// in memory, for a station without a Pi and for tests.
//
// observe, unless nil, is told of every change before the call that
// made it returns: one at a time and in order. It may look at pins, but not
// drive them.
func OpenSimulated(observe func(Change)) *Board {
	sim := &simulation{observe: observe}
	pins := make(map[string]gpio.PinIO, simulatedPins)
	var names []string
	for n := range simulatedPins {
		p := &SimulatedPin{
			sim:    sim,
			number: n,
			name:   fmt.Sprintf("GPIO%d", n),
			edges:  make(chan struct{}, edgeQueue),
			stop:   make(chan struct{}),
		}
		p.pull = p.DefaultPull()
		p.level = p.pulled()
		p.since = time.Now()
		pins[p.name] = p
		names = append(names, p.name)
	}
	return newBoard(
		func(name string) gpio.PinIO { return pins[name] },
		func() []string { return slices.Clone(names) },
	)
}

// simulation is what the pins of a simulated board share.
type simulation struct {
	observe func(Change) // or nil

	// changing is held while a pin changes and is reported, which keeps reports in order.
	changing sync.Mutex
	seq      uint64 // guarded by changing
}

// headerPull is the pull of a pin of a Pi's header until a program says
// otherwise; the same on every model.
func headerPull(name string) gpio.Pull {
	var n int
	if _, err := fmt.Sscanf(name, "GPIO%d", &n); err != nil || n < 0 || n >= simulatedPins {
		return gpio.PullNoChange
	}
	if n <= 8 {
		return gpio.PullUp
	}
	return gpio.PullDown
}
