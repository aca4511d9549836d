package simulate

import (
	"cmp"
	"slices"
	"time"

	"passfail/line/belt"
)

// frame takes one, and plans the next.
func (l *sim) frame() {
	interval := float64(time.Second) / l.o.FPS
	l.frames++
	late := l.random.Float64() * l.o.FrameJitter
	l.at(time.Duration((float64(l.frames)+late)*interval), l.frame)
	taken := l.now
	l.at(taken+l.o.Transfer, func() { l.shutter(taken) })
}

// shutter looks whose a frame is, when it is there.
func (l *sim) shutter(taken time.Duration) {
	if len(l.queue) >= l.o.Queue {
		l.r.Overruns++
		return
	}
	shots := l.belt.Frame(l.place(taken), nil)
	if len(shots) == 0 {
		return
	}
	// What the picture shows is told by where the belt really was.
	way := l.o.Motion.Way(taken)
	for _, s := range shots {
		v := l.vote(s.Part)
		i := l.part[s.Part-1]
		switch {
		case i == phantom || !l.shows(i, way):
			v.next = append(v.next, belt.Fail) // not a part that it knows
		default:
			l.r.Parts[i].Frames++
			v.next = append(v.next, l.judge(l.r.Parts[i].Bad))
		}
	}
	l.queue = append(l.queue, shots)
	l.inspect()
}

// shows tells whether a part is before the camera when the belt has gone so far.
func (l *sim) shows(i int, way Position) bool {
	since := way - l.o.Motion.Way(l.r.Parts[i].Edge) - l.o.Belt.Delay
	slack := max(l.o.Quantum, 1)
	return since >= -slack && since <= l.o.Belt.Within+slack
}

func (l *sim) judge(bad bool) belt.Verdict {
	x := l.random.Float64()
	if bad && x >= l.o.Escape || !bad && x < l.o.Overkill {
		return belt.Fail
	}
	return belt.Pass
}

// votes are a part's frames: what the model will say of those that wait, and
// what it has said.
type votes struct {
	next       []belt.Verdict
	pass, fail int
}

func (l *sim) vote(id belt.ID) *votes {
	v := l.votes[id]
	if v == nil {
		v = &votes{}
		l.votes[id] = v
	}
	return v
}

// inspect begins with the next frame, unless there is none or one is under work.
func (l *sim) inspect() {
	if l.busy || len(l.queue) == 0 {
		return
	}
	shots := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	l.busy = true
	takes := l.o.Inference[l.random.IntN(len(l.o.Inference))]
	l.worked += takes
	l.at(l.now+takes, func() {
		l.busy = false
		for _, s := range shots {
			l.decide(s.Part)
		}
		l.inspect()
	})
}

// decide gives a part the verdict of its frames so far; a tie fails.
func (l *sim) decide(id belt.ID) {
	v := l.votes[id]
	if v.next[0] == belt.Pass {
		v.pass++
	} else {
		v.fail++
	}
	v.next = v.next[1:]
	verdict := belt.Fail
	if v.pass > v.fail {
		verdict = belt.Pass
	}
	err := l.belt.Decide(id, verdict)
	if v.pass+v.fail == l.o.Belt.Frames {
		delete(l.votes, id)
	}
	i := l.part[id-1]
	if i == phantom {
		return
	}
	p := &l.r.Parts[i]
	l.latencies = append(l.latencies, l.now-p.Edge)
	if err != nil {
		if p.Decided > 0 {
			l.r.Room = min(l.r.Room, p.Decided-l.now)
		}
		return
	}
	p.Verdict, p.Pass = l.now, verdict == belt.Pass
}

// gatekeeper plans when the belt is asked again what the gate must do.
func (l *sim) gatekeeper() {
	next, ok := l.belt.Next()
	if !ok || l.waiting && next >= l.wake {
		return
	}
	l.wake, l.waiting = next, true
	l.at(l.moment(next), func() {
		l.waiting = false
		for _, a := range l.belt.Advance(l.place(l.now), nil) {
			l.act(a)
		}
	})
}

// act takes down what becomes of a part, and plans the gate's push.
func (l *sim) act(a belt.Action) {
	if a.Push {
		from := max(l.moment(a.From), l.now)
		l.r.Pushes = append(l.r.Pushes, Push{from, max(l.moment(a.At), from) + l.o.Width})
	}
	i := l.part[a.Part-1]
	l.order = append(l.order, a.Part)
	if i == phantom {
		return
	}
	p := &l.r.Parts[i]
	p.Decided, p.Outcome = l.now, a.Outcome
	if p.Verdict > 0 {
		l.r.Room = min(l.r.Room, p.Decided-p.Verdict)
	}
}

// push finds the parts that the gate hit.
func (l *sim) push() {
	slices.SortFunc(l.r.Pushes, func(a, b Push) int { return cmp.Compare(a.From, b.From) })
	var merged []Push
	for _, q := range l.r.Pushes {
		if n := len(merged); n > 0 && q.From <= merged[n-1].To {
			merged[n-1].To = max(merged[n-1].To, q.To)
			continue
		}
		merged = append(merged, q)
	}
	l.r.Pushes = merged
	for i := range l.r.Parts {
		p := &l.r.Parts[i]
		j, exact := slices.BinarySearchFunc(merged, p.Gate, func(q Push, at time.Duration) int { return cmp.Compare(q.From, at) })
		p.Pushed = exact || j > 0 && p.Gate < merged[j-1].To
	}
}
