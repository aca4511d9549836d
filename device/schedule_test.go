package device

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The schedule is the union of its pulses, moment for moment, and says so with
// spans that are in order and apart.
func TestScheduleIsUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const room = 6
		s := newSchedule(room)
		var model [64]bool // by moment
		now := 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "advance") {
				now += rapid.IntRange(0, 10).Draw(t, "by")
				s.expire(time.Duration(now))
			}
			start := now + rapid.IntRange(0, 12).Draw(t, "start")
			end := start + rapid.IntRange(1, 8).Draw(t, "width")
			if end > len(model) {
				break
			}
			if s.add(span{start: time.Duration(start), end: time.Duration(end), pulses: 1}) {
				for i := start; i < end; i++ {
					model[i] = true
				}
			} else if len(s.spans) != room {
				t.Fatalf("refused with %d of %d places taken", len(s.spans), room)
			}
			for i := now; i < len(model); i++ {
				if got := s.current(time.Duration(i)) != nil; got != model[i] {
					t.Fatalf("at %d: active %v, want %v: %v", i, got, model[i], s.spans)
				}
			}
			for i, q := range s.spans {
				if q.start >= q.end || i > 0 && s.spans[i-1].end >= q.start {
					t.Fatalf("not in order and apart: %v", s.spans)
				}
			}
		}
	})
}

func TestScheduleFullStillMerges(t *testing.T) {
	s := newSchedule(2)
	for _, start := range []time.Duration{10, 30} {
		if !s.add(span{start: start, end: start + 5, pulses: 1}) {
			t.Fatal("no room")
		}
	}
	if s.add(span{start: 50, end: 55, pulses: 1}) {
		t.Error("took a third span into two places")
	}
	if !s.add(span{start: 15, end: 30, pulses: 1}) {
		t.Error("refused a pulse that joins two spans")
	}
	if len(s.spans) != 1 || s.spans[0].pulses != 3 {
		t.Errorf("spans %v, want one of 3 pulses", s.spans)
	}
}

func TestScheduleCountsMissed(t *testing.T) {
	s := newSchedule(4)
	s.add(span{start: 0, end: 10, pulses: 1})
	s.add(span{start: 5, end: 12, pulses: 1})
	s.add(span{start: 20, end: 30, pulses: 1})
	s.spans[1].given = true
	if end, missed := s.expire(40); end != 30 || missed != 2 {
		t.Errorf("expire: end %d, missed %d; want 30, 2", end, missed)
	}
	if s.due(false) != never {
		t.Error("an empty schedule is due")
	}
}
