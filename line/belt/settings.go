package belt

import "fmt"

// Position is a place on an axis: nanoseconds, or counts of an encoder.
type Position int64

// Neighbour says what becomes of a good part that is nearer to a bad one than
// the gate can tell apart.
type Neighbour uint8

const (
	// Hold lets it pass. The gate stays only between two bad parts that follow each other.
	Hold Neighbour = iota
	// Reject pushes it too: behind a bad part always, before one if that one's
	// verdict is known when the good part is decided.
	Reject
)

// String returns "hold" or "reject", as a configuration has it.
func (n Neighbour) String() string {
	switch n {
	case Hold:
		return "hold"
	case Reject:
		return "reject"
	}
	return fmt.Sprintf("Neighbour(%d)", uint8(n))
}

// ParseNeighbour is the reverse of [Neighbour.String].
func ParseNeighbour(name string) (Neighbour, error) {
	for _, n := range []Neighbour{Hold, Reject} {
		if name == n.String() {
			return n, nil
		}
	}
	return 0, fmt.Errorf("neighbour %q: no such rule; use \"hold\" or \"reject\"", name)
}

// Settings say where things are along a belt.
type Settings struct {
	// Delay is from the edge to the first frame that shows the part, Within how
	// long or far after that a frame still shows it. Both on the camera's axis.
	Delay, Within Position
	Frames        int // how many frames of a part are judged, 1 or more

	// All on the gate's axis.
	MinGap  Position // an edge nearer than this to that of the last part is the same part; 0: every edge is a part
	Gate    Position // from the photo-eye to where the gate must be active
	Decide  Position // how long or far before the gate a part's verdict must be there; below Gate
	GateGap Position // parts nearer than this can't be told apart by the gate

	Neighbour Neighbour
}

// most bounds what settings may be: 104 days in nanoseconds. Who asks for more
// has mixed up his units, and sums stay far from the end of an int64.
const most = Position(1) << 53

func (s Settings) check() error {
	for _, p := range []struct {
		name string
		at   Position
	}{
		{"delay", s.Delay}, {"within", s.Within}, {"minimum gap", s.MinGap},
		{"gate", s.Gate}, {"decide", s.Decide}, {"gate gap", s.GateGap},
	} {
		if p.at < 0 || p.at > most {
			return fmt.Errorf("belt: %s %d; 0 to %d is possible", p.name, p.at, most)
		}
	}
	switch {
	case s.Frames < 1:
		return fmt.Errorf("belt: %d frames of a part; 1 or more are needed for a verdict", s.Frames)
	case s.Within == 0:
		return fmt.Errorf("belt: within 0; no frame comes at exactly the delay after an edge, so give the time in which one is usable")
	case s.Decide >= s.Gate:
		return fmt.Errorf("belt: the verdict must be there %d before the gate, but the gate is only %d behind the photo-eye; lower the first, or move the gate away", s.Decide, s.Gate)
	case s.Neighbour != Hold && s.Neighbour != Reject:
		return fmt.Errorf("belt: %v: no such rule; use Hold or Reject", s.Neighbour)
	}
	return nil
}
