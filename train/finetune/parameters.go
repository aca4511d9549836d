package finetune

import (
	"math"
	"slices"
)

// parameters are all that is trained: the layers' weights and biases, then the
// head's, in one row.
type parameters struct {
	values, start []float32
	average       []float32 // moving average of values
	first, second []float32 // Adam's moments
	unit          []float32 // the size of a parameter: steps count in it
	rounded       []float32 // values or average as 8 bit will have them
	head          headSpan
}

// headSpan is where the head lies: weights [rows][features] of standardized
// features, biases [rows].
type headSpan struct{ weights, bias span }

func newParameters(values []float32, h *head) *parameters {
	p := &parameters{values: slices.Clone(values)}
	p.head.weights = span{len(values), len(values) + len(h.weights)}
	p.head.bias = span{p.head.weights.to, p.head.weights.to + len(h.bias)}
	p.values = append(append(p.values, h.weights...), h.bias...)
	p.start, p.average, p.rounded = slices.Clone(p.values), slices.Clone(p.values), slices.Clone(p.values)
	n := len(p.values)
	p.first, p.second, p.unit = make([]float32, n), make([]float32, n), make([]float32, n)
	return p
}

// measure sets the units. A folded batch normalization leaves channels of very
// different sizes: a step that is tiny for one would turn another round.
func (p *parameters) measure(t *top, rate, headRate, decay float64) {
	for i := range t.layers {
		l := &t.layers[i]
		if l.kind == addition {
			continue
		}
		share := math.Pow(decay, float64(l.depth))
		w, unit := l.weights.of(p.start), l.weights.of(p.unit)
		whole := size(w)
		sums := make([]float64, l.outputs)
		for j, v := range w {
			sums[l.channel(j, len(w))] += float64(v) * float64(v)
		}
		for j := range unit {
			own := math.Sqrt(sums[l.channel(j, len(w))] * float64(l.outputs) / float64(len(w)))
			unit[j] = float32(share * max(own, 0.1*whole))
		}
		fill(l.bias.of(p.unit), share*size(l.bias.of(p.start)))
	}
	relative := headRate / rate
	unit := max(size(p.head.weights.of(p.start)), 1e-4)
	fill(p.head.weights.of(p.unit), relative*unit)
	fill(p.head.bias.of(p.unit), relative)
}

// size is the root of the mean square, and never 0.
func size(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return max(math.Sqrt(sum/float64(len(x))), 1e-6)
}

func fill(x []float32, v float64) {
	for i := range x {
		x[i] = float32(v)
	}
}

// round fills p.rounded with from (values or average).
func (p *parameters) round(t *top, from []float32) { t.round(from, p.rounded) }

// round fills out with from, the weights as 8 bit will have them.
func (t *top) round(from, out []float32) {
	copy(out, from)
	for i := range t.layers {
		l := &t.layers[i]
		if l.kind == addition {
			continue
		}
		w, rounded := l.weights.of(from), l.weights.of(out)
		scales := weightScales(l, w, l.bias.of(from), t.nodes[l.in[0]].scale)
		if l.kind == convolution {
			wide := len(w) / l.outputs
			for c, s := range scales {
				roundWeights(w[c*wide:(c+1)*wide], rounded[c*wide:], s)
			}
			continue
		}
		for j, v := range w {
			s := scales[j%l.outputs]
			rounded[j] = s * float32(math.RoundToEven(float64(v/s)))
		}
	}
}
