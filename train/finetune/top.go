package finetune

import (
	"math"

	"passfail/train/dense"
)

// kind is what a layer computes.
type kind int

const (
	convolution kind = iota
	depthwiseConvolution
	addition
)

// node is a map between layers: [h w c], and how the file stores it.
type node struct {
	name    string
	h, w, c int
	own     extremes // the bounds of the activation that makes it, infinite where there are none
	scale   float32  // 8 bit: value = scale × (stored − zero)
	zero    int
	tap     int // which output of the base it is, −1 for none
}

func (n *node) size() int { return n.h * n.w * n.c }

// bounds are the activation's and those of what 8 bit can store.
func (n *node) bounds() extremes {
	return extremes{max(n.own.low, n.scale*float32(-128-n.zero)), min(n.own.high, n.scale*float32(127-n.zero))}
}

// layer computes node out from node in[0], an addition from in[1] too. Weights
// lie in the parameters as in the file: [out kh kw in], depthwise [kh kw c].
type layer struct {
	kind          kind
	in            [2]int
	out           int
	window        window
	weights, bias span
	outputs       int // channels
	depth         int // layers with weights between this one and the network's end, for rates
	operator      int // its place in the file
}

// span is a part of the parameters.
type span struct{ from, to int }

func (s span) of(p []float32) []float32 { return p[s.from:s.to] }
func (s span) len() int                 { return s.to - s.from }

// top is the part of the network above the cut, in the order in which it runs.
// Node 0 is the cut.
type top struct {
	nodes  []node
	layers []layer
	taps   []tap
	count  int // of parameters
}

// tap is one output of the base. A frozen one lies below the cut (node −1): its
// statistics come with the picture.
type tap struct {
	name     string
	node     int
	channels int
	at       int // of its mean|deviation among the features
}

// features is how many numbers the head gets.
func (t *top) features() int {
	n := 0
	for _, tap := range t.taps {
		n += 2 * tap.channels
	}
	return n
}

// workspace is the memory in which one goroutine runs the network on up to
// pictures pictures at a time.
type workspace struct {
	pictures        int
	values, derived [][]float32 // of each node
	rows            []float32   // unfolded convolutions
	product         dense.Worker
	seen            []extremes // of each node
	features        []float32  // [pictures][features]
	dfeatures       []float32
}

func newWorkspace(t *top, pictures int) *workspace {
	w := &workspace{pictures: pictures, seen: make([]extremes, len(t.nodes))}
	for i := range t.nodes {
		w.values = append(w.values, make([]float32, pictures*t.nodes[i].size()))
		w.derived = append(w.derived, make([]float32, pictures*t.nodes[i].size()))
	}
	widest := 0
	for _, l := range t.layers {
		if l.unfolds() {
			widest = max(widest, pictures*l.window.outputs()*l.window.taps()*l.window.c)
		}
	}
	w.rows = make([]float32, widest)
	w.features = make([]float32, pictures*t.features())
	w.dfeatures = make([]float32, pictures*t.features())
	w.forget()
	return w
}

// forget begins anew to watch for extremes.
func (w *workspace) forget() {
	for i := range w.seen {
		w.seen[i] = extremes{float32(math.Inf(1)), float32(math.Inf(-1))}
	}
}

// unfolds tells a convolution that is no plain product of matrices.
func (l *layer) unfolds() bool {
	return l.kind == convolution && (l.window.taps() > 1 || l.window.strideH > 1 || l.window.strideW > 1)
}

