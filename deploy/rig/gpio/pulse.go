package gpio

import "time"

// Pulse is the time that a pin was high.
type Pulse struct {
	Pin  int
	From time.Time
	To   time.Time // zero while it lasts
}

// Pulses are what edges, in their order, make of pins that are low before them; in the order in which they begin. A level
// that comes again changes nothing.
func Pulses(edges []Edge) []Pulse {
	var list []Pulse
	under := map[int]int{} // pin to the index of its pulse under way
	for _, e := range edges {
		i, high := under[e.Pin]
		switch {
		case e.High && !high:
			under[e.Pin] = len(list)
			list = append(list, Pulse{Pin: e.Pin, From: e.Time})
		case !e.High && high:
			list[i].To = e.Time
			delete(under, e.Pin)
		}
	}
	return list
}

// Beginnings are the pins of pulses, in their order.
func Beginnings(pulses []Pulse) []int {
	pins := make([]int, len(pulses))
	for i, p := range pulses {
		pins[i] = p.Pin
	}
	return pins
}
