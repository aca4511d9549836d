// Package gpio sees and drives the pins of a machine that QEMU emulates, from outside, at the chip that they belong to: what
// no program inside can make it believe.
//
// On -M raspi3b that is the Pi's own GPIO block. Its outputs are seen; an input can be given a level there, which the
// machine can read, but QEMU makes no interrupt of it. On -M virt it is an Arm PL061, whose inputs interrupt; it has eight
// lines, which the machine's device tree gives names of the Pi's ([VirtLines]).
//
// QEMU tells an edge when an output changes. A pin that is let go while it is high, made an input by the kernel when a
// process dies, and then driven low from the start, gives none: its next edge is a fall. [Pins.Levels] has the truth then.
package gpio

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"passfail/deploy/rig/qmp"
	"passfail/deploy/rig/qtest"
)

// Edge is a change of an output pin.
type Edge struct {
	Time time.Time // when this program heard of it
	Pin  int       // GPIO number
	High bool      // its level now
}

// String is such as "GPIO17 high".
func (e Edge) String() string {
	level := "low"
	if e.High {
		level = "high"
	}
	return fmt.Sprintf("GPIO%d %s", e.Pin, level)
}

// Pins are those of a running machine. Its methods may be called from any goroutine.
type Pins struct {
	chip   chip
	client *qtest.Client

	mu      sync.Mutex
	edges   []Edge
	changed chan struct{} // closed, and another made, at each edge
}

// Open finds the pins of the machine that monitor is connected to, and has all changes of its outputs told from now on. It
// takes over qtestConn, which is a connection to the machine's -qtest socket, and closes it in Close.
func Open(ctx context.Context, monitor *qmp.Client, qtestConn io.ReadWriteCloser) (*Pins, error) {
	c, err := find(ctx, monitor)
	if err != nil {
		qtestConn.Close()
		return nil, err
	}
	p := &Pins{chip: c, changed: make(chan struct{})}
	p.client = qtest.NewClient(qtestConn, p.hear)
	if err := p.client.InterceptOut(ctx, c.path); err != nil {
		p.client.Close()
		return nil, fmt.Errorf("the outputs of %s can't be watched: %w", c.path, err)
	}
	return p, nil
}

func (p *Pins) hear(irq qtest.IRQ) {
	pin, there := p.chip.pin(irq.Line)
	if !there {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edges = append(p.edges, Edge{irq.Time, pin, irq.Raised})
	close(p.changed)
	p.changed = make(chan struct{})
}

// Mark is a place between the edges that were seen and those that will be.
func (p *Pins) Mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.edges)
}

// Since are the edges since a mark, of these pins, or of all if none is named; and a channel that is closed at the next one.
func (p *Pins) Since(mark int, pins ...int) ([]Edge, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Edge
	for _, e := range p.edges[mark:] {
		if len(pins) == 0 || slices.Contains(pins, e.Pin) {
			list = append(list, e)
		}
	}
	return list, p.changed
}

// Wait waits until the edges since a mark, of these pins, are enough for is, and returns them. If ctx ends before, the
// error tells what was seen.
func (p *Pins) Wait(ctx context.Context, mark int, is func([]Edge) bool, pins ...int) ([]Edge, error) {
	for {
		edges, changed := p.Since(mark, pins...)
		if is(edges) {
			return edges, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return edges, fmt.Errorf("pins %v: %w after these edges: %v", pins, ctx.Err(), edges)
		}
	}
}

// Levels are those of these pins now, read at the chip; an input has the level that is on it.
func (p *Pins) Levels(ctx context.Context, pins ...int) ([]bool, error) {
	levels := make([]bool, len(pins))
	for i, pin := range pins {
		line, err := p.chip.line(pin)
		if err != nil {
			return nil, err
		}
		v, err := p.client.ReadL(ctx, p.chip.level(line))
		if err != nil {
			return nil, err
		}
		levels[i] = v>>(line%32)&1 != 0
	}
	return levels, nil
}

// Driven tells which of these pins are outputs now.
func (p *Pins) Driven(ctx context.Context, pins ...int) ([]bool, error) {
	driven := make([]bool, len(pins))
	for i, pin := range pins {
		line, err := p.chip.line(pin)
		if err != nil {
			return nil, err
		}
		address, shift, mask := p.chip.direction(line)
		v, err := p.client.ReadL(ctx, address)
		if err != nil {
			return nil, err
		}
		driven[i] = v>>shift&mask == 1
	}
	return driven, nil
}

// Set gives an input a level from outside.
func (p *Pins) Set(ctx context.Context, pin int, high bool) error {
	line, err := p.chip.line(pin)
	if err != nil {
		return err
	}
	if p.chip.interrupts {
		return p.client.SetIn(ctx, p.chip.path, line, high)
	}
	return p.client.WriteL(ctx, p.chip.write(line, high), 1<<(line%32))
}

// Numbers are those of all pins of the machine, in the order of its lines.
func (p *Pins) Numbers() []int {
	return slices.DeleteFunc(slices.Clone(p.chip.lines), func(pin int) bool { return pin < 0 })
}

// Done is closed when no more edges are heard.
func (p *Pins) Done() <-chan struct{} { return p.client.Done() }

// Err is why no more edges are heard; nil while they are.
func (p *Pins) Err() error { return p.client.Err() }

// Close stops hearing.
func (p *Pins) Close() error { return p.client.Close() }
