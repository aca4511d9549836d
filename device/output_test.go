package device

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"pgregory.net/rapid"
)

func TestPulses(t *testing.T) {
	type pulse struct{ at, width time.Duration }
	high := func(at time.Duration) edge { return edge{at, "GPIO17", gpio.High} }
	low := func(at time.Duration) edge { return edge{at, "GPIO17", gpio.Low} }
	for _, tt := range []struct {
		name   string
		pulses []pulse
		want   []edge
	}{
		{"one", []pulse{{10 * ms, 5 * ms}}, []edge{high(10 * ms), low(15 * ms)}},
		{"to the nanosecond", []pulse{{10*ms + 1, 1}}, []edge{high(10*ms + 1), low(10*ms + 2)}},
		{"the settings' width", []pulse{{10 * ms, 0}}, []edge{high(10 * ms), low(60 * ms)}},
		{"apart", []pulse{{10 * ms, 5 * ms}, {20 * ms, 5 * ms}}, []edge{high(10 * ms), low(15 * ms), high(20 * ms), low(25 * ms)}},
		{"the later first", []pulse{{20 * ms, 5 * ms}, {10 * ms, 5 * ms}}, []edge{high(10 * ms), low(15 * ms), high(20 * ms), low(25 * ms)}},
		{"overlapping", []pulse{{10 * ms, 15 * ms}, {20 * ms, 10 * ms}}, []edge{high(10 * ms), low(30 * ms)}},
		{"inside another", []pulse{{10 * ms, 30 * ms}, {20 * ms, 5 * ms}}, []edge{high(10 * ms), low(40 * ms)}},
		{"touching", []pulse{{10 * ms, 10 * ms}, {20 * ms, 10 * ms}}, []edge{high(10 * ms), low(30 * ms)}},
		{"joined by a third", []pulse{{10 * ms, 5 * ms}, {20 * ms, 5 * ms}, {14 * ms, 7 * ms}}, []edge{high(10 * ms), low(25 * ms)}},
		{"now", []pulse{{0, 5 * ms}}, []edge{high(0), low(5 * ms)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, reject)
				o := b.output(t, "reject")
				for _, p := range tt.pulses {
					if err := o.PulseAt(b.in(p.at), p.width); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				b.expect(t, tt.want...)
				if st := o.Stats(); st.Pulses != uint64(len(tt.pulses)) || st.Missed != 0 || st.MaxLag != 0 || st.Waiting != 0 {
					t.Errorf("stats %+v", st)
				}
			})
		})
	}
}

// A pulse that is added while another is given prolongs it.
func TestPulseProlonged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		if err := o.PulseAt(b.in(10*ms), 10*ms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * ms)
		if err := o.PulseAt(b.in(18*ms), 20*ms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.expect(t, edge{10 * ms, "GPIO17", gpio.High}, edge{38 * ms, "GPIO17", gpio.Low})
	})
}

func TestLatePulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		time.Sleep(100 * ms)

		for _, at := range []time.Time{b.in(50 * ms), b.in(0), {}, time.Unix(0, 0)} { // 50 ms: ends this moment
			if err := o.PulseAt(at, 50*ms); !errors.Is(err, ErrLate) {
				t.Errorf("wholly past, at %v: %v", at, err)
			}
		}
		synctest.Wait()
		b.expect(t)

		// The end stays where it was.
		if err := o.PulseAt(b.in(80*ms), 50*ms); !errors.Is(err, ErrCut) {
			t.Errorf("begun 20 ms ago: %v", err)
		}
		time.Sleep(100 * ms)
		b.expect(t, edge{100 * ms, "GPIO17", gpio.High}, edge{130 * ms, "GPIO17", gpio.Low})

		// Too little to call it cut.
		if err := o.PulseAt(b.in(199*ms), 50*ms); err != nil {
			t.Errorf("begun 1 ms ago: %v", err)
		}
		time.Sleep(100 * ms)
		b.expect(t, edge{200 * ms, "GPIO17", gpio.High}, edge{249 * ms, "GPIO17", gpio.Low})
		if st := o.Stats(); st.Late != 4 || st.Cut != 1 || st.Pulses != 2 || st.Missed != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestPulseRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject, pass)
		for _, tt := range []struct {
			output    string
			at, width time.Duration
		}{
			{"pass", 0, 0}, // mode level has no width of its own
			{"reject", 0, -ms},
			{"reject", 0, maxWidth + 1},
			{"reject", maxAhead + 1, ms},
			{"reject", never, ms},
		} {
			if err := b.output(t, tt.output).PulseAt(b.in(tt.at), tt.width); err == nil {
				t.Errorf("%s: pulse at %v for %v was taken", tt.output, tt.at, tt.width)
			} else {
				t.Log(err)
			}
		}
		synctest.Wait()
		b.expect(t)
	})
}

