package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"passfail/model/graph"
)

// reference computes the taps' features of n pictures in float64, by the
// definition of each operator.
func (t *top) reference(p, cut []float64, n int) []float64 {
	maps := make([][]float64, len(t.nodes))
	maps[0] = cut
	for i := range t.layers {
		l := &t.layers[i]
		out := &t.nodes[l.out]
		x, y := maps[l.in[0]], make([]float64, n*out.size())
		w, bias := p[l.weights.from:l.weights.to], p[l.bias.from:l.bias.to]
		switch l.kind {
		case convolution:
			l.window.slide(n, func(i, j, k int) {
				place, tap, c := k/l.window.c, j/l.window.c, j%l.window.c
				for o := range l.outputs {
					y[place*l.outputs+o] += x[i] * w[(o*l.window.taps()+tap)*l.window.c+c]
				}
			})
		case depthwiseConvolution:
			l.window.slide(n, func(i, j, k int) { y[k] += x[i] * w[j] })
		case addition:
			for i := range y {
				y[i] = x[i] + maps[l.in[1]][i]
			}
		}
		for i := range y {
			if l.kind != addition {
				y[i] += bias[i%out.c]
			}
			y[i] = min(max(y[i], float64(out.own.low)), float64(out.own.high))
		}
		maps[l.out] = y
	}
	features := make([]float64, n*t.features())
	for i := range n {
		for _, tap := range t.taps {
			size, places := t.nodes[tap.node].size(), float64(t.nodes[tap.node].size()/tap.channels)
			for c := range tap.channels {
				mean, variance := 0.0, 0.0
				for j := c; j < size; j += tap.channels {
					mean += maps[tap.node][i*size+j] / places
				}
				for j := c; j < size; j += tap.channels {
					d := maps[tap.node][i*size+j] - mean
					variance += d * d / places
				}
				at := i*t.features() + tap.at + c
				features[at], features[at+tap.channels] = mean, math.Sqrt(variance+poolEpsilon)
			}
		}
	}
	return features
}

// builder makes networks layer by layer.
type builder struct {
	*top
	t      *testing.T
	random *rand.Rand
	p      []float32
}

func newBuilder(t *testing.T, h, w, c int) *builder {
	b := &builder{&top{}, t, rand.New(rand.NewPCG(5, 0)), nil}
	b.nodes = []node{{h: h, w: w, c: c, own: infinite, tap: -1}}
	return b
}

var relu6 = extremes{0, 6}

// conv adds a convolution of node in and returns its result's node.
func (b *builder) conv(kind kind, in, outputs, kernel, stride int, padding graph.Padding, own extremes) int {
	from := b.nodes[in]
	s := window{h: from.h, w: from.w, c: from.c, kernelH: kernel, kernelW: kernel, strideH: stride, strideW: stride}
	s.outH, s.outW = (from.h+stride-1)/stride, (from.w+stride-1)/stride
	if padding == graph.Valid {
		s.outH, s.outW = (from.h-kernel)/stride+1, (from.w-kernel)/stride+1
	}
	if err := s.pad(padding); err != nil {
		b.t.Fatal(err)
	}
	size := outputs * s.taps() * from.c
	if kind == depthwiseConvolution {
		size = outputs * s.taps()
	}
	l := layer{kind: kind, in: [2]int{in, -1}, out: len(b.nodes), window: s, outputs: outputs}
	l.weights = span{len(b.p), len(b.p) + size}
	l.bias = span{l.weights.to, l.weights.to + outputs}
	for range size {
		b.p = append(b.p, float32(b.random.NormFloat64()/math.Sqrt(float64(size/outputs))*2))
	}
	for range outputs {
		b.p = append(b.p, float32(b.random.NormFloat64()+1))
	}
	b.layers = append(b.layers, l)
	b.nodes = append(b.nodes, node{h: s.outH, w: s.outW, c: outputs, own: own, tap: -1})
	return l.out
}

func (b *builder) sum(x, y int, own extremes) int {
	out := b.nodes[x]
	out.own = own
	b.layers = append(b.layers, layer{kind: addition, in: [2]int{x, y}, out: len(b.nodes)})
	b.nodes = append(b.nodes, out)
	return len(b.nodes) - 1
}

func (b *builder) tap(n int) {
	at := b.features()
	b.taps = append(b.taps, tap{"", n, b.nodes[n].c, at})
}

