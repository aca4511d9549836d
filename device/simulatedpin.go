package device

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/pin"
)

// SimulatedPin is a pin of [OpenSimulated]; Board.Pin gives it. It keeps the
// contract of gpio.PinIO. Where the contract leaves something open, it does
// what the gpioioctl driver does, so that what works here works on a Pi.
type SimulatedPin struct {
	// Immutable.
	sim    *simulation
	number int
	name   string
	edges  chan struct{} // edges that WaitForEdge hasn't seen

	mu       sync.Mutex // guards what follows; taken after sim.changing
	output   bool
	level    gpio.Level
	since    time.Time // when it became what it is
	pull     gpio.Pull
	edge     gpio.Edge
	external *gpio.Level   // what drives the pin from outside; nil: nothing
	stop     chan struct{} // closed to end the WaitForEdge calls of the present setup
	outErr   error         // what Out returns
}

var (
	_ gpio.PinIO  = (*SimulatedPin)(nil)
	_ pin.PinFunc = (*SimulatedPin)(nil)
)

// edgeQueue is how many edges wait for WaitForEdge; further ones are lost. The
// kernel keeps as many of a line.
const edgeQueue = 16

// Drive sets the level that something outside gives to the pin, as a sensor
// would. While the pin is an output it has no effect.
func (p *SimulatedPin) Drive(l gpio.Level) {
	p.change(func() { p.external = &l })
}

// Release ends Drive: the pull decides again.
func (p *SimulatedPin) Release() {
	p.change(func() { p.external = nil })
}

// FailOut makes Out fail with that error and change nothing, until FailOut(nil).
func (p *SimulatedPin) FailOut(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outErr = err
}

// Level is what one would measure at the pin, and since when. Unlike Read it
// leaves an output an output.
func (p *SimulatedPin) Level() (gpio.Level, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level, p.since
}

// IsOutput tells whether the program drives the pin.
func (p *SimulatedPin) IsOutput() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output
}

// String implements conn.Resource.
func (p *SimulatedPin) String() string { return p.name }

// Name implements pin.Pin.
func (p *SimulatedPin) Name() string { return p.name }

// Number implements pin.Pin.
func (p *SimulatedPin) Number() int { return p.number }

// Function implements pin.Pin.
func (p *SimulatedPin) Function() string { return string(p.Func()) }

// Func implements pin.PinFunc.
func (p *SimulatedPin) Func() pin.Func {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.output && p.level == gpio.High:
		return gpio.OUT_HIGH
	case p.output:
		return gpio.OUT_LOW
	case p.level == gpio.High:
		return gpio.IN_HIGH
	}
	return gpio.IN_LOW
}

// SupportedFuncs implements pin.PinFunc.
func (p *SimulatedPin) SupportedFuncs() []pin.Func {
	return []pin.Func{gpio.IN, gpio.OUT}
}

// SetFunc implements pin.PinFunc.
func (p *SimulatedPin) SetFunc(f pin.Func) error {
	switch f {
	case gpio.IN:
		return p.In(gpio.PullNoChange, gpio.NoEdge)
	case gpio.OUT_HIGH:
		return p.Out(gpio.High)
	case gpio.OUT, gpio.OUT_LOW:
		return p.Out(gpio.Low)
	}
	return fmt.Errorf("pin %s: function %q: not supported; use IN or OUT", p.name, f)
}

// Halt implements conn.Resource. It ends a WaitForEdge that is under way, and no level.
func (p *SimulatedPin) Halt() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interrupt()
	return nil
}

