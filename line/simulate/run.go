package simulate

import (
	"cmp"
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"passfail/device"
	"passfail/line/belt"
)

// Run simulates until every part is past the gate.
func Run(o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b, err := belt.New(o.Belt, max(o.Capacity, 1))
	if err != nil {
		return nil, err
	}
	l := &sim{
		o: o, belt: b, random: rand.New(rand.NewPCG(o.Seed, 1)), eye: device.NewDebouncer(o.Debounce, false),
		r: &Result{Options: o}, votes: map[belt.ID]*votes{}, looked: -1,
	}
	l.r.Room = math.MaxInt64
	l.arrive()
	l.at(0, l.frame)
	for len(l.events) > 0 && l.open > 0 {
		e := heap.Pop(&l.events).(event)
		l.now = e.at
		e.do()
		l.gatekeeper()
	}
	l.push()
	r := l.r
	r.Took, r.Stats, r.Latency = l.now, b.Stats(), spread(l.latencies)
	r.Busy = float64(l.worked) / float64(max(l.now, 1))
	if len(l.latencies) == 0 {
		r.Room = 0
	}
	r.Order = l.order
	r.count()
	return r, nil
}

// phantom stands for a part that is an edge only.
const phantom = -1

// sim is a line while it is simulated.
type sim struct {
	o      Options
	belt   *belt.Belt
	random *rand.Rand
	eye    device.Debouncer
	r      *Result

	now    time.Duration
	events events
	number int
	open   int // parts that have not reached the gate

	lit     bool          // the photo-eye's level
	looked  time.Duration // the moment of the photo-eye's next look that is planned
	frames  int
	queue   [][]belt.Shot
	busy    bool
	worked  time.Duration
	wake    Position // the gatekeeper's next decision point that is planned, and whether there is one
	waiting bool

	part      []int // by ID-1: which of r.Parts, or phantom
	votes     map[belt.ID]*votes
	latencies []time.Duration
	order     []belt.ID // as they left
}

// event is something that happens at a moment; of those at one moment the one
// planned first.
type event struct {
	at     time.Duration
	number int
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(e[i].at, e[j].at), cmp.Compare(e[i].number, e[j].number)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func (l *sim) at(at time.Duration, do func()) {
	l.number++
	heap.Push(&l.events, event{max(at, l.now), l.number, do})
}

// place is where the station believes the belt to be at a moment.
func (l *sim) place(at time.Duration) Position {
	if !l.o.Encoder {
		return Position(at)
	}
	way := l.o.Motion.Way(at)
	return way - way%max(l.o.Quantum, 1)
}

// moment is when the station finds the belt at a place.
func (l *sim) moment(p Position) time.Duration {
	if !l.o.Encoder {
		return time.Duration(p)
	}
	q := max(l.o.Quantum, 1)
	return l.o.Motion.moment((p + q - 1) / q * q)
}

// arrive plans the parts and what the photo-eye makes of them.
func (l *sim) arrive() {
	o, takt := &l.o, float64(l.o.takt())
	way := takt
	for i := range o.Parts {
		at := way
		switch o.Arrival {
		case Regular:
			at += (2*l.random.Float64() - 1) * o.Jitter * takt
			way += takt
		case Random:
			way += float64(o.Length) + l.random.ExpFloat64()*(takt-float64(o.Length))
		case Bursts:
			way += takt / 2
			if i%5 == 4 {
				way += 2.5 * takt
			}
		}
		s := Position(at)
		edge := o.Motion.moment(s)
		gone := o.Motion.moment(s + Position(o.Length))
		l.r.Parts = append(l.r.Parts, Part{Bad: l.random.Float64() < o.Faulty, Edge: edge, Gate: o.Motion.moment(o.Motion.Way(edge) + o.Belt.Gate)})
		l.bounce(edge, true)
		l.bounce(gone, false)
	}
	slices.SortFunc(l.r.Parts, func(a, b Part) int { return cmp.Compare(a.Edge, b.Edge) })
	l.open = o.Parts
	for i := range l.r.Parts {
		l.at(l.r.Parts[i].Gate+time.Millisecond, func() { l.open-- })
	}
}

// bounce plans the edges of one change of the photo-eye: the first at its moment, the last within Bounce.
func (l *sim) bounce(at time.Duration, level bool) {
	l.at(at, func() { l.edge(level) })
	if l.o.Bounce == 0 {
		return
	}
	for range l.random.IntN(4) {
		first := time.Duration(l.random.Int64N(int64(l.o.Bounce)))
		second := first + time.Duration(l.random.Int64N(int64(l.o.Bounce-first)))
		l.at(at+first, func() { l.edge(!level) })
		l.at(at+second, func() { l.edge(level) })
	}
	l.at(at+l.o.Bounce, func() { l.edge(level) })
}

func (l *sim) edge(level bool) {
	l.lit = level
	l.changed(l.eye.Edge(l.now, level))
	l.look()
}

// look plans the moment at which the photo-eye's level will have lasted.
func (l *sim) look() {
	due, ok := l.eye.Due()
	if !ok || due == l.looked {
		return
	}
	l.looked = due
	l.at(due, func() {
		l.changed(l.eye.Look(l.now, l.lit))
		l.look()
	})
}

// changed takes up a part.
func (l *sim) changed(at time.Duration, changed bool) {
	if !changed || !l.eye.Active() {
		return
	}
	p := l.place(at)
	if _, err := l.belt.Enter(p, p); err != nil {
		return
	}
	i, _ := slices.BinarySearchFunc(l.r.Parts, at+1, func(p Part, t time.Duration) int { return cmp.Compare(p.Edge, t) })
	i = max(i-1, 0)
	if l.r.Parts[i].Triggered {
		l.r.Phantoms++
		i = phantom
	} else {
		l.r.Parts[i].Triggered = true
	}
	l.part = append(l.part, i)
}
