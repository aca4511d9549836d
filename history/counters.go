package history

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Counter is something that is counted.
type Counter uint8

// The counters. Those of parts are counted by Record, the others by Count.
const (
	Inspected Counter = iota // parts; each has passed or failed
	Passed
	Failed          // Counts.Labels says with which label
	Unknown         // parts unlike all that the model knows
	Unsure          // parts whose best score was below the confidence
	LateVerdicts    // parts that failed because the verdict came late
	Missed          // parts that failed because no frame showed them
	Errors          // parts that failed because their frame could not be judged
	Neighbours      // good parts that were pushed with a bad one
	MissedTriggers  // edges of the sensor that made no part
	Overruns        // frames or parts that came faster than they could be judged
	Confirmed       // rejected parts that a sensor saw leaving
	Unconfirmed     // rejected parts that no sensor saw leaving
	Unbidden        // parts that left without having been rejected
	DroppedRows     // rows that found the queue or the disk full
	DroppedPictures // pictures that found the queue or the disk full
	NumCounters
)

var counterNames = [NumCounters]string{
	"inspected", "passed", "failed", "unknown", "unsure", "late", "missed", "errors", "neighbours", "missed_triggers", "overruns",
	"confirmed", "unconfirmed", "unbidden", "dropped_rows", "dropped_pictures",
}

// String returns the counter's name, such as "missed_triggers".
func (c Counter) String() string { return counterNames[c] }

// Counts are the counters of a product over some time.
type Counts struct {
	Product string
	N       [NumCounters]uint64
	Labels  map[string]uint64 // Failed, by label; "": parts that failed by no label
}

// Add adds another product's counts.
func (c *Counts) Add(o Counts) {
	for i, n := range o.N {
		c.N[i] += n
	}
	for l, n := range o.Labels {
		if c.Labels == nil {
			c.Labels = map[string]uint64{}
		}
		c.Labels[l] += n
	}
}

// Sum adds the counts of products up.
func Sum(list []Counts) Counts {
	var s Counts
	for _, c := range list {
		s.Add(c)
	}
	return s
}

// Snapshot is what was counted, by product in the order of their names.
type Snapshot struct {
	Start time.Time // of this program's counting
	Shift time.Time // when the present shift began

	SinceStart, ThisShift, Ever []Counts
}

// tally counts for a product in a shift, or ever where shift is 0.
type tally struct {
	shift  int64 // when it began, Unix seconds
	counts Counts
	saved  Counts // what the database holds
	loaded bool   // what the database held before is added
}

func newTally(shift int64, product string) *tally {
	return &tally{
		shift: shift, counts: Counts{Product: product, Labels: map[string]uint64{}}, saved: Counts{Labels: map[string]uint64{}},
	}
}

// count adds an inspected part.
func (c *Counts) count(r *Row) {
	c.N[Inspected]++
	if r.Pass {
		c.N[Passed]++
	} else {
		c.N[Failed]++
		label := ""
		if r.Reason == Judged {
			label = r.Label
		}
		c.Labels[label]++
	}
	if r.Unlike {
		c.N[Unknown]++
	}
	if r.Unsure {
		c.N[Unsure]++
	}
	switch r.Reason {
	case Late:
		c.N[LateVerdicts]++
	case Unseen:
		c.N[Missed]++
	case Broken:
		c.N[Errors]++
	case Neighbour:
		c.N[Neighbours]++
	}
}

// product is a product's tallies. All are guarded by the tallies' owner.
type product struct {
	start, shift, ever *tally
}

// tallies are all counters. Their owner guards them by a lock.
type tallies struct {
	shifts   shifts
	start    time.Time
	from, to time.Time // the present shift
	products map[string]*product
	past     []*tally // of shifts that are over, not yet saved
}

func newTallies(s shifts, now time.Time) *tallies {
	t := &tallies{shifts: s, start: now, products: map[string]*product{}}
	t.from, t.to = s.at(now)
	return t
}

// of returns a product's tallies in the shift of now. It allocates when the
// product or the shift is new.
func (t *tallies) of(name string, now time.Time) *product {
	if now.Before(t.from) || !now.Before(t.to) {
		t.from, t.to = t.shifts.at(now)
	}
	p := t.products[name]
	if p == nil {
		name = strings.Clone(name)
		p = &product{start: newTally(0, name), ever: newTally(0, name)}
		t.products[name] = p
	}
	if begin := t.from.Unix(); p.shift == nil || p.shift.shift != begin {
		t.turn(p, begin)
	}
	return p
}

// turn begins another shift for a product. The clock may have been set back into
// one that is not saved yet.
func (t *tallies) turn(p *product, begin int64) {
	name := p.ever.counts.Product
	old := p.shift
	i := slices.IndexFunc(t.past, func(q *tally) bool { return q.shift == begin && q.counts.Product == name })
	if i >= 0 {
		p.shift = t.past[i]
		t.past = slices.Delete(t.past, i, i+1)
	} else {
		p.shift = newTally(begin, name)
	}
	if old != nil {
		t.past = append(t.past, old)
	}
}

func (p *product) add(c Counter, n uint64) {
	for _, t := range [...]*tally{p.start, p.shift, p.ever} {
		t.counts.N[c] += n
	}
}

func (p *product) count(r *Row) {
	for _, t := range [...]*tally{p.start, p.shift, p.ever} {
		t.counts.count(r)
	}
}

// kept are the tallies that the database holds.
func (t *tallies) kept() []*tally {
	list := slices.Clone(t.past)
	for _, p := range t.products {
		list = append(list, p.ever)
		if p.shift != nil {
			list = append(list, p.shift)
		}
	}
	return list
}

func (t *tallies) snapshot(now time.Time) Snapshot {
	from, _ := t.shifts.at(now)
	s := Snapshot{Start: t.start, Shift: from}
	for _, name := range slices.Sorted(maps.Keys(t.products)) {
		p := t.products[name]
		s.SinceStart = append(s.SinceStart, p.start.counts.clone())
		s.Ever = append(s.Ever, p.ever.counts.clone())
		if p.shift != nil && p.shift.shift == from.Unix() {
			s.ThisShift = append(s.ThisShift, p.shift.counts.clone())
		}
	}
	return s
}

func (c Counts) clone() Counts {
	c.Labels = maps.Clone(c.Labels)
	return c
}
