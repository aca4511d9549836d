package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"passfail/train"
)

// steps shows how far a training is: a bar on a terminal, lines in anything else,
// such as the log of a service. There is a line where something begins, and another one
// from time to time while it lasts.
type steps struct {
	out      io.Writer
	terminal bool
	now      func() time.Time

	bar   *progressbar.ProgressBar
	doing string
	told  time.Time // when the last line was written
}

// betweenLines is how long nothing is said at least of what goes on.
const betweenLines = 10 * time.Second

func newSteps(out *os.File) *steps {
	return &steps{out: out, terminal: term.IsTerminal(int(out.Fd())), now: time.Now}
}

// show is train.Options.Progress.
func (s *steps) show(t train.Step) {
	begins := t.Doing != s.doing
	s.doing = t.Doing
	if !s.terminal {
		s.tell(t, begins)
		return
	}
	if begins {
		s.clear()
		s.bar = progressbar.NewOptions(t.Total, progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription(t.Doing),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
	}
	_ = s.bar.Set(t.Done) // it can't fail: it is told of no more than there are
}

func (s *steps) tell(t train.Step, begins bool) {
	now := s.now()
	if !begins && now.Sub(s.told) < betweenLines {
		return
	}
	s.told = now
	how := ""
	if !begins {
		how = fmt.Sprintf(": %d of %d", t.Done, t.Total)
	}
	// A log that is gone is no reason to stop.
	_, _ = fmt.Fprintf(s.out, "%s%s\n", t.Doing, how)
}

// clear takes the bar away.
func (s *steps) clear() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}