// forward computes all nodes from node 0 for the first n pictures, with maps
// rounded to 8 bit if rounded, and the taps' statistics.
func (t *top) forward(w *workspace, p []float32, n int, rounded bool) {
	for i := range t.layers {
		l := &t.layers[i]
		out := &t.nodes[l.out]
		x, y := w.values[l.in[0]][:n*t.nodes[l.in[0]].size()], w.values[l.out][:n*out.size()]
		bias := []float32(nil)
		switch l.kind {
		case convolution:
			rows, wide := n*out.h*out.w, l.weights.len()/l.outputs
			if l.unfolds() {
				unfold(l.window, n, x, w.rows)
				x = w.rows
			}
			w.product.Multiply(dense.New(x, rows, wide), dense.New(l.weights.of(p), l.outputs, wide).T(), dense.New(y, rows, l.outputs), false)
			bias = l.bias.of(p)
		case depthwiseConvolution:
			depthwise(best, l.window, n, x, l.weights.of(p), y)
			bias = l.bias.of(p)
		case addition:
			add(x, w.values[l.in[1]], y)
		}
		bounds, step := out.own, float32(0)
		if rounded {
			bounds, step = out.bounds(), out.scale
		}
		activate(y, bias, out.c, out.own, bounds, step, &w.seen[l.out])
	}
	all := t.features()
	for i := range n {
		for _, tap := range t.taps {
			if tap.node >= 0 {
				size := t.nodes[tap.node].size()
				pool(w.values[tap.node][i*size:(i+1)*size], tap.channels, w.features[i*all+tap.at:])
			}
		}
	}
}

// backward adds to g the derivatives of the parameters, given those of the
// features in w.dfeatures. rounded is as it was in forward: rounding itself
// counts as if it were not there (straight-through), but what was cut off has no
// influence.
func (t *top) backward(w *workspace, p, g []float32, n int, rounded bool) {
	all := t.features()
	for i := range t.nodes[1:] {
		clear(w.derived[i+1][:n*t.nodes[i+1].size()])
	}
	for i := range n {
		for _, tap := range t.taps {
			if tap.node > 0 {
				size, at := t.nodes[tap.node].size(), i*all+tap.at
				poolBack(w.values[tap.node][i*size:(i+1)*size], tap.channels, w.features[at:], w.dfeatures[at:],
					w.derived[tap.node][i*size:(i+1)*size])
			}
		}
	}
	for i := len(t.layers) - 1; i >= 0; i-- {
		t.layerBack(&t.layers[i], w, p, g, n, rounded)
	}
}

func (t *top) layerBack(l *layer, w *workspace, p, g []float32, n int, rounded bool) {
	out := &t.nodes[l.out]
	y, dy := w.values[l.out][:n*out.size()], w.derived[l.out][:n*out.size()]
	x, dx := w.values[l.in[0]][:n*t.nodes[l.in[0]].size()], w.derived[l.in[0]][:n*t.nodes[l.in[0]].size()]
	bounds := out.own
	if rounded {
		bounds = out.bounds()
	}
	wanted := l.in[0] != 0 // nothing below the cut is trained
	switch l.kind {
	case convolution:
		activateBack(y, dy, l.bias.of(g), out.c, bounds)
		rows, wide := n*out.h*out.w, l.weights.len()/l.outputs
		weights := dense.New(l.weights.of(p), l.outputs, wide)
		if l.unfolds() {
			unfold(l.window, n, x, w.rows)
			x = w.rows
		}
		w.product.Multiply(dense.New(dy, rows, l.outputs).T(), dense.New(x, rows, wide), dense.New(l.weights.of(g), l.outputs, wide), true)
		switch {
		case !wanted:
		case l.unfolds():
			w.product.Multiply(dense.New(dy, rows, l.outputs), weights, dense.New(w.rows, rows, wide), false)
			fold(l.window, n, w.rows, dx)
		default:
			w.product.Multiply(dense.New(dy, rows, l.outputs), weights, dense.New(dx, rows, wide), true)
		}
	case depthwiseConvolution:
		activateBack(y, dy, l.bias.of(g), out.c, bounds)
		depthwiseWeights(best, l.window, n, x, dy, l.weights.of(g))
		if wanted {
			depthwiseInput(best, l.window, n, l.weights.of(p), dy, dx)
		}
	case addition:
		activateBack(y, dy, nil, out.c, bounds)
		for _, in := range l.in {
			if in != 0 {
				accumulate(dy, w.derived[in])
			}
		}
	}
}
