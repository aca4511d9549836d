package device

import "time"

const (
	trailLength = 1024 // counts that are remembered

	// speedOver is over how long a speed is averaged, at least where there are so many counts.
	speedOver = 250 * time.Millisecond
	// standing is how long after its last edge a belt stands.
	standing = time.Second
)

// waypoint is a count and the moment from which on it was that.
type waypoint struct {
	at    time.Time
	count int64
}

// trail is the last counts of an encoder, in the order of time. It has at least one when it is asked.
type trail struct {
	points [trailLength]waypoint // a ring
	added  int
}

func (t *trail) add(at time.Time, count int64) {
	t.points[t.added%trailLength] = waypoint{at, count}
	t.added++
}

// back is the waypoint that many before the latest.
func (t *trail) back(n int) *waypoint { return &t.points[(t.added-1-n)%trailLength] }

func (t *trail) held() int { return min(t.added, trailLength) }

func (t *trail) count() int64 { return t.back(0).count }

func (t *trail) latest() time.Time { return t.back(0).at }

// countAt is the count at a moment, or the oldest and false.
func (t *trail) countAt(at time.Time) (int64, bool) {
	low, high := 0, t.held() // the waypoint is in back(low) … back(high-1), if any
	for low < high {
		middle := (low + high) / 2
		if t.back(middle).at.After(at) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == t.held() {
		return t.back(low - 1).count, false
	}
	return t.back(low).count, true
}

// speed is in counts a second.
func (t *trail) speed(now time.Time) float64 {
	last := t.back(0)
	quiet := now.Sub(last.at)
	if t.held() < 2 || quiet >= standing {
		return 0
	}
	// The oldest of the time over which is averaged, but two at least, and none from before a stand.
	n := 1
	for n+1 < t.held() && last.at.Sub(t.back(n+1).at) <= speedOver {
		n++
	}
	from := t.back(n)
	took := last.at.Sub(from.at)
	if took >= standing {
		return 0 // it has only begun
	}
	if took <= 0 {
		return 0
	}
	// Where no edge has come for longer than between the others, the belt is slower by now.
	if each := took / time.Duration(n); quiet > each {
		took += quiet - each
	}
	return float64(last.count-from.count) / took.Seconds()
}
