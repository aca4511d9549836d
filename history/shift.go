package history

import "time"

// shifts tells when shifts begin. Every one begins once each day, on days too
// on which the clocks are set forward or back.
type shifts struct {
	begin []time.Duration // from local midnight, ascending, not empty
	loc   *time.Location
}

func newShifts(begin []time.Duration, loc *time.Location) shifts {
	if len(begin) == 0 {
		begin = []time.Duration{0}
	}
	if loc == nil {
		loc = time.Local
	}
	return shifts{begin, loc}
}

// at returns when the shift of the moment t began and when the next one will.
func (s shifts) at(t time.Time) (from, to time.Time) {
	y, m, d := t.In(s.loc).Date()
	// A neighbouring day's shifts are looked at as well: the last one goes on past
	// midnight.
	for day := d - 1; day <= d+2; day++ {
		for _, b := range s.begin {
			begin := s.moment(y, m, day, b)
			if begin.After(t) {
				return from, begin
			}
			from = begin
		}
	}
	return from, t // not reached: two days on there is a later one
}

// moment is when a local clock shows the time of day b. Where it does so twice,
// it is the first; where never, it is as long after the gap as b is within it.
func (s shifts) moment(y int, m time.Month, d int, b time.Duration) time.Time {
	wall := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Add(b)
	_, before := wall.Add(-24 * time.Hour).In(s.loc).Zone()
	_, after := wall.Add(24 * time.Hour).In(s.loc).Zone()
	first := wall.Add(-time.Duration(before) * time.Second)
	second := wall.Add(-time.Duration(after) * time.Second)
	if s.shows(second, wall) && !s.shows(first, wall) {
		first = second
	}
	return first.In(s.loc)
}

// shows tells whether local clocks show wall at the moment t.
func (s shifts) shows(t, wall time.Time) bool {
	_, offset := t.In(s.loc).Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}
