package novelty

import (
	"fmt"
	"math"

	"passfail/model"
	"passfail/model/graph"
)

// Append adds the description of a map, which must be the descriptor's, and
// returns its tensor: [1 Len] float32. Of several views of a picture the first is described.
//
// statistics are the map's mean and standard deviation of each channel over
// positions, [views 2·channels], where a head needs them anyway; −1: they are
// added.
func (d *Descriptor) Append(m *graph.Model, tap, statistics int32) (int32, error) {
	grid, whole, err := d.append(m, tap, statistics)
	if err != nil {
		return 0, err
	}
	flat := m.Reshape(grid, "novelty/positions", 1, int32(d.grid()))
	return m.Concatenate([]int32{flat, whole}, "novelty/description"), m.Err()
}

// append returns both parts of a description: [1 rows columns dimensions] and [1 2·channels].
func (d *Descriptor) append(m *graph.Model, tap, statistics int32) (grid, whole int32, err error) {
	shape := m.Shape(tap)
	if len(shape) != 4 || int(shape[1]) != d.height || int(shape[2]) != d.width || int(shape[3]) != d.channels {
		return 0, 0, fmt.Errorf("novelty: a map %v; [1 %d %d %d] is needed", shape, d.height, d.width, d.channels)
	}
	if statistics >= 0 {
		if s := m.Shape(statistics); len(s) != 2 || s[0] != shape[0] || int(s[1]) != 2*d.channels {
			return 0, 0, fmt.Errorf("novelty: statistics %v; [%d %d] are needed", s, shape[0], 2*d.channels)
		}
	}
	tap = first(m, tap, "novelty/view")
	if statistics < 0 {
		real := m.Dequantize(tap, "novelty/real")
		statistics = m.Concatenate([]int32{
			m.MeanOverPositions(real, "novelty/mean"), m.StdOverPositions(real, "novelty/deviation"),
		}, "novelty/statistics")
	}
	whole = first(m, statistics, "novelty/whole")
	averaged := m.AveragePool(tap, window, stride, "novelty/averaged")
	// No bias: deviations from a mean are what counts.
	grid = m.Pointwise(m.Dequantize(averaged, "novelty/averaged/real"), d.weights, make([]float32, dimensions), "novelty/projected")
	return grid, whole, m.Err()
}

// first is the first of a batch.
func first(m *graph.Model, x int32, name string) int32 {
	if m.Shape(x)[0] == 1 {
		return x
	}
	return m.Slice(x, 0, 0, 1, name)
}

// Append adds the model behind a map, and statistics as Descriptor.Append takes
// them. It returns the tensor of the novelty, [1 1], and that of each position's
// novelty, [1 rows columns 1]; both are float32 and 1 at the limit.
func (m *Model) Append(g *graph.Model, tap, statistics int32) (novelty, places int32, err error) {
	grid, whole, err := m.descriptor.append(g, tap, statistics)
	if err != nil {
		return 0, 0, err
	}
	p, w := m.appendPlaces(g, grid), m.appendWhole(g, whole)
	rows, columns := int32(m.descriptor.rows), int32(m.descriptor.columns)
	places = g.Reshape(p, model.NoveltyMapOutput, 1, rows, columns, 1)
	highest := g.MeanOfLargest(g.Reshape(p, "novelty/places/row", 1, rows*columns), min(worst, rows*columns), "novelty/worst")
	w = g.Mul(w, g.Constant("novelty/unit", float32(1/(m.unit.whole*m.limit))), "novelty/whole/novelty")
	if m.purpose == Guard {
		novelty = g.Maximum(highest, w, model.NoveltyOutput)
	} else {
		novelty = g.Mul(g.Add(highest, w, "novelty/both"), g.Constant("novelty/half", 0.5), model.NoveltyOutput)
	}
	return novelty, places, g.Err()
}