func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject) // of 4 places
		o := b.output(t, "reject")
		for i := range time.Duration(4) {
			if err := o.PulseAt(b.in((i+1)*100*ms), 10*ms); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.PulseAt(b.in(50*ms), 10*ms); !errors.Is(err, ErrFull) {
			t.Errorf("a fifth pulse: %v", err)
		}
		if err := o.PulseAt(b.in(405*ms), 20*ms); err != nil {
			t.Errorf("one that merges: %v", err)
		}
		time.Sleep(105 * ms)
		if err := o.PulseAt(b.in(700*ms), 10*ms); !errors.Is(err, ErrFull) {
			t.Errorf("while the first is given: %v", err)
		}
		time.Sleep(10 * ms)
		if err := o.PulseAt(b.in(700*ms), 10*ms); err != nil {
			t.Errorf("after the first: %v", err)
		}
		if st := o.Stats(); st.Full != 2 || st.Pulses != 6 || st.Waiting != 4 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestActiveLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		low := reject
		low.ActiveLow = true
		b := newBench(t, low)
		if l, _ := b.pin(t, "GPIO17").Level(); l != gpio.High {
			t.Errorf("at rest the pin is %v", l)
		}
		if err := b.output(t, "reject").PulseAt(b.in(10*ms), 5*ms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * ms)
		b.expect(t, edge{10 * ms, "GPIO17", gpio.Low}, edge{15 * ms, "GPIO17", gpio.High})
	})
}

func TestOutputsAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject, pass)
		if err := b.output(t, "reject").PulseAt(b.in(10*ms), 20*ms); err != nil {
			t.Fatal(err)
		}
		if err := b.output(t, "pass").PulseAt(b.in(15*ms), 5*ms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(18 * ms)
		if err := b.output(t, "pass").Set(true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * ms)
		if err := b.output(t, "pass").Set(false); err != nil {
			t.Fatal(err)
		}
		b.expect(t,
			edge{10 * ms, "GPIO17", gpio.High},
			edge{15 * ms, "GPIO22", gpio.High}, // the pulse, and then the level without a gap
			edge{30 * ms, "GPIO17", gpio.Low},
			edge{38 * ms, "GPIO22", gpio.Low})
	})
}

// An output is active exactly while its level is set or an accepted pulse covers the moment,
// whatever is asked in whatever order.
func TestOutputFollowsModel(t *testing.T) {
	type action struct {
		wait      time.Duration // before it
		set       int           // 0, 1: Set; 2: a pulse
		in, width time.Duration
	}
	const length = 400 // ms
	rapid.Check(t, func(rt *rapid.T) {
		actions := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) action {
			return action{
				wait:  ms * time.Duration(rapid.IntRange(0, 15).Draw(rt, "wait")),
				set:   rapid.IntRange(0, 6).Draw(rt, "set"),
				in:    ms * time.Duration(rapid.IntRange(-20, 60).Draw(rt, "in")),
				width: ms * time.Duration(rapid.IntRange(1, 30).Draw(rt, "width")),
			}
		}), 1, 20).Draw(rt, "actions")

		var problem string
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, reject)
			o := b.output(t, "reject")
			var want [length]bool // in the millisecond after the index
			now, level := 0, false
			advance := func(n int) {
				for range n {
					want[now] = want[now] || level
					now++
				}
				time.Sleep(time.Duration(n) * ms)
			}
			for _, a := range actions {
				advance(int(a.wait / ms))
				if a.set < 2 {
					level = a.set == 1
					if err := o.Set(level); err != nil {
						problem = err.Error()
						return
					}
					continue
				}
				start := time.Duration(now)*ms + a.in
				err := o.PulseAt(b.in(start), a.width)
				if err == nil || errors.Is(err, ErrCut) {
					for i := max(now, int(start/ms)); i < int((start+a.width)/ms); i++ {
						want[i] = true
					}
				} else if !errors.Is(err, ErrFull) && (!errors.Is(err, ErrLate) || start+a.width > time.Duration(now)*ms) {
					problem = err.Error()
					return
				}
			}
			_ = o.Set(false)
			level = false
			advance(length - now - 1)

			// Every edge of the model is in what was seen, and nothing else.
			// An edge undone within the same moment (Set twice) is none.
			var got [length]bool
			at, active := 0, false
			for _, e := range b.seen() {
				for ; at < int(e.at/ms); at++ {
					got[at] = active
				}
				active = bool(e.level)
			}
			if got != want || active {
				problem = "edges do not follow the model"
			}
			if st := o.Stats(); st.Missed != 0 || st.MaxLag != 0 {
				problem = "missed a pulse or lagged"
			}
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}
