package belt

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrUnconfirmed says that a push can't be watched.
var ErrUnconfirmed = errors.New("more pushed parts wait for their confirmation than there is room for: this one is not waited for")

// Confirm matches pushed parts with the edges of a sensor that they fall past
// behind the gate. An edge confirms the first part that is expected: where one
// does not come and another follows at once, the count of missing ones is right, and
// the part that is named missing may be the neighbour. Moments are durations since
// any epoch of a monotonic clock. Any goroutine may use it. After NewConfirm it
// allocates nothing.
type Confirm struct {
	mu       sync.Mutex
	within   time.Duration
	expected []push // in the order of Expect; at most its capacity
	stats    ConfirmStats
}

type push struct {
	part ID
	at   time.Duration
}

// ConfirmStats count since NewConfirm.
type ConfirmStats struct {
	Confirmed uint64
	Missing   uint64 // pushed parts that the sensor did not see in time
	Unbidden  uint64 // edges for which no part was pushed
	Full      uint64 // pushes that were not expected for lack of room
}

// NewConfirm makes a Confirm for a sensor that a part passes within this time of
// its push, with room for capacity parts in between.
func NewConfirm(within time.Duration, capacity int) (*Confirm, error) {
	switch {
	case within <= 0 || within > time.Minute:
		return nil, fmt.Errorf("reject confirmation: within %v; above 0, up to %v is possible", within, time.Minute)
	case capacity < 1:
		return nil, fmt.Errorf("reject confirmation: room for %d parts; 1 or more is needed", capacity)
	}
	return &Confirm{within: within, expected: make([]push, 0, capacity)}, nil
}

// Expect tells that the gate pushes a part at this moment. It returns
// ErrUnconfirmed if too many have not come yet; then this one is not expected.
func (c *Confirm) Expect(part ID, at time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.expected) == cap(c.expected) {
		c.stats.Full++
		return ErrUnconfirmed
	}
	c.expected = append(c.expected, push{part, at})
	return nil
}

// Seen tells of an edge of the sensor. It returns the part that this confirms, the
// first of those that may be there by then, or false if none may.
func (c *Confirm) Seen(at time.Duration) (ID, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.expected {
		if at >= p.at && at-p.at <= c.within {
			c.expected = append(c.expected[:i], c.expected[i+1:]...)
			c.stats.Confirmed++
			return p.part, true
		}
	}
	c.stats.Unbidden++
	return 0, false
}

// Next is when Missing is needed next; false if no part is expected.
func (c *Confirm) Next() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.expected) == 0 {
		return 0, false
	}
	next := c.expected[0].at
	for _, p := range c.expected {
		next = min(next, p.at)
	}
	return next + c.within + 1, true
}

// Missing appends to dst the parts that should have come before now, and no
// longer expects them.
func (c *Confirm) Missing(now time.Duration, dst []ID) []ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.expected[:0]
	for _, p := range c.expected {
		if now-p.at > c.within {
			dst = append(dst, p.part)
			c.stats.Missing++
		} else {
			kept = append(kept, p)
		}
	}
	c.expected = kept
	return dst
}

// Stats returns the counts.
func (c *Confirm) Stats() ConfirmStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}