// In implements gpio.PinIn.
func (p *SimulatedPin) In(pull gpio.Pull, edge gpio.Edge) error {
	if pull > gpio.PullUp {
		return fmt.Errorf("pin %s: %v: no such pull", p.name, pull)
	}
	if edge < gpio.NoEdge || edge > gpio.BothEdges {
		return fmt.Errorf("pin %s: %v: no such edge", p.name, edge)
	}
	p.change(func() {
		p.output = false
		p.edge = gpio.NoEdge // the setup itself makes no edge
		if pull != gpio.PullNoChange {
			p.pull = pull
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interrupt()
	p.flush()
	p.edge = edge
	return nil
}

// Read implements gpio.PinIn. Like the gpioioctl driver it turns an output
// into a pulled-up input.
func (p *SimulatedPin) Read() gpio.Level {
	if p.IsOutput() {
		_ = p.In(gpio.PullUp, gpio.NoEdge)
	}
	l, _ := p.Level()
	return l
}

// WaitForEdge implements gpio.PinIn: 0 only looks, -1 waits for ever. On a
// gpioioctl pin these two mean the opposite: use positive timeouts.
func (p *SimulatedPin) WaitForEdge(timeout time.Duration) bool {
	p.mu.Lock()
	stop, armed := p.stop, !p.output && p.edge != gpio.NoEdge
	p.mu.Unlock()
	if !armed {
		return false
	}
	select {
	case <-p.edges:
		return true
	default:
	}
	var over <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-p.edges:
		return true
	case <-stop:
	case <-over:
	}
	return false
}

// Pull implements gpio.PinIn.
func (p *SimulatedPin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pull
}

// DefaultPull implements gpio.PinIn: that of a Pi's header.
func (p *SimulatedPin) DefaultPull() gpio.Pull { return headerPull(p.name) }

// Out implements gpio.PinOut.
func (p *SimulatedPin) Out(l gpio.Level) error {
	p.sim.changing.Lock()
	defer p.sim.changing.Unlock()
	p.mu.Lock()
	if err := p.outErr; err != nil {
		p.mu.Unlock()
		return err
	}
	if p.output && p.level == l {
		p.mu.Unlock()
		return nil
	}
	if !p.output {
		p.interrupt()
		p.flush()
		p.output, p.edge = true, gpio.NoEdge
	}
	p.level, p.since = l, time.Now()
	c := p.changed()
	p.mu.Unlock()
	if p.sim.observe != nil {
		p.sim.observe(c)
	}
	return nil
}

// PWM implements gpio.PinOut. Lines of the character device have none.
func (p *SimulatedPin) PWM(gpio.Duty, physic.Frequency) error {
	return fmt.Errorf("pin %s: %w", p.name, errors.ErrUnsupported)
}

// change does what do says to an input or its surroundings, and what follows from it.
func (p *SimulatedPin) change(do func()) {
	p.sim.changing.Lock()
	defer p.sim.changing.Unlock()
	p.mu.Lock()
	wasOutput, was := p.output, p.level
	do()
	if !p.output {
		p.level = p.input()
	}
	if p.output == wasOutput && p.level == was {
		p.mu.Unlock()
		return
	}
	p.since = time.Now()
	rose := p.level == gpio.High
	if p.level != was && (p.edge == gpio.BothEdges || rose && p.edge == gpio.RisingEdge || !rose && p.edge == gpio.FallingEdge) {
		select {
		case p.edges <- struct{}{}:
		default:
		}
	}
	c := p.changed()
	p.mu.Unlock()
	if p.sim.observe != nil {
		p.sim.observe(c)
	}
}

// changed numbers what the pin has become. sim.changing and mu are held.
func (p *SimulatedPin) changed() Change {
	p.sim.seq++
	return Change{Seq: p.sim.seq, Time: p.since, Pin: p.name, Output: p.output, Level: p.level}
}

// input is the level of the pin as an input. mu is held.
func (p *SimulatedPin) input() gpio.Level {
	if p.external != nil {
		return *p.external
	}
	return p.pulled()
}

// pulled is the level that the pull gives; a floating pin reads low here.
func (p *SimulatedPin) pulled() gpio.Level { return p.pull == gpio.PullUp }

// interrupt ends the calls of WaitForEdge that are under way. mu is held.
func (p *SimulatedPin) interrupt() {
	close(p.stop)
	p.stop = make(chan struct{})
}

// flush forgets edges. mu is held.
func (p *SimulatedPin) flush() {
	for {
		select {
		case <-p.edges:
		default:
			return
		}
	}
}
