package alarm

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Kind is what an alarm is about.
type Kind uint8

// The kinds, in the order in which they are shown.
const (
	CameraLost    Kind = iota // no frames come
	CameraBlind               // frames come that show nothing: black, white, blurred, moved
	PinFault                  // an output can't be driven
	Unpushed                  // a bad part was not pushed off as it should be
	Unconfirmed               // a pushed part did not come past the sensor behind the gate
	Unbidden                  // a part came past it that was not pushed
	RejectsInARow             // too many bad parts one after the other
	RejectRate                // too many among the last ones
	PartsUnknown              // parts were under way when the station ended without warning
	kinds
)

var names = [kinds]string{
	"camera lost", "camera blind", "pin fault", "not pushed", "not confirmed", "unbidden part", "rejects in a row", "reject rate", "parts unknown",
}

// String returns the kind in words.
func (k Kind) String() string {
	if k < kinds {
		return names[k]
	}
	return fmt.Sprintf("alarm %d", uint8(k))
}

// Meaning is what an alarm means for the line.
type Meaning uint8

const (
	// GoOn: verdicts are right; somebody should look after it.
	GoOn Meaning = iota
	// Stop: the line should stand still until somebody has.
	Stop
)

// Alarm is one that is on, or latched.
type Alarm struct {
	Kind    Kind
	Meaning Meaning
	Text    string // what it is, and what to do
	Since   time.Time
	Count   int  // how often its cause came since then
	On      bool // its cause lasts
	Latched bool // it stays until Reset
}

// Panel is all alarms. Its methods may be called by any goroutine; none waits
// for anything. The zero value has no alarm.
type Panel struct {
	mu      sync.Mutex
	list    [kinds]Alarm // those with a Count are there
	watcher func()
}

// Watch has f called after each change, by who made it: it must not wait, nor call the panel's methods that
// change it. It is called before others use the panel.
func (p *Panel) Watch(f func()) { p.watcher = f }

// Raise tells that the cause of an alarm is there. A latched alarm stays latched,
// and one that means Stop does so until it is gone.
func (p *Panel) Raise(at time.Time, k Kind, m Meaning, latched bool, text string) {
	p.mu.Lock()
	a := &p.list[k]
	if a.Count == 0 {
		*a = Alarm{Kind: k, Since: at}
	}
	a.Count++
	a.On, a.Text = true, text
	a.Meaning = max(a.Meaning, m)
	a.Latched = a.Latched || latched
	p.mu.Unlock()
	p.changed()
}

// Event raises a latched alarm whose cause is over as soon as it came.
func (p *Panel) Event(at time.Time, k Kind, m Meaning, text string) {
	p.Raise(at, k, m, true, text)
	p.Clear(k)
}

// Clear tells that the cause of an alarm is gone.
func (p *Panel) Clear(k Kind) {
	p.mu.Lock()
	a := &p.list[k]
	was := a.On
	a.On = false
	if !a.Latched {
		*a = Alarm{}
	}
	p.mu.Unlock()
	if was {
		p.changed()
	}
}

// Reset ends latched alarms, but those whose cause lasts: they end with it. It tells how many ended.
func (p *Panel) Reset() (ended int) {
	p.mu.Lock()
	for i := range p.list {
		a := &p.list[i]
		switch {
		case a.Count == 0:
		case a.On:
			a.Latched = false
		default:
			*a = Alarm{}
			ended++
		}
	}
	p.mu.Unlock()
	p.changed()
	return ended
}

// State is what the panel shows in a word: whether there is an alarm, and one that means Stop.
func (p *Panel) State() (alarm, stop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.list {
		if a := &p.list[i]; a.Count > 0 {
			alarm = true
			stop = stop || a.Meaning == Stop
		}
	}
	return alarm, stop
}

// List appends the alarms to dst: those that mean Stop first, then by age.
func (p *Panel) List(dst []Alarm) []Alarm {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := len(dst)
	for i := range p.list {
		if p.list[i].Count > 0 {
			dst = append(dst, p.list[i])
		}
	}
	slices.SortStableFunc(dst[first:], func(a, b Alarm) int {
		if a.Meaning != b.Meaning {
			return int(b.Meaning) - int(a.Meaning)
		}
		return a.Since.Compare(b.Since)
	})
	return dst
}

func (p *Panel) changed() {
	if p.watcher != nil {
		p.watcher()
	}
}