func networks(t *testing.T) map[string]*builder {
	list := map[string]*builder{}
	single := func(name string, own extremes, kind kind, outputs, kernel, stride int, padding graph.Padding) {
		b := newBuilder(t, 6, 5, 3)
		x := b.conv(convolution, 0, 4, 1, 1, graph.Same, infinite) // so that derivatives go through the layer too
		b.tap(b.conv(kind, x, outputs, kernel, stride, padding, own))
		list[name] = b
	}
	single("1x1", infinite, convolution, 7, 1, 1, graph.Same)
	single("1x1 relu6", relu6, convolution, 7, 1, 1, graph.Same)
	single("1x1 stride 2", infinite, convolution, 3, 1, 2, graph.Same)
	single("3x3", infinite, convolution, 5, 3, 1, graph.Same)
	single("3x3 stride 2 relu6", relu6, convolution, 5, 3, 2, graph.Same)
	single("2x2 valid", infinite, convolution, 5, 2, 1, graph.Valid)
	single("depthwise 3x3", infinite, depthwiseConvolution, 4, 3, 1, graph.Same)
	single("depthwise 5x5 stride 2 relu6", relu6, depthwiseConvolution, 4, 5, 2, graph.Same)
	single("depthwise 3x3 valid", relu6, depthwiseConvolution, 4, 3, 1, graph.Valid)
	sum := newBuilder(t, 4, 4, 3)
	x := sum.conv(convolution, 0, 5, 1, 1, graph.Same, infinite)
	y := sum.conv(convolution, 0, 5, 3, 1, graph.Same, infinite)
	sum.tap(sum.sum(x, y, relu6))
	list["sum relu6"] = sum
	twice := newBuilder(t, 4, 4, 3)
	x = twice.conv(convolution, 0, 3, 1, 1, graph.Same, infinite)
	twice.tap(twice.sum(x, x, infinite))
	list["sum of one with itself"] = twice
	block := newBuilder(t, 6, 6, 4)
	expand := block.conv(convolution, 0, 20, 1, 1, graph.Same, relu6)
	block.tap(expand)
	x = block.conv(depthwiseConvolution, expand, 20, 5, 2, graph.Same, relu6)
	x = block.conv(convolution, x, 6, 1, 1, graph.Same, infinite)
	y = block.conv(convolution, x, 18, 1, 1, graph.Same, relu6)
	y = block.conv(depthwiseConvolution, y, 18, 3, 1, graph.Same, relu6)
	y = block.conv(convolution, y, 6, 1, 1, graph.Same, infinite)
	x = block.sum(x, y, infinite)
	block.tap(x)
	block.tap(block.conv(convolution, x, 9, 1, 1, graph.Same, relu6))
	list["inverted residuals with three taps"] = block
	return list
}

// TestGradients compares forward with the reference, and backward with the
// reference's finite differences, for every operator.
func TestGradients(t *testing.T) {
	const n = 2
	for name, b := range networks(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(b.top, n)
			random := rand.New(rand.NewPCG(6, 0))
			cut := noise(random, n*b.nodes[0].size())
			copy(w.values[0], cut)
			b.forward(w, b.p, n, false)
			p, input := wide(b.p), wide(cut)
			near(t, "features", w.features, b.reference(p, input, n), 1e-5)
			factors := noise(random, len(w.dfeatures))
			copy(w.dfeatures, factors)
			g := make([]float32, len(b.p))
			b.backward(w, b.p, g, n, false)
			loss := func() float64 {
				sum := 0.0
				for i, f := range b.reference(p, input, n) {
					sum += f * float64(factors[i])
				}
				return sum
			}
			const h = 1e-6
			want := make([]float64, len(p))
			for i := range p {
				value := p[i]
				p[i] = value + h
				up := loss()
				p[i] = value - h
				want[i] = (up - loss()) / (2 * h)
				p[i] = value
			}
			near(t, "derivatives", g, want, 1e-4)
		})
	}
}

func TestLossDerivatives(t *testing.T) {
	for _, classes := range []int{2, 3, 5} {
		t.Run(fmt.Sprint(classes), func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, uint64(classes)))
			z := noise(random, rowsFor(classes))
			target := wanted(1, classes, 0.1)
			loss := func(k int, d float32) float64 {
				x := append([]float32{}, z...)
				x[k] += d
				return deviate(x, target)
			}
			g := append([]float32{}, z...)
			deviate(g, target)
			want := make([]float64, len(z))
			for k := range z {
				want[k] = (loss(k, 1e-2) - loss(k, -1e-2)) / 2e-2
			}
			near(t, "derivatives", g, want, 1e-4)
		})
	}
}

func TestAdam(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 0))
	const n = 37
	p := &parameters{values: noise(random, n), first: make([]float32, n), second: make([]float32, n), average: make([]float32, n), unit: make([]float32, n)}
	p.start = append([]float32{}, p.values...)
	fill(p.unit, 0.5)
	w, m, v, average := wide(p.values), make([]float64, n), make([]float64, n), make([]float64, n)
	for number := 1; number <= 5; number++ {
		g := noise(random, n)
		for i := range n {
			d := float64(g[i]) * 0.5
			m[i] = beta1*m[i] + (1-beta1)*d
			v[i] = beta2*v[i] + (1-beta2)*d*d
			move := m[i] / (1 - math.Pow(beta1, float64(number))) / (math.Sqrt(v[i]/(1-math.Pow(beta2, float64(number)))) + adamEpsilon)
			w[i] -= 0.1 * (0.5*move + 0.3*(w[i]-float64(p.start[i])))
			average[i] = 0.9*average[i] + 0.1*w[i]
		}
		adam(step{rate: 0.1, pull: 0.3, average: 0.9, number: number}, p, g, 0, n)
		near(t, "gradient after", g, make([]float64, n), 0)
	}
	near(t, "parameters", p.values, w, 1e-4)
	near(t, "average", p.average, average, 1e-4)
}
