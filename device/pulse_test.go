package device

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

func TestPulseTrain(t *testing.T) {
	high := func(at time.Duration) edge { return edge{at, "GPIO17", gpio.High} }
	low := func(at time.Duration) edge { return edge{at, "GPIO17", gpio.Low} }
	for _, tt := range []struct {
		name  string
		train train
		other time.Duration // begin of a pulse of 10 ms beside it; 0: none
		want  []edge
	}{
		{"three", train{5 * ms, 3 * ms, 3}, 0, []edge{high(20 * ms), low(25 * ms), high(28 * ms), low(33 * ms), high(36 * ms), low(41 * ms)}},
		{"one", train{5 * ms, 3 * ms, 1}, 0, []edge{high(20 * ms), low(25 * ms)}},
		{"of the settings' width", train{0, 10 * ms, 2}, 0, []edge{high(20 * ms), low(70 * ms), high(80 * ms), low(130 * ms)}},
		{"a gap is covered", train{5 * ms, 3 * ms, 2}, 24 * ms, []edge{high(20 * ms), low(34 * ms)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, reject)
				o := b.output(t, "reject")
				if err := o.PulseTrainAt(b.in(20*ms), tt.train.width, tt.train.gap, tt.train.count); err != nil {
					t.Fatal(err)
				}
				if tt.other != 0 {
					if err := o.PulseAt(b.in(tt.other), 10*ms); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				b.expect(t, tt.want...)
			})
		})
	}
}

// A train for which there is no room changes nothing; one that is partly past is cut.
func TestPulseTrainRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject) // four places
		o := b.output(t, "reject")
		if err := o.PulseAt(b.in(500*ms), 10*ms); err != nil {
			t.Fatal(err)
		}
		if err := o.PulseTrainAt(b.in(100*ms), 10*ms, 10*ms, 4); !errors.Is(err, ErrFull) {
			t.Errorf("four in three places: %v", err)
		}
		for _, tr := range []train{{10 * ms, 0, 2}, {10 * ms, -ms, 2}, {10 * ms, ms, 0}, {10 * ms, ms, maxTrain + 1}, {time.Minute, time.Minute, 60}} {
			if err := o.PulseTrainAt(b.in(100*ms), tr.width, tr.gap, tr.count); err == nil {
				t.Errorf("%v was taken", tr)
			}
		}
		if err := o.PulseTrainAt(b.in(never), 10*ms, ms, 2); err == nil {
			t.Error("a train at the end of time was taken")
		}
		time.Sleep(200 * ms)
		b.expect(t)
		if err := o.PulseTrainAt(b.in(170*ms), 10*ms, 10*ms, 3); !errors.Is(err, ErrCut) {
			t.Errorf("the first is past: %v", err)
		}
		if err := o.PulseTrainAt(b.in(100*ms), 10*ms, 10*ms, 3); !errors.Is(err, ErrLate) {
			t.Errorf("all is past: %v", err)
		}
		time.Sleep(time.Second)
		b.expect(t, edge{210 * ms, "GPIO17", gpio.High}, edge{220 * ms, "GPIO17", gpio.Low},
			edge{500 * ms, "GPIO17", gpio.High}, edge{510 * ms, "GPIO17", gpio.Low})
		if st := o.Stats(); st.Missed != 0 || st.Full != 1 || st.Late != 1 || st.Cut != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// A gate that was held until a moment known only then does not drop in between.
func TestHoldUntilKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, reject)
		o := b.output(t, "reject")
		time.Sleep(10 * ms)
		if err := o.Set(true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute) // the belt stood
		if err := errors.Join(o.PulseAt(time.Now(), 0), o.Set(false)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.expect(t, edge{10 * ms, "GPIO17", gpio.High}, edge{10*time.Minute + 60*ms, "GPIO17", gpio.Low})
		if st := o.Stats(); st.Missed != 0 || st.MaxLag != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestPulseAllocatesNothing(t *testing.T) {
	board := OpenSimulated(nil)
	outputs, err := NewOutputs(board, []OutputSettings{reject}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outputs.Close()
	o := outputs.list[0]
	at := time.Now().Add(30 * time.Minute)
	if n := testing.AllocsPerRun(100, func() {
		if err := errors.Join(o.PulseAt(at, 0), o.PulseTrainAt(at, 5*ms, 5*ms, 8)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
