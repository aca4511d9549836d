package main

import (
	"bytes"
	"testing"
	"time"

	"passfail/train"
)

// A log gets a line where a stage begins, and then one every ten seconds.
func TestStepsInALog(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1e9, 0)
	s := &steps{out: &log, now: func() time.Time { return now }}
	for _, c := range []struct {
		after time.Duration
		step  train.Step
		want  string
	}{
		{0, train.Step{Doing: "looking", Done: 1, Total: 90}, "looking\n"},
		{9 * time.Second, train.Step{Doing: "looking", Done: 2, Total: 90}, ""},
		{time.Second, train.Step{Doing: "looking", Done: 3, Total: 90}, "looking: 3 of 90\n"},
		{time.Second, train.Step{Doing: "looking", Done: 90, Total: 90}, ""},
		{0, train.Step{Doing: "trying", Done: 0, Total: 5}, "trying\n"},
		{time.Second, train.Step{Doing: "trying", Done: 1, Total: 5}, ""},
		{time.Minute, train.Step{Doing: "trying", Done: 2, Total: 5}, "trying: 2 of 5\n"},
	} {
		now = now.Add(c.after)
		log.Reset()
		s.show(c.step)
		if log.String() != c.want {
			t.Errorf("%+v after %v: %q, want %q", c.step, c.after, log.String(), c.want)
		}
	}
	s.clear()
}
