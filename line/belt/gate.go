package belt

import "fmt"

// Outcome is what became of a part.
type Outcome uint8

const (
	// Failed by its verdict.
	Failed Outcome = iota
	// Passed by its verdict.
	Passed
	// Late: frames of it were taken, but no verdict was there in time.
	Late
	// Unseen: no frame shows it.
	Unseen
	// TooClose to a bad one for the gate: good, and pushed all the same.
	TooClose
	// Lost: its position is no longer known.
	Lost
)

var outcomes = [...]string{"failed", "passed", "late", "unseen", "too close", "lost"}

// String returns the outcome in a word or two.
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// Action is what the gate has to do for a part.
type Action struct {
	Part    ID
	Outcome Outcome

	// Push: the gate is to be active from From to At and then for the pulse's
	// width. From is below At where the gate stays active since a pushed part
	// before that is nearer than the gate gap, and may be past already.
	Push     bool
	From, At Position // on the gate's axis; At is also given for a part that is not pushed

	Edge   Position // what Enter was told, on the camera's axis
	Frames int      // how many show it
}

// Stats count edges, parts and outcomes since New.
// Entered = Failed + Passed + Late + Unseen + TooClose + Lost + UnderWay.
type Stats struct {
	Entered  uint64 // parts
	UnderWay int    // of them
	TooNear  uint64 // edges that were no new part
	Full     uint64 // parts for which there was no room, pushed with the one before

	Failed, Passed, Late, Unseen, TooClose, Lost uint64 // by Outcome

	Pushed       uint64
	Near         uint64 // parts nearer to the part before than the gate gap, pushed or not
	LateVerdicts uint64 // verdicts that came too late; those of parts that were lost too
}

// Stats returns the counts.
func (b *Belt) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.UnderWay = b.n
	return s
}

// leave decides for the part that is nearest to the gate.
func (b *Belt) leave() Action {
	p := b.at(0)
	a := b.action(b.outcome(p))
	a.Push = a.Outcome != Passed
	if b.left && apart(p.from, b.last.gate) < p.settings.GateGap {
		b.stats.Near++
		if a.Push && b.last.pushed {
			a.From = min(a.From, b.last.gate)
		}
	}
	if a.Push {
		b.stats.Pushed++
	}
	if a.Push && a.Outcome != TooClose || p.crowded {
		b.bad, b.hadBad = p.gate, true
	}
	b.left, b.last = true, departed{p.gate, a.Push}
	b.drop(a)
	return a
}

// action is that of the part nearest to the gate, with nothing to do for it yet.
func (b *Belt) action(o Outcome) Action {
	p := b.at(0)
	return Action{Part: b.first, Outcome: o, From: p.from, At: p.gate, Edge: p.edge, Frames: p.frames}
}

// drop counts the part nearest to the gate and forgets it.
func (b *Belt) drop(a Action) {
	switch a.Outcome {
	case Failed:
		b.stats.Failed++
	case Passed:
		b.stats.Passed++
	case Late:
		b.stats.Late++
	case Unseen:
		b.stats.Unseen++
	case TooClose:
		b.stats.TooClose++
	case Lost:
		b.stats.Lost++
	}
	b.oldest = (b.oldest + 1) % len(b.parts)
	b.n--
	b.first++
}

func (b *Belt) outcome(p *part) Outcome {
	switch {
	case !p.decided && p.frames == 0:
		return Unseen
	case !p.decided:
		return Late
	case p.verdict != Pass:
		return Failed
	case p.crowded || p.settings.Neighbour == Reject && b.besideBad(p):
		return TooClose
	}
	return Passed
}

// besideBad tells whether the part nearest to the gate has a bad one within the gate gap.
func (b *Belt) besideBad(p *part) bool {
	gap := p.settings.GateGap
	if b.hadBad && apart(p.from, b.bad) < gap {
		return true
	}
	for i := 1; i < b.n; i++ {
		q := b.at(i)
		if apart(q.from, p.gate) >= gap {
			return false
		}
		if q.knownBad() {
			return true
		}
	}
	return false
}

func apart(a, b Position) Position { return max(a-b, b-a) }
