package line

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"passfail/capture"
	"passfail/device"
	"passfail/line/belt"
)

// Parts are what a line with a trigger knows of the parts that travel from the
// photo-eye past the camera to the gate. Such a line has four goroutines, none of
// which waits for another one's work: one enters a part at each edge, one (the shutter) takes
// the frames that show it, one judges them, and one (the gatekeeper) decides for
// each part when its time has come, whether it was judged or not.
type Parts struct {
	// Belt keeps them. Its camera's axis is time since Epoch, its gate's axis that of Way.
	Belt  *belt.Belt
	Epoch time.Time
	Way   Way

	// Next waits for the next edge of a photo-eye ([device.Input.Next]); nil: who
	// else knows of parts calls Line.Trigger.
	Next func(ctx context.Context) (time.Time, error)

	// Presence looks at each frame, and tells when a part has entered it; nil: nobody looks.
	Presence func(f *capture.Frame) (at time.Time, entered bool, err error)

	// Sharpest has the sharpest frame of a burst count; otherwise each votes.
	Sharpest bool

	// Pictures is how many frames may wait for the network; 4 if 0.
	Pictures int

	// Idle is how often the line proves that it could judge while no part comes:
	// a frame goes the whole way but to the belt. 1 s if 0.
	Idle time.Duration

	// Gate is how a bad part is pushed off. Its moment is the belt's.
	Gate Gate

	// Strobe lights a part while its frames are taken; nil: nothing does.
	Strobe *Strobe

	counts  partCounts
	said    ledger
	enter   sync.Mutex    // an edge at a time
	entered chan struct{} // a note that there is a part
}

// NewParts makes the parts of a belt which that way is measured on. Camera's
// frames are matched with edges by the time since epoch.
func NewParts(b *belt.Belt, way Way, epoch time.Time) *Parts {
	return &Parts{
		Belt: b, Way: way, Epoch: epoch,
		said:    ledger{lines: make([]entry, b.Capacity()+ledgerRoom)},
		entered: make(chan struct{}, 1),
	}
}

// Gate is the output that pushes, and its pulse.
type Gate struct {
	Output *device.Output // nil: nothing pushes
	Width  time.Duration
	Repeat int           // pulses for a part; 0 and 1: one
	Pause  time.Duration // between them
}

// pulse has the gate active from from to at, and then for its pulse.
func (g *Gate) pulse(from, at time.Time) error {
	if g.Output == nil {
		return nil
	}
	var err error
	if held := at.Sub(from); held > 0 {
		err = late(g.Output.PulseAt(from, held))
	}
	if g.Repeat > 1 {
		return first(err, g.Output.PulseTrainAt(at, g.Width, g.Pause, g.Repeat))
	}
	return first(err, g.Output.PulseAt(at, g.Width))
}

// late drops the error of a hold whose time, or the begin of it, is past: what is still to come of
// it is given.
func late(err error) error {
	if errors.Is(err, device.ErrLate) || errors.Is(err, device.ErrCut) {
		return nil
	}
	return err
}

// Strobe is a light that is on around the exposure.
type Strobe struct {
	Output *device.Output
	Delay  time.Duration // from the edge
}

// PartCounts are what a line with a trigger counts since it runs, beside what the belt does.
type PartCounts struct {
	Belt      belt.Stats
	Judged    uint64 // frames
	Overruns  uint64 // frames that showed a part, and for which there was no room
	Unpushed  uint64 // parts that the gate should have pushed and did not, or not in full
	Untracked uint64 // triggers that could not be entered, for another reason than that the part is known
}

type partCounts struct{ judged, overruns, unpushed, untracked atomic.Uint64 }

// PartCounts may be called at any time. It is zero for a line without a trigger.
func (l *Line) PartCounts() PartCounts {
	p := l.Parts
	if p == nil {
		return PartCounts{}
	}
	return PartCounts{p.Belt.Stats(), p.counts.judged.Load(), p.counts.overruns.Load(), p.counts.unpushed.Load(), p.counts.untracked.Load()}
}

// Trigger tells a line with a trigger that a part came to the photo-eye at a
// moment. An error says why it is none, or none that can be followed. Any goroutine may call it.
func (l *Line) Trigger(at time.Time) (belt.ID, error) {
	p := l.Parts
	if p == nil {
		return 0, errors.New("this line judges every frame; trigger.mode says so")
	}
	p.enter.Lock()
	defer p.enter.Unlock()
	id, err := p.Belt.Enter(p.since(at), p.Way.At(at))
	switch {
	case errors.Is(err, belt.ErrTooNear):
		return 0, err
	case err != nil:
		p.counts.untracked.Add(1)
		return 0, fmt.Errorf("trigger: %w", err)
	}
	select {
	case p.entered <- struct{}{}:
	default:
	}
	if s := p.Strobe; s != nil {
		_ = s.Output.PulseAt(at.Add(s.Delay), 0) // a pin that can't be driven tells so through device.Options.OnFault
	}
	return id, nil
}

// since is a moment on the camera's axis.
func (p *Parts) since(t time.Time) belt.Position { return belt.Position(t.Sub(p.Epoch)) }

// ledger remembers of each part under way what was seen of it, until it is told.
type ledger struct {
	mu    sync.Mutex
	lines []entry // by ID modulo their number
}

// entry is what is known of one part.
type entry struct {
	part   belt.ID
	votes  int     // for pass, of
	frames int     // that were judged
	sharp  float64 // of the sharpest of them
	result Result
	told   bool
}

// of is the entry of a part, a new one if there is none. mu is held.
func (d *ledger) of(id belt.ID) *entry {
	e := &d.lines[uint64(id)%uint64(len(d.lines))]
	if e.part != id {
		*e = entry{part: id}
	}
	return e
}

// ledgerRoom is for how many parts beyond the belt's a ledger remembers: verdicts
// that are late find theirs.
const ledgerRoom = 64

// runParts is Run for a line with a trigger.
func (l *Line) runParts(ctx context.Context) error {
	own, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	alongside := func(f func(context.Context)) {
		beside.Go(func() {
			defer l.safeOnPanic()
			f(own)
		})
	}
	if l.Parts.Next != nil {
		alongside(l.edges)
	}
	alongside(l.gatekeeper)
	s := newShutter(l)
	defer s.close()
	alongside(func(ctx context.Context) { l.judgeShots(ctx, s) })
	err := s.run(own)
	cancel()
	beside.Wait()
	return err
}

// edges enters a part at each edge of the photo-eye.
func (l *Line) edges(ctx context.Context) {
	for {
		at, err := l.Parts.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				l.tell(ctx, Event{Err: err})
			}
			return
		}
		if err := l.come(at); err != nil {
			l.tell(ctx, Event{Err: err})
		}
	}
}

// come is Trigger for who sees a part more than once: that it is known is no error.
func (l *Line) come(at time.Time) error {
	if _, err := l.Trigger(at); !errors.Is(err, belt.ErrTooNear) {
		return err
	}
	return nil
}