// Metadata describes both outputs, in the order in which Append returns them.
func Metadata() []*graph.TensorMetadata {
	return []*graph.TensorMetadata{
		{Name: model.NoveltyOutput, Description: "How unlike the training's pictures the picture is; above 1 it is unlike them."},
		{Name: model.NoveltyMapOutput, Description: "The same for each position: where it is unlike them."},
	}
}

// appendPlaces adds each position's distance, in units of the limit: [positions 1].
func (m *Model) appendPlaces(g *graph.Model, grid int32) int32 {
	n := len(m.places)
	rank := 1
	for _, s := range m.places {
		rank = max(rank, len(s.variances))
	}
	mean, scale := make([]float32, 0, n*dimensions), make([]float32, n)
	directions := make([]float32, n*dimensions*rank) // [positions dimensions rank]
	unit := m.unit.places * m.limit
	for p, s := range m.places {
		for _, v := range s.mean {
			mean = append(mean, float32(v))
		}
		scale[p] = float32(1 / (s.rest * dimensions * unit * unit))
		for r := range s.variances {
			f := math.Sqrt(s.damping(r))
			for j := range dimensions {
				directions[(p*dimensions+j)*rank+r] = float32(f * s.directions[r*dimensions+j])
			}
		}
	}
	positions := g.Reshape(grid, "novelty/grid", int32(n), dimensions)
	z := g.Sub(positions, g.AddFloats("novelty/places/mean", mean, int32(n), dimensions), "novelty/places/deviation")
	along := g.BatchMatMul(g.Reshape(z, "novelty/places/batch", int32(n), 1, dimensions),
		g.AddFloats("novelty/places/directions", directions, int32(n), dimensions, int32(rank)), "novelty/places/along")
	squared := g.Relu(g.Sub(g.SquaredNorm(z, "novelty/places/norm"),
		g.Reshape(g.SquaredNorm(along, "novelty/places/usual"), "novelty/places/usual/flat", int32(n), 1), "novelty/places/rest"), "novelty/places/positive")
	return g.Sqrt(g.Mul(squared, g.AddFloats("novelty/places/scale", scale, int32(n), 1), "novelty/places/scaled"), "novelty/places")
}

// appendWhole adds the whole's distance: [1 1].
func (m *Model) appendWhole(g *graph.Model, whole int32) int32 {
	n := int32(len(m.scale))
	scale, mean := make([]float32, n), make([]float32, n)
	for i := range scale {
		scale[i], mean[i] = float32(m.scale[i]), float32(m.whole.mean[i])
	}
	z := g.Sub(g.Mul(whole, g.AddFloats("novelty/whole/scale", scale, 1, n), "novelty/whole/scaled"),
		g.AddFloats("novelty/whole/mean", mean, 1, n), "novelty/whole/deviation")
	squared := g.SquaredNorm(z, "novelty/whole/norm")
	if rank := len(m.whole.variances); rank > 0 {
		directions := make([]float32, len(m.whole.directions))
		for i, v := range m.whole.directions {
			directions[i] = float32(math.Sqrt(m.whole.damping(i/int(n))) * v)
		}
		along := g.Dense(z, directions, make([]float32, rank), "novelty/whole/along")
		squared = g.Relu(g.Sub(squared, g.SquaredNorm(along, "novelty/whole/usual"), "novelty/whole/rest"), "novelty/whole/positive")
	}
	return g.Sqrt(g.Mul(squared, g.Constant("novelty/whole/variance", float32(1/(m.whole.rest*float64(n)))), "novelty/whole/square"), "novelty/whole/distance")
}

// Scores adds the score of a part's being unlike good ones, [1 1], from a
// novelty that Append returned: one half at the limit, and about 0.05 for the
// middle one of good parts.
func (m *Model) Scores(g *graph.Model, novelty int32) (int32, error) {
	steepness := min(max(math.Log(19)/max(1-m.typical, 0.01), 4), 20)
	x := g.Sub(novelty, g.Constant("novelty/limit", 1), "novelty/excess")
	s := g.Logistic(g.Mul(x, g.Constant("novelty/steepness", float32(steepness)), "novelty/logit"), "scores")
	return s, g.Err()
}
