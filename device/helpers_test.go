package device

import (
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
)

const ms = time.Millisecond

// edge is a change of a pin, in time since the test began.
type edge struct {
	at    time.Duration
	pin   string
	level gpio.Level
}

// bench is a simulated board with what its outputs did.
type bench struct {
	*Outputs
	board *Board
	began time.Time

	mu     sync.Mutex
	edges  []edge
	faults []error
}

// newBench makes outputs on a simulated board. Its edges begin after the pins were brought to rest.
func newBench(t *testing.T, settings ...OutputSettings) *bench {
	t.Helper()
	b := &bench{began: time.Now()}
	b.board = OpenSimulated(func(c Change) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.edges = append(b.edges, edge{c.Time.Sub(b.began), c.Pin, c.Level})
	})
	var err error
	b.Outputs, err = NewOutputs(b.board, settings, Options{Queue: 4, OnFault: func(_ string, err error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, err)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	b.edges = nil
	return b
}

func (b *bench) output(t *testing.T, name string) *Output {
	t.Helper()
	o, err := b.Output(name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (b *bench) pin(t *testing.T, name string) *SimulatedPin {
	t.Helper()
	p, err := b.board.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*SimulatedPin)
}

// in is the moment d after the test began.
func (b *bench) in(d time.Duration) time.Time { return b.began.Add(d) }

// expect compares the edges seen so far, and forgets them.
func (b *bench) expect(t *testing.T, want ...edge) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.edges) != len(want) {
		t.Fatalf("edges %v, want %v", b.edges, want)
	}
	for i := range want {
		if b.edges[i] != want[i] {
			t.Fatalf("edges %v, want %v", b.edges, want)
		}
	}
	b.edges = nil
}

// seen gives the edges so far.
func (b *bench) seen() []edge {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]edge(nil), b.edges...)
}

func (b *bench) reported() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]error(nil), b.faults...)
}

var (
	reject = OutputSettings{Name: "reject", Pin: "GPIO17", Mode: Pulse, Width: 50 * ms}
	pass   = OutputSettings{Name: "pass", Pin: "GPIO22"}
)
