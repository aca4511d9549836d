//go:build !race

package belt

import (
	"testing"
	"time"
)

func TestNothingIsAllocated(t *testing.T) {
	const capacity = 16
	b, err := New(Settings{Delay: 5, Within: 10, Frames: 2, MinGap: 3, Gate: 100, Decide: 20, GateGap: 15, Neighbour: Reject}, capacity)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewConfirm(30, 4)
	if err != nil {
		t.Fatal(err)
	}
	shots, actions, missing := make([]Shot, 0, capacity), make([]Action, 0, capacity), make([]ID, 0, 4)
	now := Position(0)
	// AllocsPerRun rounds down: a run is many parts, so that one allocation in all of them counts.
	n := testing.AllocsPerRun(5, func() {
		for range 10000 {
			now++
			if now%7 == 0 || now%49 == 1 {
				_, _ = b.Enter(now, now) // ErrTooNear is part of it
			}
			shots = b.Frame(now, shots[:0])
			for _, s := range shots {
				if err := b.Decide(s.Part, Verdict(min(s.Part%8, 1))); err != nil {
					t.Fatal(err)
				}
			}
			actions = b.Advance(now, actions[:0])
			for _, a := range actions {
				if a.Push {
					_ = c.Expect(a.Part, time.Duration(a.At)) // ErrUnconfirmed too
				}
			}
			if now%20 == 0 {
				c.Seen(time.Duration(now))
			}
			missing = c.Missing(time.Duration(now), missing[:0])
		}
	})
	if n != 0 {
		t.Errorf("%v allocations in 10000 steps", n)
	}
	if s := b.Stats(); s.Passed == 0 || s.Failed == 0 || s.TooClose == 0 || s.TooNear == 0 || s.Pushed == 0 {
		t.Errorf("not all happened that should have been measured: %+v", s)
	}
	if s := c.Stats(); s.Confirmed == 0 || s.Missing == 0 || s.Unbidden == 0 || s.Full == 0 {
		t.Errorf("not all happened that should have been measured: %+v", s)
	}
}
