package line

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"passfail/device"
	"passfail/line/belt"
)

// gatekeeper decides for each part when its time has come, and has the gate
// act for it. It does not wait for verdicts: a part without one fails.
func (l *Line) gatekeeper(ctx context.Context) {
	p := l.Parts
	room := p.Belt.Capacity()
	actions := make([]belt.Action, 0, room)
	pushes := make(chan belt.Action, room)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer l.safeOnPanic()
		l.pushAtPosition(ctx, pushes)
	}()
	defer func() { <-done }()
	defer close(pushes)
	for {
		next, ok := p.Belt.Next()
		if !ok {
			select {
			case <-p.entered:
				continue
			case <-ctx.Done():
				return
			}
		}
		if _, err := p.Way.Wait(ctx, next); err != nil {
			if ctx.Err() == nil {
				l.tell(ctx, Event{Err: err})
			}
			return
		}
		actions = p.Belt.Advance(p.Way.At(time.Now()), actions[:0])
		for _, a := range actions {
			l.leave(ctx, a, pushes)
		}
	}
}

// leave does for a part what its outcome asks for, and tells it if nobody has.
func (l *Line) leave(ctx context.Context, a belt.Action, pushes chan<- belt.Action) {
	p := l.Parts
	if a.Push {
		if at, ok := p.Way.Moment(a.At); ok {
			from, _ := p.Way.Moment(a.From)
			l.pushed(ctx, a.Part, p.Gate.pulse(from, at))
		} else {
			pushes <- a // it has room for all that are under way
		}
	}
	p.said.mu.Lock()
	e := p.said.of(a.Part)
	told, r := e.told, e.result
	e.told = true
	p.said.mu.Unlock()
	if told {
		return
	}
	now := time.Now()
	r.Part = a.Part
	r.Triggered = p.Epoch.Add(time.Duration(a.Edge))
	if r.Taken.IsZero() {
		r.Taken = r.Triggered // nothing was taken of it
	}
	var reason error
	switch a.Outcome {
	case belt.Late:
		reason = ErrLate
	case belt.Unseen:
		reason = ErrUnseen
	}
	if reason != nil {
		r.Verdict = Fail
		reason = fmt.Errorf("part %d: %w", a.Part, reason)
	}
	r.Pin = l.showVerdict(r.Verdict, now)
	l.record(r, reason, nil, image.Rectangle{})
	l.tell(ctx, Event{r, reason})
}

// Why a part failed that no frame was judged of.
var (
	ErrLate   = errors.New("no verdict in time: it fails; the network takes longer than the part to the gate, or other parts are before it")
	ErrUnseen = errors.New("no frame shows it: it fails; the camera gave none between trigger.delay and trigger.within")
)

// pushed notes what came of a push.
func (l *Line) pushed(ctx context.Context, part belt.ID, err error) {
	if err == nil {
		return
	}
	l.Parts.counts.unpushed.Add(1)
	l.tell(ctx, Event{Err: fmt.Errorf("part %d is not pushed off as it should be: %w", part, err)})
}

// pushAtPosition has the gate act when the belt has brought the parts to it,
// which by time the outputs' own schedule does.
func (l *Line) pushAtPosition(ctx context.Context, pushes <-chan belt.Action) {
	p := l.Parts
	for a := range pushes {
		if a.From < a.At && p.Gate.Output != nil {
			if _, err := p.Way.Wait(ctx, a.From); err != nil {
				return
			}
			l.pushed(ctx, a.Part, p.Gate.Output.Set(true))
		}
		at, err := p.Way.Wait(ctx, a.At)
		if err != nil {
			return
		}
		err = p.Gate.pulse(at, at)
		if errors.Is(err, device.ErrCut) {
			err = nil // it began when the encoder said so
		}
		if a.From < a.At && p.Gate.Output != nil {
			err = first(err, p.Gate.Output.Set(false))
		}
		l.pushed(ctx, a.Part, err)
	}
}
