package simulate

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"passfail/line/belt"
)

const ms = time.Millisecond

// drawn is a line whose parts come far enough apart to be told from a bounce, and
// of which all else may be as bad as it likes.
func drawn(t *rapid.T) Options {
	span := func(name string, low, high time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(int64(low), int64(high)).Draw(t, name))
	}
	one := func(name string, of ...time.Duration) time.Duration { return rapid.SampledFrom(of).Draw(t, name) }
	o := Options{
		Seed: rapid.Uint64().Draw(t, "seed"), Parts: rapid.IntRange(1, 25).Draw(t, "parts"),
		PerMinute: rapid.SampledFrom([]float64{40, 120, 300, 900}).Draw(t, "per minute"), Arrival: Regular,
		Jitter: rapid.Float64Range(0, 0.2).Draw(t, "jitter"), Faulty: rapid.SampledFrom([]float64{0, 0.1, 0.3, 0.6, 1}).Draw(t, "faulty"),
		FPS: rapid.SampledFrom([]float64{2, 15, 60}).Draw(t, "fps"), FrameJitter: rapid.Float64Range(0, 1).Draw(t, "frame jitter"),
		Transfer: span("transfer", 0, 60*ms), Queue: rapid.IntRange(1, 8).Draw(t, "queue"),
		Capacity: rapid.SampledFrom([]int{1, 2, 3, 64}).Draw(t, "capacity"),
		Encoder:  rapid.Bool().Draw(t, "encoder"),
	}
	takt := o.takt()
	o.Bounce = span("bounce", 0, min(takt/40, 5*ms))
	o.Debounce = o.Bounce + span("more debounce", 1, min(takt/40, 20*ms)) // it must be told before the gate
	o.Length = span("length", takt/5, takt/4)
	// Numbers are drawn small rather than large; so some are chosen among sizes that make different lines.
	// Most inspections are in time, or nobody would see what becomes of good parts.
	longest := takt * time.Duration(rapid.SampledFrom([]int{1, 1, 1, 30, 300}).Draw(t, "longest inference")) / 100
	for range rapid.IntRange(1, 5).Draw(t, "inferences") {
		o.Inference = append(o.Inference, span("inference", 0, longest))
	}
	o.Quantum = 1
	if o.Encoder {
		standing := rapid.Bool().Draw(t, "stops")
		for range rapid.IntRange(0, 6).Draw(t, "phases") {
			speed := rapid.Float64Range(0.5, 1.5).Draw(t, "speed")
			if standing && rapid.Bool().Draw(t, "stands") {
				speed = 0
			}
			o.Motion = append(o.Motion, Phase{span("for", 1, 3*time.Second), speed})
		}
		// A pulse lasts for a time: it can't wait for a belt that stops within a count.
		if !standing {
			o.Quantum = Position(span("quantum", 1, ms))
		}
	}
	q := o.Quantum
	counts := func(d time.Duration) Position { return (Position(d)/q + 1) * q }
	o.Belt = belt.Settings{
		Delay: counts(span("delay", 0, 100*ms)), Within: counts(one("within", ms, 30*ms, 150*ms) + span("more within", 0, 50*ms)), Frames: rapid.IntRange(1, 3).Draw(t, "frames"),
		MinGap: Position(span("minimum gap", 0, takt/2)), Gate: counts(one("gate", 50*ms, 500*ms, 3*time.Second) + span("more gate", 0, 100*ms)),
		Neighbour: belt.Neighbour(rapid.IntRange(0, 1).Draw(t, "neighbour")),
	}
	o.Belt.Decide = o.Belt.Gate * Position(rapid.IntRange(0, 4).Draw(t, "decide")) / 8
	o.Width = one("width", 4*ms, 20*ms, 60*ms)
	o.Belt.GateGap = Position(2*o.Width) + 2*q + Position(one("gate gap", 0, takt/3, takt, 2*takt))
	return o
}

func TestBadPartsAreAllPushedAndGoodOnesAreNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawn(t)
		r, err := Run(o)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range r.Parts {
			if p.Bad && !p.Pushed {
				t.Fatalf("part %d escaped: %+v", i+1, p)
			}
			checkOutcome(t, i, p)
			if !p.Bad && p.Pushed && p.Verdict > 0 && r.Stats.Full == 0 && !r.besidePushed(i) {
				t.Fatalf("part %d was good, judged in time and alone, and pushed: %+v", i+1, p)
			}
		}
		checkBooks(t, r)
	})
}

