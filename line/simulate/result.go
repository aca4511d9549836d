package simulate

import (
	"slices"
	"time"

	"passfail/line/belt"
)

// Part is what happened to one.
type Part struct {
	Bad       bool
	Edge      time.Duration // it reached the photo-eye
	Gate      time.Duration // it reached the gate
	Triggered bool          // its edge was taken for a part's
	Frames    int
	Verdict   time.Duration // when the last verdict in time was there; 0: none was
	Pass      bool          // that verdict
	Decided   time.Duration // its decision point; 0: it was not triggered
	Outcome   belt.Outcome  // if it was triggered
	Pushed    bool          // the gate was active when it came
}

// Push is a time in which the gate is active.
type Push struct{ From, To time.Duration }

// Result is what came of a simulated line.
type Result struct {
	Options Options
	Parts   []Part
	Pushes  []Push
	Stats   belt.Stats
	Order   []belt.ID // in which parts were decided for

	Escapes  int // bad parts that were not pushed
	Overkill int // good ones that were
	Late     int // parts without a verdict in time
	Missed   int // parts that nobody saw: Untriggered and Unseen
	Pushed   int

	Untriggered int // no edge of theirs counted
	Unseen      int // no frame shows them
	TooClose    int // good, and pushed because a bad one is too close for the gate
	Near        int // closer to the one before than the gate can tell apart
	Phantoms    int // edges that counted as parts and were none: the debounce is too short
	Wrong       int // verdicts by which the model erred
	Overruns    int // frames that found the queue full, whether a part needed them or not

	Latency Spread        // from a part's edge to its verdict, late ones too
	Room    time.Duration // the least time between a verdict and its decision point; below 0: it was late
	Busy    float64       // share of the time in which the inspector worked
	Took    time.Duration // of the line's own clock
}

// Spread of lengths of time.
type Spread struct{ P50, P99, Max time.Duration }

func spread(list []time.Duration) Spread {
	if len(list) == 0 {
		return Spread{}
	}
	slices.Sort(list)
	at := func(q float64) time.Duration { return list[int(q*float64(len(list)-1)+0.5)] }
	return Spread{at(0.5), at(0.99), list[len(list)-1]}
}

// count makes the figures of what happened to the parts.
func (r *Result) count() {
	for _, p := range r.Parts {
		switch {
		case p.Bad && !p.Pushed:
			r.Escapes++
		case !p.Bad && p.Pushed:
			r.Overkill++
		}
		if p.Pushed {
			r.Pushed++
		}
		switch {
		case !p.Triggered:
			r.Untriggered++
		case p.Outcome == belt.Late:
			r.Late++
		case p.Outcome == belt.Unseen:
			r.Unseen++
		case p.Outcome == belt.TooClose:
			r.TooClose++
		}
		if p.Verdict > 0 && p.Pass == p.Bad {
			r.Wrong++
		}
	}
	r.Missed = r.Untriggered + r.Unseen
	r.Near = int(r.Stats.Near)
}
