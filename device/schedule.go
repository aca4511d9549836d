package device

import (
	"math"
	"slices"
	"time"
)

// never is a moment that doesn't come.
const never = time.Duration(math.MaxInt64)

// span is a time in which pulses keep an output active: [start, end), both
// since the Outputs' epoch.
type span struct {
	start, end time.Duration
	pulses     int  // how many were merged into it
	given      bool // the pin was active within it
}

// schedule is the union of the pulses of one output that have not ended: disjoint spans that
// don't touch, in the order of time. It never grows beyond its capacity, so it allocates nothing.
type schedule struct {
	spans  []span
	before []span // room to undo what addTrain began
}

func newSchedule(capacity int) schedule {
	return schedule{spans: make([]span, 0, capacity), before: make([]span, 0, capacity)}
}

// addTrain merges what is not past of a train into the union: all of that, or, if there is no room, nothing.
func (s *schedule) addTrain(start, now time.Duration, t train) bool {
	s.before = append(s.before[:0], s.spans...)
	for n := range t.count {
		begin := start + t.at(n)
		end := begin + t.width
		if end <= now {
			continue
		}
		if !s.add(span{start: max(begin, now), end: end, pulses: 1}) {
			s.spans = append(s.spans[:0], s.before...)
			return false
		}
	}
	return true
}

// add merges a pulse into the union. It is false if that needs one span more
// than there is room for; then nothing has changed.
func (s *schedule) add(p span) bool {
	// spans[first:last] overlap or touch p.
	first := 0
	for first < len(s.spans) && s.spans[first].end < p.start {
		first++
	}
	last := first
	for last < len(s.spans) && s.spans[last].start <= p.end {
		q := s.spans[last]
		p.start = min(p.start, q.start)
		p.end = max(p.end, q.end)
		p.pulses += q.pulses
		p.given = p.given || q.given
		last++
	}
	if first == last && len(s.spans) == cap(s.spans) {
		return false
	}
	s.spans = slices.Replace(s.spans, first, last, p)
	return true
}

// current is the span that covers now, or nil.
func (s *schedule) current(now time.Duration) *span {
	for i := range s.spans {
		q := &s.spans[i]
		if q.start > now {
			break
		}
		if now < q.end {
			return q
		}
	}
	return nil
}

// expire forgets the spans that have ended. It tells the end of the last one
// and how many pulses were never given.
func (s *schedule) expire(now time.Duration) (end time.Duration, missed int) {
	n := 0
	for n < len(s.spans) && s.spans[n].end <= now {
		end = s.spans[n].end
		if !s.spans[n].given {
			missed += s.spans[n].pulses
		}
		n++
	}
	s.spans = slices.Delete(s.spans, 0, n)
	return end, missed
}

// due is when the schedule next needs attention: at the start of its first
// span, or at its end once that has been given. A pin that can't be driven
// is tried again at times of its own, so then only ends matter.
func (s *schedule) due(faulty bool) time.Duration {
	if len(s.spans) == 0 {
		return never
	}
	if s.spans[0].given || faulty {
		return s.spans[0].end
	}
	return s.spans[0].start
}

// clear forgets all spans and tells how many pulses had not been given.
func (s *schedule) clear() (dropped int) {
	for _, q := range s.spans {
		if !q.given {
			dropped += q.pulses
		}
	}
	s.spans = s.spans[:0]
	return dropped
}
