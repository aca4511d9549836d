package device

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// InputSettings say what an input is called and how it is wired.
type InputSettings struct {
	Name string // what errors call it: "trigger"
	Pin  string // as [Board.Pin] takes it: "GPIO24"

	// ActiveLow: the pin is low while the input is active, and pulled up: right for a sensor
	// with an open collector (NPN). Otherwise it is high while active, and pulled down.
	ActiveLow bool

	// Debounce is for how long a level must last to count: 0 to 1 s. Contacts bounce for some
	// milliseconds, photo-eyes don't but catch spikes from a motor's cable.
	Debounce time.Duration
}

const maxDebounce = time.Second

func (s InputSettings) check() error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return fmt.Errorf("an input on pin %q has no name", s.Pin)
	case s.Pin == "":
		return fmt.Errorf("input %q: no pin; name one, such as \"GPIO24\"", s.Name)
	case s.Debounce < 0 || s.Debounce > maxDebounce:
		return fmt.Errorf("input %q: debounce %v; 0 to %v is possible", s.Name, s.Debounce, maxDebounce)
	}
	return nil
}

// inputQueue is how many activations wait for Next.
const inputQueue = 64

// glance is how often an input looks at its pin where no edge comes, so that one that the
// driver lost is found all the same, and Close doesn't wait for longer.
const glance = 50 * time.Millisecond

// Input tells when a pin became active, as a photo-eye does when a part comes.
// It takes its pin from the board until Close.
type Input struct {
	settings InputSettings
	board    *Board
	pin      gpio.PinIO
	events   chan time.Time
	missed   atomic.Uint64
	close    func()
	stop     chan struct{}
	ended    chan struct{}

	debounced atomic.Bool // active, as the last level that lasted
}

// NewInput makes a pin an input and begins to watch it. A part that is there
// already is none that came.
func NewInput(board *Board, s InputSettings) (*Input, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p, err := board.claim(s.Pin, fmt.Sprintf("input %q", s.Name))
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", s.Name, err)
	}
	pull := gpio.PullDown
	if s.ActiveLow {
		pull = gpio.PullUp
	}
	if err := p.In(pull, gpio.BothEdges); err != nil {
		board.release(p)
		return nil, fmt.Errorf("input %q: pin %s: %w", s.Name, s.Pin, err)
	}
	i := &Input{
		settings: s, board: board, pin: p,
		events: make(chan time.Time, inputQueue), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	i.close = sync.OnceFunc(func() {
		close(i.stop)
		<-i.ended
		board.release(p)
	})
	active := i.active()
	i.debounced.Store(active)
	go i.watch(active)
	return i, nil
}

// active tells whether the pin is active now, bouncing or not.
func (i *Input) active() bool { return bool(i.pin.Read()) != i.settings.ActiveLow }

// Next waits until the input becomes active and returns the moment of the first edge, which
// is Debounce and more ago. Activations queue up while nobody waits; see Missed.
func (i *Input) Next(ctx context.Context) (time.Time, error) {
	select {
	case at := <-i.events:
		return at, nil
	default:
	}
	select {
	case at := <-i.events:
		return at, nil
	case <-i.stop:
		return time.Time{}, fmt.Errorf("input %q is closed", i.settings.Name)
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// Missed is how many activations were lost because too many waited for Next.
func (i *Input) Missed() uint64 { return i.missed.Load() }

// Close ends the watch and gives the pin back to the board.
func (i *Input) Close() { i.close() }

// Active tells whether the input is active, by the last level that lasted for
// Debounce: for a code that is read from several inputs, or an interlock.
func (i *Input) Active() bool { return i.debounced.Load() }

// watch follows the pin and tells what the debouncer makes of it.
func (i *Input) watch(active bool) {
	defer close(i.ended)
	epoch := time.Now()
	d := NewDebouncer(i.settings.Debounce, active)
	for {
		select {
		case <-i.stop:
			return
		default:
		}
		wait := glance
		if due, ok := d.Due(); ok {
			wait = min(wait, max(due-time.Since(epoch), time.Microsecond))
		}
		edge := i.pin.WaitForEdge(wait)
		now, level := time.Since(epoch), i.active()
		var at time.Duration
		var changed bool
		if edge {
			at, changed = d.Edge(now, level)
		} else {
			at, changed = d.Look(now, level)
		}
		if !changed {
			continue
		}
		i.debounced.Store(d.Active())
		if d.Active() {
			i.tell(epoch.Add(at))
		}
	}
}

func (i *Input) tell(at time.Time) {
	select {
	case i.events <- at:
	default:
		i.missed.Add(1)
	}
}
