package presence

import (
	"math"
	"slices"
	"time"

	"passfail/capture/gray"
)

// background is what the blocks usually look like, in gray levels.
type background struct {
	mean    []float32
	spread  []float32 // standard deviation
	changed []bool    // of the last frame compared
	was     []bool    // of the one before it
	ratios  []float32 // scratch
	gain    float32   // the last frame's light in multiples of mean's
}

func newBackground(blocks int) background {
	return background{
		mean: make([]float32, blocks), spread: make([]float32, blocks),
		changed: make([]bool, blocks), was: make([]bool, blocks), ratios: make([]float32, 0, blocks), gain: 1,
	}
}

const (
	spreads   = 5    // a block has changed when it is so many standard deviations off
	relative  = 0.10 // and by this share of its value: light never changes quite evenly
	leastGray = 4    // darker blocks tell nothing about the light
	consent   = 0.6  // share of blocks that a sudden change of light must explain
)

// compare finds the blocks that have changed, and returns their share.
func (b *background) compare(pix []uint16, contrast float32) float64 {
	before := b.gain
	copy(b.was, b.changed)
	// Light is measured where nothing stood in the last frame.
	if share, ok := b.relight(pix, contrast, false); ok && share <= 1-consent {
		return share
	}
	// Most has changed at once: a flood of light, or a large part.
	b.gain = before
	held := b.mark(pix, contrast)
	if share, ok := b.relight(pix, contrast, true); ok && share <= 1-consent && share < held {
		return share
	}
	b.gain = before
	return b.mark(pix, contrast)
}

// relight measures the light and marks what has changed in it. It returns false where the light can't be measured, or
// has changed so that what stood there looks like the belt: then it is the part that was measured, which has grown.
func (b *background) relight(pix []uint16, contrast float32, all bool) (float64, bool) {
	before := b.gain
	if !b.light(pix, all) {
		return 0, false
	}
	share := b.mark(pix, contrast)
	if math.Abs(float64(b.gain/before-1)) <= relative {
		return share, true
	}
	stood, gone := 0, 0
	for i, was := range b.was {
		if was {
			stood++
			if !b.changed[i] {
				gone++
			}
		}
	}
	return share, 2*gone <= stood
}

// light sets gain to the median ratio of the blocks that were unchanged, or of all. It returns false, and leaves gain,
// where too few can tell.
func (b *background) light(pix []uint16, all bool) bool {
	b.ratios = b.ratios[:0]
	for i, v := range pix {
		if m := b.mean[i]; m >= leastGray && (all || !b.changed[i]) {
			b.ratios = append(b.ratios, float32(v)/gray.Unit/m)
		}
	}
	if len(b.ratios) < len(pix)/5 {
		return false
	}
	slices.Sort(b.ratios)
	b.gain = min(max(b.ratios[len(b.ratios)/2], 0.2), 5)
	return true
}

func (b *background) mark(pix []uint16, contrast float32) float64 {
	n := 0
	for i, v := range pix {
		usual := b.mean[i] * b.gain
		off := float32(math.Abs(float64(float32(v)/gray.Unit - usual)))
		b.changed[i] = off > max(contrast, spreads*b.spread[i]*b.gain, relative*usual)
		if b.changed[i] {
			n++
		}
	}
	return float64(n) / float64(len(pix))
}

// adapt follows slow changes in the blocks that have not changed.
func (b *background) adapt(pix []uint16, passed, constant time.Duration) {
	if passed <= 0 {
		return
	}
	a := float32(min(float64(passed)/float64(constant), 0.2))
	for i, v := range pix {
		if b.changed[i] || i > 0 && b.changed[i-1] || i+1 < len(pix) && b.changed[i+1] {
			continue
		}
		off := float32(v)/gray.Unit - b.mean[i]
		b.mean[i] += a * off
		level := off + b.mean[i]*(1-b.gain)
		b.spread[i] = float32(math.Sqrt(float64((1-a)*b.spread[i]*b.spread[i] + a*level*level)))
	}
}

// frames is how many are learnt from. The median of them is the belt's even where parts go by, if those cover a place
// for less than half of the time.
const frames = 25

// learner gathers frames, spread over a time.
type learner struct {
	stack []uint16 // frames × blocks
	n     int
	begun time.Time
	one   [frames]float32
}

func newLearner(blocks int) learner { return learner{stack: make([]uint16, frames*blocks)} }

func (l *learner) reset() { l.n = 0 }

// add takes a frame if one is due, and tells when there are enough.
func (l *learner) add(pix []uint16, taken time.Time, over time.Duration) bool {
	if l.n == 0 {
		l.begun = taken
	}
	if taken.Sub(l.begun) < over*time.Duration(l.n)/(frames-1) {
		return false
	}
	copy(l.stack[l.n*len(pix):], pix)
	l.n++
	return l.n == frames
}

// finish leaves what was gathered in b.
func (l *learner) finish(b *background) {
	blocks := len(b.mean)
	for i := range blocks {
		for k := range frames {
			l.one[k] = float32(l.stack[k*blocks+i]) / gray.Unit
		}
		slices.Sort(l.one[:])
		m := l.one[frames/2]
		for k := range l.one {
			l.one[k] = float32(math.Abs(float64(l.one[k] - m)))
		}
		slices.Sort(l.one[:])
		b.mean[i], b.spread[i], b.changed[i] = m, 1.4826*l.one[frames/2], false
	}
	b.gain = 1
	l.n = 0
}
