package device

import "time"

// Heartbeat toggles an output as long as somebody calls Beat, so that a PLC sees a hang: it
// has no clock of its own that would go on beating for a dead loop.
// One goroutine may use it.
type Heartbeat struct {
	output *Output
	half   time.Duration
	next   time.Time // the earliest moment of the next toggle
}

// NewHeartbeat makes a heartbeat that toggles at most every half; a PLC should
// allow for a few times that before it calls the station dead.
func NewHeartbeat(output *Output, half time.Duration) *Heartbeat {
	return &Heartbeat{output: output, half: half}
}

// Beat is called from inside the loop that has to be alive, once or more often in every
// half. An error is the one of Toggle; the next Beat tries again.
func (h *Heartbeat) Beat() error {
	now := time.Now()
	if now.Before(h.next) {
		return nil
	}
	if err := h.output.Toggle(); err != nil {
		return err
	}
	// By half from the last, not from now, so that the period holds on
	// average; but after a gap there is nothing to catch up with.
	h.next = h.next.Add(h.half)
	if h.next.Before(now) {
		h.next = now.Add(h.half)
	}
	return nil
}
