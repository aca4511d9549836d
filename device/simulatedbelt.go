package device

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// SimulatedBelt moves simulated pins as a belt would: the channels of its encoder, and
// whatever lies on it and comes past a sensor. It begins at position 0, standing.
//
// It moves by Go's timers, so with the fake clock of a testing/synctest bubble
// each edge comes exactly when it is due. On the real clock edges come up to a millisecond
// late and then close together: for a quadrature encoder stay below 500 counts a second there.
type SimulatedBelt struct {
	a, b  *SimulatedPin // b may be nil
	board *Board
	poked chan struct{}
	stop  chan struct{}
	ended chan struct{}
	close func()

	mu    sync.Mutex // guards what follows
	count int64      // edges that were given
	from  float64    // where it was
	since time.Time  // at this moment
	speed float64    // counts a second
	ahead []placed   // in the order of positions
}

// placed is a level that a pin gets when the belt comes there.
type placed struct {
	position int64
	pin      *SimulatedPin
	level    gpio.Level
}

// maxBeltSpeed bounds the speed: who asks for more has mixed up his units.
const maxBeltSpeed = 100_000

// NewSimulatedBelt drives the encoder's pins a and b, or, with b empty, a alone,
// of which then only the rising edge is a count. The board is one of [OpenSimulated]. End it with Close.
func NewSimulatedBelt(board *Board, a, b string) (*SimulatedBelt, error) {
	belt := &SimulatedBelt{
		board: board, since: time.Now(),
		poked: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	var err error
	if belt.a, err = findSimulated(board, a); err != nil {
		return nil, fmt.Errorf("simulated belt: %w", err)
	}
	if b != "" {
		if belt.b, err = findSimulated(board, b); err != nil {
			return nil, fmt.Errorf("simulated belt: %w", err)
		}
	}
	belt.show()
	belt.close = sync.OnceFunc(func() {
		close(belt.stop)
		<-belt.ended
	})
	go belt.run()
	return belt, nil
}

func findSimulated(board *Board, name string) (*SimulatedPin, error) {
	p, err := board.Pin(name)
	if err != nil {
		return nil, err
	}
	sim, ok := p.(*SimulatedPin)
	if !ok {
		return nil, fmt.Errorf("pin %q is a real one (driver %s); use board = \"simulated\"", name, board.Driver(p))
	}
	return sim, nil
}

// SetSpeed is the speed from now on, in counts a second, at most 100,000; negative: backward; 0: it stands.
func (b *SimulatedBelt) SetSpeed(counts float64) error {
	if math.IsNaN(counts) || math.Abs(counts) > maxBeltSpeed {
		return fmt.Errorf("simulated belt: %g counts a second; at most %d, forward or back", counts, maxBeltSpeed)
	}
	b.mu.Lock()
	now := time.Now()
	b.from, b.since, b.speed = b.at(now), now, counts
	b.mu.Unlock()
	b.poke()
	return nil
}

// Position is how many counts the encoder's pins have shown: forward less back.
func (b *SimulatedBelt) Position() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// DriveAt gives a pin a level when the belt comes to the position, or now if it is there
// or past: a part in front of a photo-eye is one level where it begins and the
// other where it ends. Each is given once, also where the belt goes back.
func (b *SimulatedBelt) DriveAt(position int64, pin string, level gpio.Level) error {
	p, err := findSimulated(b.board, pin)
	if err != nil {
		return fmt.Errorf("simulated belt: %w", err)
	}
	b.mu.Lock()
	i, _ := slices.BinarySearchFunc(b.ahead, position+1, func(q placed, position int64) int { return int(max(min(q.position-position, 1), -1)) })
	b.ahead = slices.Insert(b.ahead, i, placed{position, p, level})
	b.mu.Unlock()
	b.poke()
	return nil
}

// Close ends the movement. The pins stay as they are.
func (b *SimulatedBelt) Close() { b.close() }

func (b *SimulatedBelt) poke() {
	select {
	case b.poked <- struct{}{}:
	default:
	}
}

// at is where the belt is, in counts and parts of them. mu is held.
func (b *SimulatedBelt) at(now time.Time) float64 {
	return b.from + b.speed*now.Sub(b.since).Seconds()
}

func (b *SimulatedBelt) run() {
	defer close(b.ended)
	timer := time.NewTimer(never)
	defer timer.Stop()
	for {
		timer.Reset(b.advance())
		select {
		case <-b.stop:
			return
		case <-b.poked:
		case <-timer.C:
		}
	}
}

// advance gives all edges that are due, and tells how long it is until the next.
func (b *SimulatedBelt) advance() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for len(b.ahead) > 0 && b.ahead[0].position <= b.count {
			b.ahead[0].pin.Drive(b.ahead[0].level)
			b.ahead = slices.Delete(b.ahead, 0, 1)
		}
		if b.speed == 0 {
			return never
		}
		step := int64(1)
		if b.speed < 0 {
			step = -1
		}
		now := time.Now()
		// A nanosecond more, so that rounding never wakes too early for ever.
		due := time.Duration(math.Ceil((float64(b.count+step)-b.at(now))/b.speed*1e9)) + 1
		if due > 1 {
			return due
		}
		b.count += step
		b.show()
	}
}

// show gives the encoder's pins the levels of the position.
func (b *SimulatedBelt) show() {
	if b.b == nil {
		// Low again half a count later would need a timer of its own; a short low will do.
		b.a.Drive(gpio.Low)
		b.a.Drive(b.count != 0)
		return
	}
	p := b.count & 3 // the quarter of a period, also where the count is negative
	b.a.Drive(p == 1 || p == 2)
	b.b.Drive(p == 2 || p == 3)
}
