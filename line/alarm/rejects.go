package alarm

import "fmt"

// Rejects finds out when too many parts are bad for that to be the parts' fault.
// It belongs to one goroutine.
type Rejects struct {
	inARow int     // 0: any number
	rate   float64 // 0: any
	last   []bool  // a ring: was the part bad
	next   int
	seen   int
	bad    int // in last
	row    int
}

// NewRejects makes one that finds inARow bad parts one after the other (0: never), and a
// share of bad parts above rate (0..1; 0: never) among the last of parts (2 or more). A share is judged only once there were so many.
func NewRejects(inARow int, rate float64, of int) (*Rejects, error) {
	switch {
	case inARow < 0:
		return nil, fmt.Errorf("rejects in a row: %d; 0 (never) or more is possible", inARow)
	case !(rate >= 0 && rate <= 1):
		return nil, fmt.Errorf("reject rate: %v; 0 (never) to 1 is possible", rate)
	case rate > 0 && of < 2:
		return nil, fmt.Errorf("reject rate among the last %d parts; 2 or more are needed", of)
	}
	return &Rejects{inARow: inARow, rate: rate, last: make([]bool, max(of, 1))}, nil
}

// Part counts a part. It returns the kind of alarm that this is, and its text; false if it is none.
func (r *Rejects) Part(bad bool) (Kind, string, bool) {
	if r.seen == len(r.last) && r.last[r.next] {
		r.bad--
	}
	r.last[r.next] = bad
	r.next = (r.next + 1) % len(r.last)
	r.seen = min(r.seen+1, len(r.last))
	if !bad {
		r.row = 0
		return 0, "", false
	}
	r.bad++
	r.row++
	if r.inARow > 0 && r.row >= r.inARow {
		return RejectsInARow, fmt.Sprintf("%d parts one after the other were rejected; look at the parts, the light and the camera", r.row), true
	}
	if r.rate > 0 && r.seen == len(r.last) && float64(r.bad) > r.rate*float64(len(r.last)) {
		return RejectRate, fmt.Sprintf("%d of the last %d parts were rejected; look at the parts, the light and the camera", r.bad, len(r.last)), true
	}
	return 0, "", false
}

// Forget begins anew, as after a reset.
func (r *Rejects) Forget() {
	clear(r.last)
	r.next, r.seen, r.bad, r.row = 0, 0, 0, 0
}
