//go:build !race

package line

import (
	"testing"
	"time"

	"passfail/device"
	"passfail/line/belt"
)

func TestInspectAllocatesNothing(t *testing.T) {
	guarded := benchLine(t)
	guarded.Model = guardedModel(t, Rule{Threshold: 0.5, NoveltyLimit: 1})
	for name, l := range map[string]*Line{"the demo's model": benchLine(t), "with a guard": guarded} {
		frames := held(t)
		// AllocsPerRun rounds down: a run is all frames, so that one allocation in all of them counts.
		n := testing.AllocsPerRun(5, func() {
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
	// On a busy machine a pulse may be late, and its error is allocated: what always is, is the line's.
	n := testing.AllocsPerRun(5, run)
	for try := 0; n != 0 && try < 4; try++ {
		n = testing.AllocsPerRun(5, run)
	}
	if n != 0 {
		t.Errorf("%v allocations over %d parts", n, len(frames))
	}
}
