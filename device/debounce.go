package device

import "time"

// Debouncer tells a level that lasts from one that bounces. It has no clock:
// whoever has the edges gives their moments, as durations since an epoch of its own
// that never go back. So [Input] uses it on the real clock and a simulation on its own.
//
// A level counts once it has lasted for the period, and it has been so since the
// first edge after the last level that lasted: a contact that bounces became
// active when it first touched. What is shorter counts for nothing.
type Debouncer struct {
	period time.Duration
	active bool // what lasted
	level  bool // what was seen last

	bouncing      bool          // there were edges since the last level that lasted
	first, latest time.Duration // the first and the last of these
}

// NewDebouncer makes one for an input that is active, or not, and has been so for
// long. A period of 0 or less takes every edge for what it is.
func NewDebouncer(period time.Duration, active bool) Debouncer {
	return Debouncer{period: max(period, 0), active: active, level: active}
}

// Edge says that there was an edge, and which level is behind it: perhaps the
// same as before, where a spike was over before anybody could look. It is true
// if Active has changed, since the moment at.
func (d *Debouncer) Edge(now time.Duration, level bool) (at time.Duration, changed bool) {
	at, changed = d.settle(now) // what was there before this edge may have lasted
	if !d.bouncing {
		d.bouncing, d.first = true, now
	}
	d.latest, d.level = now, level
	if d.period == 0 {
		return d.settle(now)
	}
	return at, changed
}

// Look says which level there is, with no edge that anybody told of: if it is another
// one than before, an edge was lost. Otherwise as Edge.
func (d *Debouncer) Look(now time.Duration, level bool) (at time.Duration, changed bool) {
	if level != d.level {
		return d.Edge(now, level)
	}
	return d.settle(now)
}

// settle takes a level that has lasted for the period.
func (d *Debouncer) settle(now time.Duration) (at time.Duration, changed bool) {
	if !d.bouncing || now-d.latest < d.period {
		return 0, false
	}
	d.bouncing = false
	if d.level == d.active {
		return 0, false
	}
	d.active = d.level
	return d.first, true
}

// Active is the level that lasted.
func (d *Debouncer) Active() bool { return d.active }

// Due is when Look will find that a level has lasted, unless an edge comes before; false if none is waited for.
func (d *Debouncer) Due() (time.Duration, bool) {
	return d.latest + d.period, d.bouncing
}