// checkOutcome looks whether what became of a part agrees with what happened to it.
func checkOutcome(t *rapid.T, i int, p Part) {
	if !p.Triggered {
		return
	}
	want := p.Outcome
	switch {
	case p.Verdict == 0 && p.Frames == 0:
		want = belt.Unseen
	case p.Verdict == 0:
		want = belt.Late
	case !p.Pass:
		want = belt.Failed
	case p.Outcome != belt.TooClose:
		want = belt.Passed
	}
	if p.Outcome != want || p.Verdict > p.Decided {
		t.Fatalf("part %d is %v, not %v: %+v", i+1, p.Outcome, want, p)
	}
}

// checkBooks looks whether every part was decided for once, in order, and the counts add up.
func checkBooks(t *rapid.T, r *Result) {
	if !slices.IsSorted(r.Order) || len(r.Order) != len(slices.Compact(slices.Clone(r.Order))) {
		t.Fatalf("parts were decided for in this order: %v", r.Order)
	}
	s := r.Stats
	if s.Entered != s.Failed+s.Passed+s.Late+s.Unseen+s.TooClose+s.Lost || s.UnderWay != 0 || int(s.Entered) != len(r.Order) {
		t.Fatalf("the counts don't add up: %+v of %d", s, len(r.Order))
	}
	if int(s.Entered+s.Full) != len(r.Parts) || r.Phantoms != 0 || s.TooNear != 0 {
		t.Fatalf("%d parts came, %d phantoms: %+v", len(r.Parts), r.Phantoms, s)
	}
	if s.Pushed != s.Failed+s.Late+s.Unseen+s.TooClose {
		t.Fatalf("pushed what was not to be: %+v", s)
	}
}

// besidePushed tells whether a part is one that the gate can't tell from a bad one:
// nearer than the gap, by the belt's way.
func (r *Result) besidePushed(i int) bool {
	m, gap := r.Options.Motion, r.Options.Belt.GateGap
	for j, p := range r.Parts {
		d := m.Way(p.Edge) - m.Way(r.Parts[i].Edge)
		if j != i && max(d, -d) < gap+r.Options.Quantum && p.Outcome != belt.Passed && p.Outcome != belt.TooClose {
			return true
		}
	}
	return false
}

func TestAGoodLineMakesNoMistake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := ordinary()
		o.Seed = rapid.Uint64().Draw(t, "seed")
		o.PerMinute = rapid.Float64Range(10, 130).Draw(t, "per minute")
		o.Encoder = rapid.Bool().Draw(t, "encoder")
		if o.Encoder {
			for range rapid.IntRange(0, 4).Draw(t, "phases") {
				o.Motion = append(o.Motion, Phase{time.Duration(rapid.Int64Range(1, int64(2*time.Second)).Draw(t, "for")), float64(rapid.IntRange(0, 1).Draw(t, "runs"))})
			}
		}
		r, err := Run(o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Escapes+r.Overkill+r.Late+r.Missed != 0 {
			t.Fatalf("%d escapes, %d overkill, %d late, %d missed", r.Escapes, r.Overkill, r.Late, r.Missed)
		}
	})
}

// ordinary is a line that has time for everything.
func ordinary() Options {
	return Options{
		Seed: 1, Parts: 60, PerMinute: 120, Arrival: Regular, Jitter: 0.1, Length: 100 * ms, Faulty: 0.2,
		Bounce: ms, Debounce: 2 * ms, Capacity: 64, Quantum: 1,
		Belt: belt.Settings{
			Delay: Position(20 * ms), Within: Position(100 * ms), Frames: 1, MinGap: Position(50 * ms),
			Gate: Position(800 * ms), Decide: Position(50 * ms), GateGap: Position(120 * ms),
		},
		FPS: 30, FrameJitter: 0.2, Transfer: 30 * ms, Inference: []time.Duration{40 * ms, 90 * ms}, Queue: 4, Width: 80 * ms,
	}
}
