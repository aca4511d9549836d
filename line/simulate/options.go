// Package simulate runs an inspection line that exists only as numbers: parts on
// a belt, a photo-eye that bounces, a camera, an inspector and a reject gate, on a
// clock of its own. The parts under way are kept by package line/belt and the
// photo-eye is debounced by package device, as on the real line; so what comes out
// says whether a station's timings fit its belt.
//
// The same options give the same result, event for event.
package simulate

import (
	"errors"
	"fmt"
	"time"

	"passfail/line/belt"
)

// Arrival says how parts come.
type Arrival string

// The arrivals. The mean rate is the same in each.
const (
	Regular Arrival = "regular" // each a takt after the one before, give or take Jitter
	Random  Arrival = "random"  // at random, but for the parts' own length
	Bursts  Arrival = "bursts"  // five at twice the rate, then a pause
)

// Options describe a line. Positions in Belt are nanoseconds: of the clock, or,
// with Encoder, of the way that the belt goes in that time at its ordinary speed.
type Options struct {
	Seed      uint64
	Parts     int
	PerMinute float64
	Arrival   Arrival
	Jitter    float64       // of Regular: each part comes off its place by up to this share of the takt, 0 to 0.5
	Length    time.Duration // for so long a part covers the photo-eye
	Faulty    float64       // share of bad parts, 0 to 1

	// How often the model errs, 0 to 1. What escapes besides is the timings' fault.
	Escape, Overkill float64 // bad parts called good; good ones called bad

	Bounce   time.Duration // for so long the photo-eye bounces at each edge
	Debounce time.Duration

	Belt     belt.Settings
	Capacity int
	Encoder  bool     // the belt is followed by its way; otherwise by time
	Quantum  Position // of the encoder: what one count is
	Motion   Motion   // what the belt does; nil: it runs

	FPS         float64
	FrameJitter float64         // a frame comes late by up to this share of the time between two, 0 to 1
	Transfer    time.Duration   // from a frame's exposure until it can be used
	Inference   []time.Duration // how long a frame's inspection takes; one of them at random for each
	Queue       int             // frames that can wait for the inspector

	Width time.Duration // of the reject pulse
}

// Position is package belt's.
type Position = belt.Position

const mostParts = 1_000_000

func (o *Options) check() error {
	for _, s := range []struct {
		name      string
		v         float64
		low, high float64
	}{
		{"parts", float64(o.Parts), 1, mostParts}, {"parts per minute", o.PerMinute, 0.1, 100_000},
		{"jitter", o.Jitter, 0, 0.5}, {"faulty", o.Faulty, 0, 1}, {"escape rate", o.Escape, 0, 1}, {"overkill rate", o.Overkill, 0, 1},
		{"frames per second", o.FPS, 0.1, 10_000}, {"frame jitter", o.FrameJitter, 0, 1}, {"queue", float64(o.Queue), 1, 10_000},
	} {
		if !(s.v >= s.low && s.v <= s.high) {
			return fmt.Errorf("simulation: %s %v; %v to %v is possible", s.name, s.v, s.low, s.high)
		}
	}
	switch {
	case o.Arrival != Regular && o.Arrival != Random && o.Arrival != Bursts:
		return fmt.Errorf("simulation: arrival %q; use regular, random or bursts", o.Arrival)
	case len(o.Inference) == 0:
		return errors.New("simulation: how long an inspection takes is missing")
	case o.Length <= 0 || o.Width <= 0 || o.Bounce < 0 || o.Debounce < 0 || o.Transfer < 0 || o.Quantum < 0:
		return errors.New("simulation: a part's length and the reject pulse's width must be above 0, other times 0 or above")
	case float64(o.Length) >= float64(time.Minute)/o.PerMinute:
		return fmt.Errorf("simulation: a part covers the photo-eye for %v, but one comes each %v: there would be no gap between them", o.Length, o.takt().Round(time.Microsecond))
	}
	for _, d := range o.Inference {
		if d < 0 {
			return fmt.Errorf("simulation: an inspection that takes %v", d)
		}
	}
	return o.Motion.check()
}

// takt is the mean time from part to part.
func (o *Options) takt() time.Duration {
	return time.Duration(float64(time.Minute) / o.PerMinute)
}
