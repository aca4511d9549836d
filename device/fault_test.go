package device

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

var errBusy = errors.New("line_request ioctl: device or resource busy")

// A pin that fails when a pulse ends is tried again until it is at rest, and
// works again from then on.
func TestFaultIsRetriedToRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		if err := o.PulseAt(b.in(10*ms), 10*ms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * ms)
		b.expect(t, edge{10 * ms, "GPIO17", gpio.High})
		b.pin(t, "GPIO17").FailOut(errBusy)
		time.Sleep(10 * ms) // at 25 ms; it has failed at 20, 21 and 23 ms
		if st := o.Stats(); st.Faults != 3 || !errors.Is(st.Fault, ErrFault) || !errors.Is(st.Fault, errBusy) {
			t.Errorf("stats %+v", st)
		}
		if err := o.Set(true); !errors.Is(err, ErrFault) {
			t.Errorf("Set: %v", err)
		}
		if err := o.PulseAt(b.in(40*ms), 10*ms); !errors.Is(err, ErrFault) {
			t.Errorf("PulseAt: %v", err)
		}
		b.pin(t, "GPIO17").FailOut(nil)
		time.Sleep(10 * ms)
		if l, _ := b.pin(t, "GPIO17").Level(); l != gpio.Low || !b.pin(t, "GPIO17").IsOutput() {
			t.Error("not driven to rest")
		}
		if st := o.Stats(); st.Fault != nil {
			t.Errorf("stats %+v", st)
		}
		if err := o.Set(true); err != nil {
			t.Errorf("Set after the fault: %v", err)
		}

		faults := b.reported()
		if len(faults) != 1 {
			t.Fatalf("reported %v, want one for the row of failures", faults)
		}
		if text := faults[0].Error(); !strings.HasPrefix(text, `output "reject": pin can't be driven: pin GPIO17: line_request ioctl: device or resource busy; another program has it`) {
			t.Error(text)
		}
	})
}

// A fault at a pulse's start: the pulse is given if the pin comes back in time, and reported if not.
func TestFaultAtPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		for _, at := range []time.Duration{10 * ms, 100 * ms} {
			if err := o.PulseAt(b.in(at), 20*ms); err != nil {
				t.Fatal(err)
			}
		}
		b.pin(t, "GPIO17").FailOut(errBusy)
		time.Sleep(95 * ms)
		b.pin(t, "GPIO17").FailOut(nil)
		if st := o.Stats(); st.Missed != 1 {
			t.Errorf("stats %+v", st)
		}
		synctest.Wait()
		if faults := b.reported(); len(faults) != 2 || !errors.Is(faults[0], ErrFault) || !errors.Is(faults[1], ErrLate) {
			t.Errorf("reported %v", faults)
		}
		time.Sleep(time.Second)
		edges := b.seen()
		last := edges[len(edges)-1]
		if last.level != gpio.Low || last.at != 120*ms {
			t.Errorf("edges %v", edges)
		}
		if st := o.Stats(); st.Missed != 1 || st.Active {
			t.Errorf("stats %+v", st)
		}
	})
}

// What Set could not do is not done later.
func TestSetFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, pass)
		o := b.output(t, "pass")
		b.pin(t, "GPIO22").FailOut(errBusy)
		if err := o.Set(true); !errors.Is(err, ErrFault) {
			t.Errorf("Set: %v", err)
		}
		b.pin(t, "GPIO22").FailOut(nil)
		time.Sleep(time.Second)
		if l, _ := b.pin(t, "GPIO22").Level(); l != gpio.Low {
			t.Error("active")
		}
		if st := o.Stats(); st.Fault != nil || st.Faults != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// Safe tells that it failed, and the scheduler goes on.
func TestSafeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject, pass)
		for _, o := range b.All() {
			if err := o.Set(true); err != nil {
				t.Fatal(err)
			}
		}
		b.pin(t, "GPIO17").FailOut(errBusy)
		if err := b.Safe(); !errors.Is(err, ErrFault) {
			t.Errorf("Safe: %v", err)
		}
		if l, _ := b.pin(t, "GPIO22").Level(); l != gpio.Low {
			t.Error("the other output is still active")
		}
		time.Sleep(10 * time.Second)
		b.pin(t, "GPIO17").FailOut(nil)
		time.Sleep(lastRetry)
		if l, _ := b.pin(t, "GPIO17").Level(); l != gpio.Low {
			t.Error("still active")
		}
	})
}

func TestNewOutputsFails(t *testing.T) {
	board := OpenSimulated(nil)
	p, _ := board.Pin("GPIO17")
	p.(*SimulatedPin).FailOut(errors.New("permission denied"))
	_, err := NewOutputs(board, []OutputSettings{reject, pass}, Options{})
	if err == nil || !strings.Contains(err.Error(), "usermod -aG gpio") {
		t.Errorf("error %v", err)
	}
	other, _ := board.Pin("GPIO22")
	if !other.(*SimulatedPin).IsOutput() {
		t.Error("the other output was not driven to rest")
	}
}

// oncePin behaves like a gpioioctl line whose request failed: it holds itself
// for an output, and fails until it is made an input.
type oncePin struct {
	*SimulatedPin
	broken atomic.Bool
}

func (p *oncePin) In(pull gpio.Pull, e gpio.Edge) error {
	p.broken.Store(false)
	return p.SimulatedPin.In(pull, e)
}

func (p *oncePin) Out(l gpio.Level) error {
	if p.broken.Load() {
		return errors.New("inappropriate ioctl for device")
	}
	return p.SimulatedPin.Out(l)
}

// panickyPin's driver panics.
type panickyPin struct {
	*SimulatedPin
	panics atomic.Bool
}

func (p *panickyPin) Out(l gpio.Level) error {
	if p.panics.Load() {
		panic("index out of range")
	}
	return p.SimulatedPin.Out(l)
}

func TestMisbehavingDrivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := OpenSimulated(nil)
		get := func(name string) *SimulatedPin {
			p, err := sim.Pin(name)
			if err != nil {
				t.Fatal(err)
			}
			return p.(*SimulatedPin)
		}
		once, panicky := &oncePin{SimulatedPin: get("GPIO17")}, &panickyPin{SimulatedPin: get("GPIO22")}
		outputs, err := NewOutputs(OpenPins(once, panicky), []OutputSettings{reject, pass}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer outputs.Close()
		once.broken.Store(true)
		panicky.panics.Store(true)
		for _, o := range outputs.All() {
			if err := o.Set(true); !errors.Is(err, ErrFault) {
				t.Errorf("%v: %v", o, err)
			}
		}
		if err := outputs.Safe(); !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), "driver panicked: index out of range") {
			t.Errorf("Safe: %v", err)
		}
		if once.broken.Load() {
			t.Error("the line was not asked for again")
		}
		panicky.panics.Store(false)
		time.Sleep(time.Second)
		for _, o := range outputs.All() {
			if st := o.Stats(); st.Fault != nil {
				t.Errorf("%v: %+v", o, st)
			}
		}
	})
}
