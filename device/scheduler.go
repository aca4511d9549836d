package device

import "time"

// report is something that went wrong outside a call.
type report struct {
	output string
	err    error
}

// now is the moment, since the epoch.
func (s *Outputs) now() time.Duration { return time.Since(s.epoch) }

// schedule drives the pins when their pulses begin and end. It is the body of the
// scheduler's goroutine.
func (s *Outputs) schedule() {
	defer close(s.ended)
	if err := s.alarm.begin(); err != nil {
		s.board.log.Warn(err.Error())
	}
	for {
		next, ok := s.step()
		if !ok {
			return
		}
		s.alarm.wait(next - s.now())
	}
}

// step does what is due and tells when to come back. It is false after Close.
func (s *Outputs) step() (next time.Duration, ok bool) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return 0, false
		}
		now := s.now()
		next = never
		var due *Output
		for _, o := range s.list {
			switch d := o.due(); {
			case d <= now && (due == nil || d < due.due()):
				due = o
			case d > now:
				next = min(next, d)
			}
		}
		if due == nil {
			s.armed = next
			s.mu.Unlock()
			return next, true
		}
		s.armed = now // whoever schedules in the meantime needs no poke: the loop looks again
		s.mu.Unlock()
		_ = due.settle(false) // a failure has been noted, and is due again later
	}
}

// due is when the scheduler has to look after the output. owner.mu is held.
func (o *Output) due() time.Duration {
	d := o.pulses.due(o.fault != nil)
	if o.fault != nil {
		d = min(d, o.retry)
	}
	return d
}

// tell hands something to the reporter and doesn't wait: what a full queue
// doesn't take is still counted in the stats. s.mu is held.
func (s *Outputs) tell(o *Output, err error) {
	if s.released {
		return
	}
	select {
	case s.reports <- report{o.settings.Name, err}:
	default:
	}
}

// report calls OnFault, in a goroutine that nobody waits for but Close.
func (s *Outputs) report() {
	defer close(s.told)
	for r := range s.reports {
		if s.onFault != nil {
			s.onFault(r.output, r.err)
		}
	}
}
