package simulate

import (
	"fmt"
	"time"
)

// Phase is a time in which the belt runs at one speed.
type Phase struct {
	For   time.Duration
	Speed float64 // of the ordinary one; 0: it stands
}

// Motion is what the belt does, phase after phase; after the last one it runs at
// its ordinary speed.
type Motion []Phase

func (m Motion) check() error {
	for _, p := range m {
		if p.For <= 0 || !(p.Speed == 0 || p.Speed >= 0.01 && p.Speed <= 100) {
			return fmt.Errorf("simulation: belt at %v of its speed for %v; 0, or 0.01 to 100, for some time is possible", p.Speed, p.For)
		}
	}
	return nil
}

// Way is how far the belt has gone at a moment, in nanoseconds of ordinary speed.
func (m Motion) Way(at time.Duration) Position {
	var way Position
	for _, p := range m {
		if at <= p.For {
			return way + Position(float64(at)*p.Speed)
		}
		way += Position(float64(p.For) * p.Speed)
		at -= p.For
	}
	return way + Position(at)
}

// moment is the first at which the belt has gone so far.
func (m Motion) moment(way Position) time.Duration {
	var at time.Duration
	for _, p := range m {
		gone := Position(float64(p.For) * p.Speed)
		if way <= gone && p.Speed > 0 {
			t := at + time.Duration(float64(way)/p.Speed)
			for m.Way(t) < m.Way(at)+way { // rounding
				t++
			}
			return t
		}
		if way <= 0 {
			return at
		}
		way -= gone
		at += p.For
	}
	return at + time.Duration(max(way, 0))
}
