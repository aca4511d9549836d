package novelty

import (
	"fmt"
	"math"
	"slices"
)

// Model tells how unlike the training's pictures a picture is.
type Model struct {
	// Limit says what share of good parts fails at a novelty of 1, and how sure that is.
	Limit Limit

	descriptor *Descriptor
	purpose    Purpose
	places     []spread  // [rows columns], of dimensions numbers
	scale      []float64 // [2 channels], of the whole before its spread
	whole      spread
	unit       distances // what held-out pictures reach, of each distance
	limit      float64   // the score that is novelty 1
	typical    float64   // novelty of the middle one of held-out pictures
}

// distances are what is added up to a score.
type distances struct {
	places float64 // the worst positions' distance, averaged
	whole  float64
}

// workspace is room for one goroutine's computation of distances.
type workspace struct {
	place, whole []float64
	scaled       []float32
	each         []float64 // position's distance
}

func newWorkspace(d *Descriptor) *workspace {
	return &workspace{
		place: make([]float64, dimensions), whole: make([]float64, 2*d.channels),
		scaled: make([]float32, 2*d.channels), each: make([]float64, d.positions()),
	}
}

func (m *Model) distances(description []float32, w *workspace) distances {
	r := distances{places: m.descriptor.worst(m.places, description, w)}
	for j, v := range description[m.descriptor.grid():] {
		w.scaled[j] = float32(float64(v) * m.scale[j])
	}
	r.whole = math.Sqrt(m.whole.distance(w.scaled, w.whole))
	return r
}

// worst returns the average distance of the positions that are furthest from
// places, and leaves that of each position in w.
func (d *Descriptor) worst(places []spread, description []float32, w *workspace) float64 {
	for p := range places {
		w.each[p] = math.Sqrt(places[p].distance(description[p*dimensions:(p+1)*dimensions], w.place))
	}
	sorted := slices.Sorted(slices.Values(w.each))
	k := min(worst, len(sorted))
	sum := 0.0
	for _, v := range sorted[len(sorted)-k:] {
		sum += v
	}
	return sum / float64(k)
}

// score puts distances together, each in its unit.
func (m *Model) score(d distances) float64 {
	a, b := d.places/m.unit.places, d.whole/m.unit.whole
	if m.purpose == Guard {
		return max(a, b)
	}
	return (a + b) / 2
}

// Novelty returns how unlike the training's pictures a description is: 1 is the limit.
// It also returns the novelty of each position, [rows columns].
func (m *Model) Novelty(description []float32) (novelty float64, places []float64, err error) {
	if len(description) != m.descriptor.Len() {
		return 0, nil, fmt.Errorf("novelty: a description of %d numbers; %d are needed", len(description), m.descriptor.Len())
	}
	w := newWorkspace(m.descriptor)
	novelty = m.score(m.distances(description, w)) / m.limit
	for p := range w.each {
		w.each[p] /= m.unit.places * m.limit
	}
	return novelty, w.each, nil
}

// Rows and Columns are the size of the map of positions.
func (m *Model) Rows() int    { return m.descriptor.rows }
func (m *Model) Columns() int { return m.descriptor.columns }
