package device

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// EncoderSettings say what an encoder is called and how it is wired.
type EncoderSettings struct {
	Name string // what errors call it: "belt"
	A    string // pin of its channel, as [Board.Pin] takes it: "GPIO5"

	// B is the pin of the second channel of a quadrature encoder, whose four edges a
	// period are counted, forward and back. Empty: there is one channel, each
	// edge of which is a count forward.
	B string

	// PullUp is for outputs with an open collector (NPN); otherwise the pins are pulled down.
	PullUp bool

	// BothEdges counts the falling edges of a single channel too. Quadrature always does.
	BothEdges bool

	// Reverse counts a quadrature encoder the other way round, so that forward is positive.
	Reverse bool
}

func (s EncoderSettings) check() error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return fmt.Errorf("an encoder on pin %q has no name", s.A)
	case s.A == "":
		return fmt.Errorf("encoder %q: no pin; name one, such as \"GPIO5\"", s.Name)
	case s.B == "" && s.Reverse:
		return fmt.Errorf("encoder %q: one channel doesn't tell the direction, so it can't be reversed; name the second channel's pin", s.Name)
	case s.B != "" && s.BothEdges:
		return fmt.Errorf("encoder %q: of two channels all edges are counted; leave BothEdges out", s.Name)
	}
	return nil
}

// Encoder counts how far a belt has moved. It takes its pins from the board until
// Close. Its methods may be called by any goroutine, and no edge allocates anything here.
type Encoder struct {
	settings EncoderSettings
	board    *Board
	pins     []gpio.PinIO // A and perhaps B
	close    func()
	closing  atomic.Bool
	stop     chan struct{} // closed by Close
	watchers sync.WaitGroup

	mu      sync.Mutex // guards what follows
	decoder quadrature
	trail   trail
	illegal uint64
	waiters []*waiter // who waits, and for which count
	idle    []*waiter // for the next who wait
}

// waiter is one call of Wait.
type waiter struct {
	target int64
	at     chan time.Time // takes one
}

// NewEncoder makes pins inputs and begins to count from 0.
func NewEncoder(board *Board, s EncoderSettings) (*Encoder, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	e := &Encoder{settings: s, board: board, stop: make(chan struct{})}
	if err := e.takePins(); err != nil {
		e.releasePins()
		return nil, fmt.Errorf("encoder %q: %w", s.Name, err)
	}
	e.trail.add(time.Now(), 0)
	e.close = sync.OnceFunc(func() {
		e.closing.Store(true)
		close(e.stop)
		e.watchers.Wait()
		e.releasePins()
	})
	if s.B == "" {
		e.watchers.Go(func() { e.watch(e.pins[0], e.single) })
		return e, nil
	}
	e.decoder.last = phase(bool(e.pins[0].Read()), bool(e.pins[1].Read()))
	for _, p := range e.pins {
		e.watchers.Go(func() { e.watch(p, e.double) })
	}
	return e, nil
}

func (e *Encoder) takePins() error {
	pull, edge := gpio.PullDown, gpio.RisingEdge
	if e.settings.PullUp {
		pull = gpio.PullUp
	}
	if e.settings.BothEdges || e.settings.B != "" {
		edge = gpio.BothEdges
	}
	for _, name := range []string{e.settings.A, e.settings.B} {
		if name == "" {
			continue
		}
		p, err := e.board.claim(name, fmt.Sprintf("encoder %q", e.settings.Name))
		if err != nil {
			return err
		}
		e.pins = append(e.pins, p)
		if err := p.In(pull, edge); err != nil {
			return fmt.Errorf("pin %s: %w", name, err)
		}
	}
	return nil
}

func (e *Encoder) releasePins() {
	for _, p := range e.pins {
		e.board.release(p)
	}
}

// watch calls edge at each edge of a pin.
func (e *Encoder) watch(p gpio.PinIO, edge func()) {
	for !e.closing.Load() {
		if p.WaitForEdge(glance) {
			edge()
		}
	}
}

// single counts an edge of the only channel.
func (e *Encoder) single() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.move(1)
}

// double looks at both channels after an edge of either. Each pin has a goroutine
// of its own and nobody knows which comes first, so what counts is what both levels are
// now, read under the lock: an edge that the other goroutine has already seen moves nothing.
func (e *Encoder) double() {
	e.mu.Lock()
	defer e.mu.Unlock()
	steps, legal := e.decoder.step(phase(bool(e.pins[0].Read()), bool(e.pins[1].Read())))
	if !legal {
		e.illegal++
	}
	if e.settings.Reverse {
		steps = -steps
	}
	if steps != 0 {
		e.move(int64(steps))
	}
}

// move notes a new count and wakes who waited for it. mu is held.
func (e *Encoder) move(by int64) {
	now := time.Now()
	count := e.trail.count() + by
	e.trail.add(now, count)
	e.waiters = slices.DeleteFunc(e.waiters, func(w *waiter) bool {
		if count < w.target {
			return false
		}
		w.at <- now
		return true
	})
}

// Count is how far the belt has moved since NewEncoder: in edges that are counted.
func (e *Encoder) Count() int64 {
	count, _ := e.Read()
	return count
}

// Read is the count, and since when it has been that.
func (e *Encoder) Read() (count int64, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trail.count(), e.trail.latest()
}

// CountAt is what the count was at a moment in the last few hundred counts: where a part was when
// its photo-eye's first edge came, which is told later. It is false, with the
// oldest count that is remembered, if that is longer ago.
func (e *Encoder) CountAt(t time.Time) (count int64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trail.countAt(t)
}

// Speed is the belt's, in counts a second, over about the last quarter of a second;
// negative: backward. It is 0 a second after the last edge. It is for people and for
// health checks: nothing should be timed by it.
func (e *Encoder) Speed() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trail.speed(time.Now())
}

// Illegal is how often both channels of a quadrature encoder had changed when somebody looked: edges
// came faster than this program is woken, or a wire is loose. Each is taken for
// two counts in the last direction. One channel can't tell.
func (e *Encoder) Illegal() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.illegal
}

// Wait waits until the count is the target or more, and tells the moment of the edge that
// brought it there; now, if it is there already. Only this call is woken by that edge, and none by others.
func (e *Encoder) Wait(ctx context.Context, target int64) (at time.Time, err error) {
	e.mu.Lock()
	if e.trail.count() >= target {
		e.mu.Unlock()
		return time.Now(), nil
	}
	w := e.waiter(target)
	e.waiters = append(e.waiters, w)
	e.mu.Unlock()
	select {
	case at = <-w.at:
	case <-e.stop:
		err = fmt.Errorf("encoder %q is closed", e.settings.Name)
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.waiters = slices.DeleteFunc(e.waiters, func(other *waiter) bool { return other == w })
		select {
		case at = <-w.at: // it came at the same moment
			err = nil
		default:
		}
	}
	e.idle = append(e.idle, w)
	return at, err
}

// waiter is a used one or a new one. mu is held.
func (e *Encoder) waiter(target int64) *waiter {
	if n := len(e.idle); n > 0 {
		w := e.idle[n-1]
		e.idle = e.idle[:n-1]
		w.target = target
		return w
	}
	return &waiter{target: target, at: make(chan time.Time, 1)}
}

// Close ends the count and every Wait, and gives the pins back to the board.
func (e *Encoder) Close() { e.close() }
