package device

// quadrature follows the two channels of an encoder, of which one edge comes a
// quarter of a period before the other's.
type quadrature struct {
	last     int // phase
	backward bool
}

// phase is where in its period, 0 to 3, an encoder is by its two levels; forward A rises before B does.
func phase(a, b bool) int {
	switch {
	case a && !b:
		return 1
	case a && b:
		return 2
	case b:
		return 3
	}
	return 0
}

// step is by how many quarters of a period an encoder has moved to come to this
// phase, -2 to 2. Two, which is not legal, can be in either direction: a
// belt doesn't turn round between two edges, so it is the last one.
func (q *quadrature) step(phase int) (steps int, legal bool) {
	moved := (phase - q.last + 4) % 4
	q.last = phase
	switch moved {
	case 1:
		q.backward = false
		return 1, true
	case 3:
		q.backward = true
		return -1, true
	case 2:
		if q.backward {
			return -2, false
		}
		return 2, false
	}
	return 0, true
}
