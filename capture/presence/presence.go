// Package presence tells that a part has entered the region of interest, from the frames of a standing camera over a
// belt: by how much of the region looks other than the empty belt.
//
// The region is reduced to some thousand block means. From its first frames a Detector learns each block's usual value
// and how far that strays, by noise, flicker and the belt's moving texture. A block has changed when it is further off
// than that; a part has entered when the changed blocks' share reaches Settings.Enter, and left when it falls to
// Settings.Leave. Light that brightens or dims the whole region is divided out.
//
// The region must empty between two parts, or they are one: along the belt it has to be shorter than the gap between
// parts, by what the belt runs in Settings.Frames frames. Belt should be seen beside the part: a plain part that fills
// more than 60 % of the region from one frame to the next looks like a change of light. What no picture can tell from a
// part counts as one: a hand, and a shadow that darkens so large a share of the region by more than Settings.Contrast, a
// tenth of its brightness and the belt's own texture.
package presence

import (
	"errors"
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"

	"passfail/capture/gray"
)

// Settings say what counts as a part.
type Settings struct {
	Enter    float64       // share of the region that must have changed for a part to have entered, 0.002 to 0.95
	Leave    float64       // share at or below which it has left; less than Enter
	Frames   int           // so many frames in a row must say so, 1 to 30
	Contrast float64       // gray levels, 2 to 128, by which a block must differ at least
	Learn    time.Duration // how long the empty belt is looked at first, at most 1 min; 0: as fast as frames come
	Adapt    time.Duration // in about this time the background follows slow changes, 1 s to 1 h
	Standing time.Duration // what stands so long may turn out to be the belt's new look, 1 s to 24 h
}

// Defaults suit a part that takes at least a tenth of the region.
func Defaults() Settings {
	return Settings{Enter: 0.10, Leave: 0.04, Frames: 2, Contrast: 14, Learn: 2 * time.Second, Adapt: 30 * time.Second, Standing: time.Minute}
}

// Check tells all that is wrong with s.
func (s Settings) Check() error {
	var bad []error
	fail := func(format string, a ...any) { bad = append(bad, fmt.Errorf("presence: "+format, a...)) }
	if !(s.Enter >= 0.002 && s.Enter <= 0.95) {
		fail("enter is %v; say the share of the region that a part covers at least, 0.002 to 0.95", s.Enter)
	}
	if !(s.Leave >= 0 && s.Leave < s.Enter) {
		fail("leave is %v; it must be 0 or more and less than enter (%v), or a part at the border counts again and again", s.Leave, s.Enter)
	}
	if s.Frames < 1 || s.Frames > 30 {
		fail("frames is %d; it can be 1 to 30", s.Frames)
	}
	if !(s.Contrast >= 2 && s.Contrast <= 128) {
		fail("contrast is %v gray levels; it can be 2 to 128", s.Contrast)
	}
	if s.Learn < 0 || s.Learn > time.Minute {
		fail("learn is %v; it can be 0 to 1m", s.Learn)
	}
	if s.Adapt < time.Second || s.Adapt > time.Hour {
		fail("adapt is %v; it can be 1s to 1h", s.Adapt)
	}
	if s.Standing < time.Second || s.Standing > 24*time.Hour {
		fail("standing is %v; it can be 1s to 24h", s.Standing)
	}
	return errors.Join(bad...)
}

// State is what the region shows.
type State int

// The states.
const (
	Learning State = iota // the first frames: nothing is told yet
	Empty
	Present // a part
	Blocked // it has stood for longer than Settings.Standing: no other part can be seen entering
)

func (s State) String() string {
	return [...]string{"learning the empty belt", "empty", "part present", "blocked"}[s]
}

// Sight is what a frame told.
type Sight struct {
	State   State
	Entered bool      // with this frame it became sure that a part has entered
	At      time.Time // when: the first of the frames that showed it was taken; zero unless Entered
	Changed float64   // share of the region that differs from the empty belt; 0 while learning
	Light   float64   // brightness in multiples of what was learnt; 0 while learning
}

// Detector watches one region. It belongs to one goroutine.
type Detector struct {
	s      Settings
	reduce *gray.Reducer
	region image.Rectangle
	size   image.Point // of the whole picture
	last   time.Time

	belt      background // the empty belt
	other     background // how the region looks while something stands in it
	learner   learner
	confirmed bool // the region has once gone back to belt after something passed

	state     State
	count     int       // frames in a row that speak for the other state
	first     time.Time // the first of them
	since     time.Time // state began
	disturbed bool      // something has moved since other was learnt
}

