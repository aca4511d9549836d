package device

import "time"

// alarm is what the scheduler sleeps on. wait is called by one goroutine, poke by any.
type alarm interface {
	// begin is called first, in the goroutine that will wait. After an error it works, but not as well.
	begin() error
	// wait returns after d, or when poked; perhaps sooner.
	wait(d time.Duration)
	// poke ends the present wait, or the next one if there is none.
	poke()
	close()
}

// timerAlarm waits with Go's own timer, which is late by up to a millisecond
// on Linux, and which moves with the fake clock of a testing/synctest bubble.
type timerAlarm struct {
	timer *time.Timer
	poked chan struct{}
}

func newTimerAlarm() *timerAlarm {
	return &timerAlarm{timer: time.NewTimer(never), poked: make(chan struct{}, 1)}
}

func (a *timerAlarm) begin() error { return nil }

func (a *timerAlarm) wait(d time.Duration) {
	a.timer.Reset(d)
	select {
	case <-a.timer.C:
	case <-a.poked:
	}
}

func (a *timerAlarm) poke() {
	select {
	case a.poked <- struct{}{}:
	default: // one is enough
	}
}

func (a *timerAlarm) close() { a.timer.Stop() }
