//go:build !race

package line

import (
	"testing"
	"time"

	"passfail/device"
	"passfail/line/belt"
)

// allocations is how many there always are in a run of something. AllocsPerRun rounds down: so a run is all frames,
// and one allocation in all of them counts. On a busy machine a pulse may be late, and its error is
// allocated: what is there in some tries only is not the line's.
func allocations(run func()) float64 {
	n := testing.AllocsPerRun(5, run)
	for try := 0; n != 0 && try < 4; try++ {
		n = min(n, testing.AllocsPerRun(5, run))
	}
	return n
}

func TestInspectAllocatesNothing(t *testing.T) {
	guarded := benchLine(t)
	guarded.Model = guardedModel(t, Rule{Threshold: 0.5, NoveltyLimit: 1})
	for name, l := range map[string]*Line{"the demo's model": benchLine(t), "with a guard": guarded} {
		frames := held(t)
		n := allocations(func() {
			for _, f := range frames {
				f.Taken = time.Now()
				if _, err := l.Inspect(f); err != nil {
					t.Fatal(err)
				}
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations over %d frames", name, n, len(frames))
		}
	}
}

// The way of a part: from its edge through shutter, network and belt to the gate.
func TestPartAllocatesNothing(t *testing.T) {
	b := newBench(t, wiring{mode: device.Pulse, width: time.Second, rejectWidth: time.Second})
	b.changes = make([]device.Change, 0, 1<<12) // what the bench keeps is not the line's
	l, events := partsLine(t, belt.Settings{Within: far, Frames: 1, Gate: belt.Position(50 * time.Millisecond), Decide: 1}, b)
	l.Parts.Gate.Width = time.Second
	s := newShutter(l)
	defer s.close()
	actions := make([]belt.Action, 0, 16)
	frames := held(t)
	run := func() {
		for _, f := range frames {
			if _, err := l.Trigger(time.Now()); err != nil {
				t.Fatal(err)
			}
			frameBy(t, l, s, f)
			<-events
			actions = l.Parts.Belt.Advance(2*far, actions[:0])
			for _, a := range actions {
				l.leave(t.Context(), a, nil)
			}
		}
	}
	n := allocations(run)
	if n != 0 {
		t.Errorf("%v allocations over %d parts", n, len(frames))
	}
}