// New makes a Detector that learns first.
func New(s Settings) (*Detector, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return &Detector{s: s, reduce: gray.NewReducer(side)}, nil
}

// side is how many blocks the region's longer side has at most: a part of a hundredth of the region still has dozens.
const side = 80

// unsure is how long something stands before a background that nothing has confirmed yet gives way: the belt may have
// been learnt with a part on it.
const unsure = 10 * time.Second

// Relearn makes the next frames the empty belt's.
func (d *Detector) Relearn() { d.region = image.Rectangle{} }

// See looks at the part roi of img (BGR, 8 bit, 3 channels). Frames come in the order they were taken. Where the picture's
// size or roi differs from the last frame's it learns anew, and allocates; otherwise it allocates nothing.
func (d *Detector) See(img *gocv.Mat, roi image.Rectangle, taken time.Time) (Sight, error) {
	p, err := d.reduce.Reduce(img, roi)
	if err != nil {
		return Sight{}, fmt.Errorf("presence: %w", err)
	}
	if size := image.Pt(img.Cols(), img.Rows()); roi != d.region || size != d.size {
		d.region, d.size = roi, size
		d.start(len(p.Pix))
	}
	passed := taken.Sub(d.last)
	d.last = taken
	if d.state == Learning {
		if !d.learner.add(p.Pix, taken, d.s.Learn) {
			return Sight{State: Learning}, nil
		}
		d.learner.finish(&d.belt)
		d.enter(Empty, taken)
	}
	changed := d.belt.compare(p.Pix, float32(d.s.Contrast))
	seen := Sight{Changed: changed, Light: float64(d.belt.gain)}
	d.belt.adapt(p.Pix, passed, d.s.Adapt)
	d.judge(p.Pix, taken, &seen)
	seen.State = d.state
	return seen, nil
}

func (d *Detector) start(blocks int) {
	d.belt, d.other, d.learner = newBackground(blocks), newBackground(blocks), newLearner(blocks)
	d.state, d.count, d.confirmed = Learning, 0, false
}

func (d *Detector) enter(s State, at time.Time) {
	d.state, d.since, d.count, d.disturbed = s, at, 0, false
	d.learner.reset()
}

// judge moves from state to state.
func (d *Detector) judge(pix []uint16, taken time.Time, seen *Sight) {
	if d.state == Empty {
		if d.held(seen.Changed >= d.s.Enter, taken) {
			seen.Entered, seen.At = true, d.first
			d.enter(Present, taken)
		}
		return
	}
	if d.held(seen.Changed <= d.s.Leave, taken) {
		d.confirmed = true
		d.enter(Empty, taken)
		return
	}
	if d.state == Present {
		d.stand(pix, taken)
		return
	}
	// A part that stood on a stopped belt moves on and belt comes back. If instead something passes and the region then
	// looks as before, what stood is there to stay.
	change := d.other.compare(pix, float32(d.s.Contrast))
	switch {
	case change >= d.s.Enter:
		d.disturbed = true
	case change <= d.s.Leave && d.disturbed:
		d.belt, d.other = d.other, d.belt
		d.confirmed = true
		d.enter(Empty, taken)
	}
}

// stand learns how the region looks while something stands in it.
func (d *Detector) stand(pix []uint16, taken time.Time) {
	after := d.s.Standing
	if !d.confirmed {
		after = min(after, unsure)
	}
	if !d.learner.add(pix, taken, after) {
		return
	}
	d.learner.finish(&d.other)
	if d.other.compare(pix, float32(d.s.Contrast)) > d.s.Leave {
		d.learner.reset() // it moves: one part after the other
		return
	}
	if d.confirmed {
		d.enter(Blocked, taken)
		return
	}
	d.belt, d.other = d.other, d.belt
	d.enter(Empty, taken)
}

// held counts frames in a row for which yes is true, and tells when they are enough.
func (d *Detector) held(yes bool, taken time.Time) bool {
	if !yes {
		d.count = 0
		return false
	}
	if d.count == 0 {
		d.first = taken
	}
	d.count++
	return d.count >= d.s.Frames
}
