package belt

import (
	"errors"
	"fmt"
	"sync"
)

// What Enter and Decide refuse.
var (
	ErrTooNear = errors.New("an edge nearer than the minimum gap to the last part, or behind it: a part that was counted already")
	ErrFull    = errors.New("more parts between photo-eye and gate than there is room for: this one is pushed with the one before it; check the minimum gap and the debounce")
	ErrLate    = errors.New("the verdict came after the part's decision point")
	ErrUnknown = errors.New("there was no such part")
)

// ID names a part: 1 for the first, and so on.
type ID uint64

// Verdict on a part.
type Verdict uint8

// The verdicts.
const (
	Fail Verdict = iota
	Pass
)

// Shot is a frame's share in a part.
type Shot struct {
	Part   ID
	Number int      // 1 to Of: which of the part's frames this is
	Of     int      // how many there will be, unless the rest comes too late
	Edge   Position // of the part, on the camera's axis
}

// part is one under way.
type part struct {
	settings Settings
	edge     Position // on the camera's axis
	gate     Position // where the gate must be active for it
	due      Position // its decision point
	from     Position // the first gate position that it answers for; below gate only if it is crowded
	frames   int
	crowded  bool // parts for which there was no room are pushed with it
	decided  bool
	verdict  Verdict
}

func (p *part) knownBad() bool { return p.crowded || p.decided && p.verdict != Pass }

// Belt is the parts under way. Any goroutine may use it. After New it allocates
// nothing, as long as the slices that it appends to have room.
type Belt struct {
	mu       sync.Mutex
	settings Settings
	parts    []part // a ring
	oldest   int    // where in the ring
	n        int    // how many are under way
	first    ID     // of the oldest, or of the next one to come

	entered bool // since New or Abandon
	newest  Position
	left    bool // a part has passed its decision point since New or Abandon
	last    departed
	bad     Position // gate position of the last bad part
	hadBad  bool

	stats Stats
}

// departed is what is remembered of the part before.
type departed struct {
	gate   Position
	pushed bool
}

// New makes an empty belt with room for capacity parts.
func New(s Settings, capacity int) (*Belt, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if capacity < 1 {
		return nil, fmt.Errorf("belt: room for %d parts; 1 or more is needed", capacity)
	}
	return &Belt{settings: s, parts: make([]part, capacity), first: 1}, nil
}

// Set replaces the settings for the parts that enter from now on; those under
// way keep theirs. The axes stay what they are.
func (b *Belt) Set(s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settings = s
	return nil
}

// Capacity is for how many parts there is room.
func (b *Belt) Capacity() int { return len(b.parts) }

// at is the part that is i-th from the gate.
func (b *Belt) at(i int) *part { return &b.parts[(b.oldest+i)%len(b.parts)] }

// Enter tells of an edge of the photo-eye: edge on the camera's axis, pos on the
// gate's. It returns ErrTooNear if that is no new part. With ErrFull it is one
// that was not taken up, and the gate pushes it together with the one before it.
func (b *Belt) Enter(edge, pos Position) (ID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.settings
	if b.entered && (pos < b.newest || pos-b.newest < s.MinGap) {
		b.stats.TooNear++
		return 0, ErrTooNear
	}
	b.entered, b.newest = true, pos
	if b.n == len(b.parts) {
		b.stats.Full++
		p := b.at(b.n - 1)
		p.crowded = true
		p.from = min(p.from, pos+s.Gate)
		p.gate = max(p.gate, pos+s.Gate)
		return 0, ErrFull
	}
	due := pos + s.Gate - s.Decide
	// After a switch to a gate that is nearer, the parts before are decided early
	// enough for this one: they leave in order.
	for i := b.n - 1; i >= 0 && b.at(i).due > due; i-- {
		b.at(i).due = due
	}
	*b.at(b.n) = part{settings: s, edge: edge, gate: pos + s.Gate, from: pos + s.Gate, due: due}
	b.n++
	b.stats.Entered++
	return b.first + ID(b.n) - 1, nil
}

// Frame appends to dst the parts that a frame taken at this position of the
// camera's axis is to be judged for. Parts nearer to each other than frames share
// one. Each is counted as the part's, so call it only for a frame that will be judged.
func (b *Belt) Frame(taken Position, dst []Shot) []Shot {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.n {
		p := b.at(i)
		if !p.wants(taken) {
			continue
		}
		p.frames++
		dst = append(dst, Shot{Part: b.first + ID(i), Number: p.frames, Of: p.settings.Frames, Edge: p.edge})
	}
	return dst
}

// Wants tells whether Frame would find a part for a frame that was taken at this
// position, and counts nothing.
func (b *Belt) Wants(taken Position) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.n {
		if b.at(i).wants(taken) {
			return true
		}
	}
	return false
}

// wants tells whether a frame that was taken then shows the part and is one of those to be judged.
func (p *part) wants(taken Position) bool {
	since := taken - p.edge - p.settings.Delay
	return p.frames < p.settings.Frames && since >= 0 && since <= p.settings.Within
}

// Decide gives a part its verdict. It may be called again, as when more frames
// of a burst have voted: the last one before the decision point counts. After
// that it returns ErrLate.
func (b *Belt) Decide(id ID, v Verdict) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case id == 0 || id >= b.first+ID(b.n):
		return ErrUnknown
	case id < b.first:
		b.stats.LateVerdicts++
		return ErrLate
	}
	p := b.at(int(id - b.first))
	p.decided, p.verdict = true, v
	return nil
}

// Next is the position on the gate's axis at which Advance is needed next; false
// if no part is under way. Ask again after each Enter.
func (b *Belt) Next() (Position, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n == 0 {
		return 0, false
	}
	return b.at(0).due, true
}

// Advance tells that the belt has come to pos on the gate's axis, and appends to
// dst what becomes of each part whose decision point that has reached.
func (b *Belt) Advance(pos Position, dst []Action) []Action {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.n > 0 && b.at(0).due <= pos {
		dst = append(dst, b.leave())
	}
	return dst
}

// Abandon gives up all parts under way, as when an encoder has failed and nobody
// knows where they are: the gate does nothing for them. The next edge may have any
// position.
func (b *Belt) Abandon(dst []Action) []Action {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.n > 0 {
		a := b.action(Lost)
		b.drop(a)
		dst = append(dst, a)
	}
	b.entered, b.left, b.hadBad = false, false, false
	return dst
}
