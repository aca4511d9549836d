package finetune

import (
	"math"
	"slices"
)

// stored is a layer as 8 bit stores it.
type stored struct {
	weights    []int8
	scales     []float32 // a channel each
	bias       []int32
	biasScales []float32
}

// largestBias is how far a bias may go: half of what 32 bit hold, so that the
// sum over all inputs fits as well.
const largestBias = 1 << 30

// weightScales gives the step of each channel's weights: the largest weight is
// 127 steps. A channel with next to no weights would get a step so small that its bias, counted
// in steps of weight × input, does not fit into 32 bits: its step is larger.
func weightScales(l *layer, w, bias []float32, inputScale float32) []float32 {
	scales := make([]float32, l.outputs)
	if l.kind == convolution {
		wide := len(w) / l.outputs
		for c := range scales {
			scales[c] = largest(w[c*wide : (c+1)*wide])
		}
	} else {
		for from := 0; from < len(w); from += l.outputs {
			for c, v := range w[from : from+l.outputs] {
				scales[c] = max(scales[c], max(v, -v))
			}
		}
	}
	floor := max(slices.Max(scales)*1e-6, 1e-12)
	for c := range scales {
		b := float64(max(bias[c], -bias[c]))
		scales[c] = max(scales[c], floor) / 127
		scales[c] = max(scales[c], float32(b/(float64(inputScale)*largestBias)))
	}
	return scales
}

func largest(x []float32) float32 {
	m := float32(0)
	for _, v := range x {
		m = max(m, v, -v)
	}
	return m
}

// quantize stores the layers' parameters.
func (t *top) quantize(values []float32) []stored {
	list := make([]stored, len(t.layers))
	for i := range t.layers {
		l := &t.layers[i]
		if l.kind == addition {
			continue
		}
		w, bias, in := l.weights.of(values), l.bias.of(values), t.nodes[l.in[0]].scale
		s := stored{scales: weightScales(l, w, bias, in)}
		for j, v := range w {
			q := math.RoundToEven(float64(v / s.scales[l.channel(j, len(w))]))
			s.weights = append(s.weights, int8(min(max(q, -127), 127)))
		}
		for c, v := range bias {
			scale := in * s.scales[c]
			s.biasScales = append(s.biasScales, scale)
			q := math.RoundToEven(float64(v) / float64(scale))
			s.bias = append(s.bias, int32(min(max(q, -largestBias), largestBias)))
		}
		list[i] = s
	}
	return list
}

// setRange has a node store low to high: 0 always has a step of its own.
func (n *node) setRange(r extremes) {
	low, high := min(r.low, 0), max(r.high, 0)
	scale := (high - low) / 255
	if !(scale > 1e-7) || math.IsInf(float64(scale), 0) {
		return // nothing was seen that tells more than the file
	}
	n.scale = scale
	n.zero = int(math.RoundToEven(float64(-128 - low/scale)))
}

// ranges are the storage of all nodes.
type ranges []node

func (t *top) ranges() ranges { return slices.Clone(t.nodes) }

func (t *top) setRanges(r ranges) { copy(t.nodes, r) }
