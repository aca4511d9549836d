package device

import (
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/physic"
)

func simulatedPin(t *testing.T, b *Board, name string) *SimulatedPin {
	t.Helper()
	p, err := b.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*SimulatedPin)
}

func TestSimulatedReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []Change
		b := OpenSimulated(func(c Change) { seen = append(seen, c) })
		p, q := simulatedPin(t, b, "GPIO17"), simulatedPin(t, b, "GPIO4")
		began := time.Now()
		_ = p.Out(gpio.Low) // becomes an output
		time.Sleep(ms)
		_ = p.Out(gpio.High)
		_ = p.Out(gpio.High) // no change
		q.Drive(gpio.Low)    // was pulled up
		want := []Change{
			{1, began, "GPIO17", true, gpio.Low},
			{2, began.Add(ms), "GPIO17", true, gpio.High},
			{3, began.Add(ms), "GPIO4", false, gpio.Low},
		}
		if len(seen) != len(want) {
			t.Fatalf("changes %+v", seen)
		}
		for i := range want {
			if seen[i] != want[i] {
				t.Errorf("change %+v, want %+v", seen[i], want[i])
			}
		}
		if l, since := p.Level(); l != gpio.High || !since.Equal(began.Add(ms)) {
			t.Errorf("level %v since %v", l, since)
		}
	})
}

// An input's level: from outside if something drives it, else from the pull.
func TestSimulatedInput(t *testing.T) {
	b := OpenSimulated(nil)
	for _, tt := range []struct {
		pin  string
		pull gpio.Pull
		want gpio.Level
	}{
		{"GPIO4", gpio.PullNoChange, gpio.High}, // a Pi pulls 0 to 8 up
		{"GPIO17", gpio.PullNoChange, gpio.Low}, // and the others down
		{"GPIO17", gpio.PullUp, gpio.High},
		{"GPIO17", gpio.PullDown, gpio.Low},
		{"GPIO17", gpio.Float, gpio.Low},
	} {
		p := simulatedPin(t, b, tt.pin)
		if err := p.In(tt.pull, gpio.NoEdge); err != nil {
			t.Fatal(err)
		}
		if l := p.Read(); l != tt.want {
			t.Errorf("%s, %v: %v", tt.pin, tt.pull, l)
		}
		p.Drive(!tt.want)
		if l := p.Read(); l == tt.want {
			t.Errorf("%s, %v: %v though driven otherwise", tt.pin, tt.pull, l)
		}
		p.Release()
		if l := p.Read(); l != tt.want {
			t.Errorf("%s, %v: %v after Release", tt.pin, tt.pull, l)
		}
	}
	p := simulatedPin(t, b, "GPIO17")
	if p.In(9, gpio.NoEdge) == nil || p.In(gpio.Float, 9) == nil {
		t.Error("In took nonsense")
	}
	if p.PWM(gpio.DutyHalf, physic.KiloHertz) == nil {
		t.Error("PWM works, as it doesn't on a Pi")
	}
}

// Read on an output does what gpioioctl does, so that nobody relies on it.
func TestSimulatedReadEndsOutput(t *testing.T) {
	p := simulatedPin(t, OpenSimulated(nil), "GPIO17")
	if err := p.Out(gpio.Low); err != nil {
		t.Fatal(err)
	}
	if p.Func() != gpio.OUT_LOW || !p.IsOutput() {
		t.Error("Func ended the output")
	}
	if l := p.Read(); l != gpio.High || p.IsOutput() {
		t.Errorf("Read: %v, output %v", l, p.IsOutput())
	}
}

func TestSimulatedEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The decorator of periph is a pin like any other.
		b := OpenSimulated(nil)
		p := simulatedPin(t, b, "GPIO17")
		pin := gpio.PinIO(&gpiotest.LogPinIO{PinIO: p})
		if d := b.Driver(pin); d != "simulated" {
			t.Errorf("driver %q", d)
		}

		for _, tt := range []struct {
			edge       gpio.Edge
			rise, fall bool
		}{{gpio.RisingEdge, true, false}, {gpio.FallingEdge, false, true}, {gpio.BothEdges, true, true}, {gpio.NoEdge, false, false}} {
			p.Drive(gpio.Low)
			if err := pin.In(gpio.PullDown, tt.edge); err != nil {
				t.Fatal(err)
			}
			p.Drive(gpio.High)
			if got := pin.WaitForEdge(ms); got != tt.rise {
				t.Errorf("%v: saw rise: %v", tt.edge, got)
			}
			p.Drive(gpio.High) // no edge
			p.Drive(gpio.Low)
			if got := pin.WaitForEdge(ms); got != tt.fall {
				t.Errorf("%v: saw fall: %v", tt.edge, got)
			}
			if pin.WaitForEdge(ms) {
				t.Errorf("%v: saw one more", tt.edge)
			}
		}
	})
}

// The cases of WaitForEdge's contract in gpio.PinIn.
func TestSimulatedWaitForEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := simulatedPin(t, OpenSimulated(nil), "GPIO17")
		setup := func() {
			t.Helper()
			p.Drive(gpio.Low)
			if err := p.In(gpio.PullDown, gpio.RisingEdge); err != nil {
				t.Fatal(err)
			}
		}
		// wait returns what WaitForEdge said, and after how long, when do happens after 10 ms.
		wait := func(timeout time.Duration, do func()) (bool, time.Duration) {
			began := time.Now()
			timer := time.AfterFunc(10*ms, do)
			defer timer.Stop()
			return p.WaitForEdge(timeout), time.Since(began)
		}
		nothing := func() {}
		rise := func() { p.Drive(gpio.High) }
		for _, tt := range []struct {
			name    string
			timeout time.Duration
			do      func()
			want    bool
			after   time.Duration
		}{
			{"the edge comes", time.Second, rise, true, 10 * ms},
			{"the edge doesn't come", time.Second, nothing, false, time.Second},
			{"for ever", -1, rise, true, 10 * ms},
			{"only look", 0, rise, false, 0},
			{"In ends it", time.Second, func() { _ = p.In(gpio.PullDown, gpio.RisingEdge) }, false, 10 * ms},
			{"Out ends it", time.Second, func() { _ = p.Out(gpio.Low) }, false, 10 * ms},
			{"Halt ends it", -1, func() { _ = p.Halt() }, false, 10 * ms},
		} {
			setup()
			if got, after := wait(tt.timeout, tt.do); got != tt.want || after != tt.after {
				t.Errorf("%s: %v after %v, want %v after %v", tt.name, got, after, tt.want, tt.after)
			}
		}

		setup()
		rise()
		if !p.WaitForEdge(ms) {
			t.Error("an edge before the call is lost")
		}
		rise()
		setup()
		if p.WaitForEdge(ms) {
			t.Error("In kept an edge")
		}
		for range 2 * edgeQueue {
			p.Drive(gpio.High)
			p.Drive(gpio.Low)
		}
		n := 0
		for p.WaitForEdge(ms) {
			n++
		}
		if n != edgeQueue {
			t.Errorf("%d edges were kept, want %d", n, edgeQueue)
		}
	})
}
