package device

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

func TestNewOutputsRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings []OutputSettings
		want     string
	}{
		{"no such pin", []OutputSettings{{Name: "reject", Pin: "GPIO99"}},
			`output "reject": pin "GPIO99": no such pin; this board has GPIO0–GPIO27`},
		{"same pin twice", []OutputSettings{pass, {Name: "fail", Pin: "GPIO22"}},
			`output "fail": pin "GPIO22": already used by output "pass"; every output and input needs a pin of its own`},
		{"same name twice", []OutputSettings{pass, {Name: "pass", Pin: "GPIO23"}},
			`output "pass": there are two of this name`},
		{"no name", []OutputSettings{{Pin: "GPIO22"}}, `an output on pin "GPIO22" has no name`},
		{"no pin", []OutputSettings{{Name: "pass"}}, `output "pass": no pin; name one, such as "GPIO17"`},
		{"pulse of no width", []OutputSettings{{Name: "pass", Pin: "GPIO22", Mode: Pulse}},
			`output "pass": width 0s; a pulse is longer than 0 and at most 1m0s`},
		{"level with a width", []OutputSettings{{Name: "pass", Pin: "GPIO22", Width: ms}},
			`output "pass": width 1ms, but in mode "level" there is no pulse; leave the width out or use mode "pulse"`},
		{"no such mode", []OutputSettings{{Name: "pass", Pin: "GPIO22", Mode: 7}},
			`output "pass": Mode(7): no such mode; use Level or Pulse`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			board := OpenSimulated(nil)
			if _, err := NewOutputs(board, tt.settings, Options{}); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err := board.Close(); err != nil {
				t.Errorf("it kept a pin: %v", err)
			}
		})
	}
}

// A pin belongs to one owner until that is closed, under whatever name.
func TestPinsHaveOneOwner(t *testing.T) {
	board := OpenSimulated(nil)
	first, err := NewOutputs(board, []OutputSettings{reject}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewOutputs(board, []OutputSettings{{Name: "lamp", Pin: "GPIO17"}}, Options{}); err == nil {
		t.Error("a second owner got the pin")
	}
	if err := board.Close(); err == nil || err.Error() != `board is still in use; close first: output "reject" (pin GPIO17)` {
		t.Errorf("closing the board: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := NewOutputs(board, []OutputSettings{reject}, Options{})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := board.Close(); err != nil {
		t.Error(err)
	}
}

// The first thing that a pin is told is its resting level.
func TestRestAtOnce(t *testing.T) {
	var seen []Change
	board := OpenSimulated(func(c Change) { seen = append(seen, c) })
	outputs, err := NewOutputs(board, []OutputSettings{pass, {Name: "relay", Pin: "GPIO23", ActiveLow: true}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outputs.Close()
	if len(seen) != 2 || seen[0].Level != gpio.Low || seen[1].Level != gpio.High || !seen[0].Output || !seen[1].Output {
		t.Errorf("changes %+v", seen)
	}
}

func TestSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject, pass)
		o := b.output(t, "reject")
		for _, at := range []time.Duration{10 * ms, 200 * ms} {
			if err := o.PulseAt(b.in(at), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.output(t, "pass").Set(true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * ms)
		if err := b.Safe(); err != nil {
			t.Fatal(err)
		}
		b.expect(t,
			edge{0, "GPIO22", gpio.High},
			edge{10 * ms, "GPIO17", gpio.High},
			edge{20 * ms, "GPIO17", gpio.Low},
			edge{20 * ms, "GPIO22", gpio.Low})

		// Nothing makes them active again …
		if err := o.PulseAt(b.in(30*ms), 0); !errors.Is(err, ErrSafe) {
			t.Errorf("PulseAt: %v", err)
		}
		if err := o.Set(true); !errors.Is(err, ErrSafe) {
			t.Errorf("Set(true): %v", err)
		}
		if err := o.Toggle(); !errors.Is(err, ErrSafe) {
			t.Errorf("Toggle: %v", err)
		}
		if err := o.Set(false); err != nil {
			t.Errorf("Set(false): %v", err)
		}
		time.Sleep(time.Second)
		b.expect(t)
		if st := o.Stats(); st.Cancelled != 1 || st.Missed != 0 || st.Waiting != 0 || st.Active {
			t.Errorf("stats %+v", st)
		}

		// … until Resume, which activates nothing itself.
		if err := b.Resume(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.expect(t)
		if err := o.PulseAt(b.in(2000*ms), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		b.expect(t, edge{2000 * ms, "GPIO17", gpio.High}, edge{2050 * ms, "GPIO17", gpio.Low})
	})
}

func TestSafeOnPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			defer func() {
				if err := b.Safe(); err != nil {
					t.Error(err)
				}
			}()
			if err := o.Set(true); err != nil {
				t.Fatal(err)
			}
			panic("a bug")
		}()
		b.expect(t, edge{0, "GPIO17", gpio.High}, edge{0, "GPIO17", gpio.Low})
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		if err := o.PulseAt(b.in(10*ms), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * ms)
		for range 2 {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		b.expect(t, edge{10 * ms, "GPIO17", gpio.High}, edge{20 * ms, "GPIO17", gpio.Low})
		if err := o.Set(true); !errors.Is(err, ErrClosed) {
			t.Errorf("Set: %v", err)
		}
		if err := o.PulseAt(b.in(30*ms), 0); !errors.Is(err, ErrClosed) {
			t.Errorf("PulseAt: %v", err)
		}
		if err := b.Resume(); !errors.Is(err, ErrClosed) {
			t.Errorf("Resume: %v", err)
		}
		if err := o.Set(false); err != nil {
			t.Errorf("Set(false): %v", err)
		}
		if err := b.Safe(); err != nil {
			t.Errorf("a deferred Safe: %v", err)
		}
	})
}

// Safe against everything at once: for the race detector, and for the promise
// that nothing is active after it. On the real clock and the kernel's timer.
func TestSafeFromAnyGoroutine(t *testing.T) {
	board := OpenSimulated(nil)
	board.exact = true
	outputs, err := NewOutputs(board, []OutputSettings{reject, pass}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := outputs.Resume(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, o := range outputs.All() {
			wg.Go(func() {
				for i := range 200 {
					_ = o.PulseAt(time.Now().Add(time.Duration(i%7)*10*time.Microsecond), 20*time.Microsecond)
					_ = o.Toggle()
					_ = o.Stats()
				}
			})
		}
		wg.Go(func() {
			if err := outputs.Safe(); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"GPIO17", "GPIO22"} {
				p, _ := board.Pin(name)
				if l, _ := p.(*SimulatedPin).Level(); l != gpio.Low {
					t.Errorf("%s is active after Safe", name)
				}
			}
		})
		wg.Wait()
	}
	if err := outputs.Close(); err != nil {
		t.Error(err)
	}
}

func TestOutputByName(t *testing.T) {
	board := OpenSimulated(nil)
	outputs, err := NewOutputs(board, []OutputSettings{reject, pass}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outputs.Close()
	if _, err := outputs.Output("fail"); err == nil || !strings.Contains(err.Error(), `output "fail": no such output; there are ["reject" "pass"]`) {
		t.Errorf("error %v", err)
	}
	if o, err := outputs.Output("pass"); err != nil || o.String() != `output "pass" (pin GPIO22)` {
		t.Errorf("%v, %v", o, err)
	}
}
