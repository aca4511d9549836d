package finetune

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"passfail/model/base"
	"passfail/model/graph"
)

// All that this package knows of .tflite files is in this file.

// parsed is a base network's file and what lies above its cut.
type parsed struct {
	file *graph.File
	cut  int32 // tensor
	top  *top
	// values are the parameters as the file holds them, real numbers.
	values []float32
	tensor []int32 // of each node
}

// parse reads a base network. cut names a tensor or is its index; "" chooses one.
func parse(b []byte, cut string) (*parsed, error) {
	f, err := graph.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	p := &parsed{file: f, top: &top{}}
	through, err := p.passages()
	if err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	if p.cut, err = p.findCut(cut, through); err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	if err := p.readTop(); err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	return p, nil
}

func (p *parsed) graph() *graph.Subgraph        { return p.file.Model.Subgraphs[0] }
func (p *parsed) at(i int32) *graph.Tensor      { return p.graph().Tensors[i] }
func (p *parsed) constant(i int32) []byte       { return p.file.Model.Buffers[p.at(i).Buffer].Data }
func (p *parsed) isConstant(i int32) bool       { return i < 0 || len(p.constant(i)) > 0 }
func (p *parsed) op(o *graph.Operator) graph.Op { return p.file.Model.Op(o) }

// passages lists the tensors through which everything flows that comes after
// them, from the input on.
func (p *parsed) passages() ([]int32, error) {
	s := p.graph()
	if len(s.Inputs) != 1 || len(s.Outputs) == 0 {
		return nil, fmt.Errorf("it has %d inputs and %d outputs; one picture and at least one map are needed", len(s.Inputs), len(s.Outputs))
	}
	last := map[int32]int{} // the last operator that reads a tensor
	for i, o := range s.Operators {
		if len(o.Outputs) != 1 {
			return nil, fmt.Errorf("operator %d has %d outputs; one is needed", i, len(o.Outputs))
		}
		for _, t := range o.Inputs {
			last[t] = i
		}
	}
	var list []int32
	reach := -1 // the last operator that reads anything made so far, but for the newest tensor
	newest := s.Inputs[0]
	for i, o := range s.Operators {
		if reach < i {
			list = append(list, newest)
		}
		reach = max(reach, last[newest])
		newest = o.Outputs[0]
	}
	return list, nil
}

// findCut finds the tensor that a cut means. By default it is where the block
// begins that goes over to the last stride.
func (p *parsed) findCut(cut string, through []int32) (int32, error) {
	s := p.graph()
	if cut != "" {
		for i, t := range s.Tensors {
			if t.Name != cut && strconv.Itoa(i) != cut {
				continue
			}
			if !slices.Contains(through, int32(i)) {
				return 0, fmt.Errorf("cut at tensor %d (%q): not everything above comes from it; cuts are possible at %s", i, t.Name, p.names(through))
			}
			return int32(i), nil
		}
		return 0, fmt.Errorf("cut at %q: there is no such tensor; cuts are possible at %s", cut, p.names(through))
	}
	maker := map[int32]*graph.Operator{}
	for _, o := range s.Operators {
		maker[o.Outputs[0]] = o
	}
	begin := int32(-1)
	for _, o := range s.Operators {
		in, out := p.at(o.Inputs[0]).Shape, p.at(o.Outputs[0]).Shape
		if len(in) == 4 && len(out) == 4 && out[1] < in[1] {
			begin = o.Inputs[0]
		}
	}
	// Before the step lies an expansion: the block begins where the map is narrow.
	for begin >= 0 {
		o := maker[begin]
		narrower := o != nil && p.op(o) == graph.OpConv2D && p.at(o.Inputs[0]).Shape[3] < p.at(begin).Shape[3]
		if slices.Contains(through, begin) && !narrower {
			return begin, nil
		}
		if o == nil {
			break
		}
		begin = o.Inputs[0]
	}
	return 0, fmt.Errorf("found no place to cut it; name one of %s", p.names(through))
}

func (p *parsed) names(tensors []int32) string {
	const most = 12
	list := tensors[max(0, len(tensors)-most):]
	text := ""
	for i, t := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d (%s)", t, p.at(t).Name)
	}
	return text
}

// readTop turns what lies above the cut into layers.
func (p *parsed) readTop() error {
	s, t := p.graph(), p.top
	node := map[int32]int{}
	if _, err := p.addNode(p.cut, infinite, node); err != nil {
		return err
	}
	above := false
	if p.cut == s.Inputs[0] {
		above = true
	}
	for i, o := range s.Operators {
		if above {
			if err := p.readLayer(i, o, node); err != nil {
				return fmt.Errorf("operator %d (%v, %q): %w", i, p.op(o), p.at(o.Outputs[0]).Name, err)
			}
		}
		above = above || o.Outputs[0] == p.cut
	}
	if len(t.layers) == 0 {
		return fmt.Errorf("nothing lies above the cut at %q", p.at(p.cut).Name)
	}
	at := 0
	trained := false
	for i, out := range s.Outputs {
		shape := p.at(out).Shape
		if len(shape) != 4 || p.at(out).Type != graph.Int8 {
			return fmt.Errorf("output %q is %v %v; a base's outputs are int8 maps [1 height width channels]", p.at(out).Name, p.at(out).Type, shape)
		}
		n, ok := node[out]
		if ok && n > 0 {
			t.nodes[n].tap = i
			trained = true
		} else {
			n = -1
		}
		t.taps = append(t.taps, tap{p.at(out).Name, n, int(shape[3]), at})
		at += 2 * int(shape[3])
	}
	if !trained {
		return fmt.Errorf("none of its outputs lies above the cut at %q", p.at(p.cut).Name)
	}
	t.count = len(p.values)
	depth := 0
	for i := len(t.layers) - 1; i >= 0; i-- {
		t.layers[i].depth = depth
		if t.layers[i].kind != addition {
			depth++
		}
	}
	return nil
}

var infinite = extremes{float32(math.Inf(-1)), float32(math.Inf(1))}

func (p *parsed) addNode(tensor int32, own extremes, nodes map[int32]int) (int, error) {
	x := p.at(tensor)
	if len(x.Shape) != 4 || x.Shape[0] != 1 || slices.Min(x.Shape) < 1 || x.Type != graph.Int8 {
		return 0, fmt.Errorf("tensor %q is %v %v; an int8 map [1 height width channels] is needed", x.Name, x.Type, x.Shape)
	}
	q := x.Quantization
	if q == nil || len(q.Scale) != 1 || len(q.ZeroPoint) > 1 || !(q.Scale[0] > 0) || math.IsInf(float64(q.Scale[0]), 0) {
		return 0, fmt.Errorf("tensor %q: one scale above 0 and one zero point are needed", x.Name)
	}
	n := node{name: x.Name, h: int(x.Shape[1]), w: int(x.Shape[2]), c: int(x.Shape[3]), own: own, scale: q.Scale[0], tap: -1}
	if len(q.ZeroPoint) == 1 {
		n.zero = int(q.ZeroPoint[0])
	}
	p.top.nodes = append(p.top.nodes, n)
	p.tensor = append(p.tensor, tensor)
	nodes[tensor] = len(p.top.nodes) - 1
	return nodes[tensor], nil
}

func activationBounds(a graph.Activation) (extremes, error) {
	switch a {
	case graph.NoActivation:
		return infinite, nil
	case graph.Relu:
		return extremes{0, float32(math.Inf(1))}, nil
	case graph.Relu6:
		return extremes{0, 6}, nil
	}
	return extremes{}, fmt.Errorf("activation %d is not known; none, ReLU and ReLU6 can be trained", a)
}

var errNotTrainable = errors.New("can't be trained; CONV_2D, DEPTHWISE_CONV_2D and ADD can: cut the network above it")

func (p *parsed) readLayer(index int, o *graph.Operator, nodes map[int32]int) error {
	if o.BuiltinOptions == nil {
		return errNotTrainable
	}
	l := layer{operator: index, in: [2]int{-1, -1}}
	for i, t := range o.Inputs {
		n, ok := nodes[t]
		switch {
		case ok && i < 2:
			l.in[i] = n
		case !p.isConstant(t):
			return fmt.Errorf("input %q comes from below the cut", p.at(t).Name)
		}
	}
	var activation graph.Activation
	var padding graph.Padding
	switch options := o.BuiltinOptions.Value.(type) {
	case *graph.Conv2DOptions:
		l.kind, activation, padding = convolution, options.FusedActivationFunction, options.Padding
		l.window.strideH, l.window.strideW = int(options.StrideH), int(options.StrideW)
		if options.DilationHFactor > 1 || options.DilationWFactor > 1 {
			return errors.New("dilated convolutions can't be trained")
		}
	case *graph.DepthwiseConv2DOptions:
		l.kind, activation, padding = depthwiseConvolution, options.FusedActivationFunction, options.Padding
		l.window.strideH, l.window.strideW = int(options.StrideH), int(options.StrideW)
		if options.DilationHFactor > 1 || options.DilationWFactor > 1 || options.DepthMultiplier > 1 {
			return errors.New("dilated convolutions, and depthwise ones that multiply channels, can't be trained")
		}
	case *graph.AddOptions:
		if p.op(o) != graph.OpAdd || len(o.Inputs) != 2 || l.in[1] < 0 {
			return errors.New("only the sum of two maps can be trained")
		}
		l.kind, activation = addition, options.FusedActivationFunction
	default:
		return errNotTrainable
	}
	if l.in[0] < 0 {
		return errors.New("its first input is a constant")
	}
	own, err := activationBounds(activation)
	if err != nil {
		return err
	}
	if l.out, err = p.addNode(o.Outputs[0], own, nodes); err != nil {
		return err
	}
	in, out := &p.top.nodes[l.in[0]], &p.top.nodes[l.out]
	if l.kind == addition {
		other := &p.top.nodes[l.in[1]]
		if in.size() != out.size() || other.size() != out.size() || in.c != out.c || other.c != out.c {
			return errors.New("the maps that it adds differ in shape")
		}
	} else if err := p.readWeights(&l, o, in, out, padding); err != nil {
		return err
	}
	p.top.layers = append(p.top.layers, l)
	return nil
}

// readWeights reads a convolution's weights and bias as real numbers.
func (p *parsed) readWeights(l *layer, o *graph.Operator, in, out *node, padding graph.Padding) error {
	if len(o.Inputs) != 3 || o.Inputs[2] < 0 {
		return errors.New("a convolution needs weights and a bias")
	}
	weights, bias := p.at(o.Inputs[1]), p.at(o.Inputs[2])
	shape := weights.Shape
	if len(shape) != 4 || weights.Type != graph.Int8 || bias.Type != graph.Int32 || slices.Min(shape) < 1 {
		return fmt.Errorf("its weights are %v %v, its bias is %v; int8 of 4 dimensions and int32 are needed", weights.Type, shape, bias.Type)
	}
	channels, fits := shape[0], int(shape[3]) == in.c
	if l.kind == depthwiseConvolution {
		channels, fits = shape[3], shape[0] == 1 && int(shape[3]) == in.c
	}
	stored, biases := p.constant(o.Inputs[1]), p.constant(o.Inputs[2])
	size := int(shape[0]) * int(shape[1]) * int(shape[2]) * int(shape[3])
	if !fits || int(channels) != out.c || len(stored) != size || len(biases) != 4*out.c {
		return fmt.Errorf("weights %v and %d bytes of bias do not fit maps of %d and %d channels", shape, len(biases), in.c, out.c)
	}
	for i, other := range p.graph().Operators {
		if i != l.operator && (slices.Contains(other.Inputs, o.Inputs[1]) || slices.Contains(other.Inputs, o.Inputs[2])) {
			return fmt.Errorf("it shares its weights with operator %d; such can't be trained", i)
		}
	}
	scales, err := channelScales(weights, out.c)
	if err != nil {
		return err
	}
	l.outputs = out.c
	w := &l.window
	w.h, w.w, w.c, w.outH, w.outW, w.kernelH, w.kernelW = in.h, in.w, in.c, out.h, out.w, int(shape[1]), int(shape[2])
	if err := w.pad(padding); err != nil {
		return err
	}
	l.weights.from = len(p.values)
	for i, q := range stored {
		p.values = append(p.values, scales[l.channel(i, size)]*float32(int8(q)))
	}
	l.weights.to, l.bias.from = len(p.values), len(p.values)
	for c := range out.c {
		v := int32(binary.LittleEndian.Uint32(biases[4*c:]))
		p.values = append(p.values, float32(float64(in.scale)*float64(scales[c])*float64(v)))
	}
	l.bias.to = len(p.values)
	return nil
}

// channel is the output channel of weight i of size.
func (l *layer) channel(i, size int) int {
	if l.kind == depthwiseConvolution {
		return i % l.outputs
	}
	return i / (size / l.outputs)
}

func channelScales(t *graph.Tensor, channels int) ([]float32, error) {
	q := t.Quantization
	if q == nil || len(q.Scale) != channels && len(q.Scale) != 1 {
		return nil, fmt.Errorf("weights %q need a scale for each of %d channels", t.Name, channels)
	}
	scales := q.Scale
	if len(scales) == 1 {
		scales = slices.Repeat(scales, channels)
	}
	for i, s := range scales {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return nil, fmt.Errorf("weights %q: channel %d has scale %v", t.Name, i, s)
		}
	}
	if slices.ContainsFunc(q.ZeroPoint, func(z int64) bool { return z != 0 }) {
		return nil, fmt.Errorf("weights %q have a zero point other than 0", t.Name)
	}
	return scales, nil
}

// pad finds how many zeros lie before a map.
func (w *window) pad(padding graph.Padding) error {
	if w.strideH < 1 || w.strideW < 1 {
		return fmt.Errorf("its strides are %d and %d", w.strideH, w.strideW)
	}
	along := func(in, kernel, stride int) (out, before int) {
		if padding == graph.Valid {
			return (in-kernel)/stride + 1, 0
		}
		out = (in + stride - 1) / stride
		return out, max(0, (out-1)*stride+kernel-in) / 2
	}
	h, top := along(w.h, w.kernelH, w.strideH)
	v, left := along(w.w, w.kernelW, w.strideW)
	if h != w.outH || v != w.outW {
		return fmt.Errorf("its result is %d×%d where %d×%d is right", w.outH, w.outW, h, v)
	}
	w.top, w.left = top, left
	return nil
}

// lower is the file of the network below the cut: its outputs are the cut and then the
// frozen taps.
func (p *parsed) lower(b []byte) ([]byte, error) {
	f, err := graph.Parse(b)
	if err != nil {
		return nil, err
	}
	s := f.Model.Subgraphs[0]
	outputs := []int32{p.cut}
	for i, t := range p.top.taps {
		if t.node < 0 {
			outputs = append(outputs, s.Outputs[i])
		}
	}
	s.Operators = s.Operators[:p.top.layers[0].operator]
	s.Outputs = outputs
	f.Model.SignatureDefs = nil
	if f.Metadata != nil && len(f.Metadata.SubgraphMetadata) > 0 {
		f.Metadata.SubgraphMetadata[0].OutputTensorMetadata = nil
	}
	return f.Bytes()
}

// write puts trained and quantized layers into the file and returns its bytes.
func (p *parsed) write(layers []stored, tuned any) ([]byte, error) {
	m := p.file.Model
	for i := range p.top.nodes[1:] {
		n := &p.top.nodes[i+1]
		q := p.at(p.tensor[i+1]).Quantization
		q.Scale, q.ZeroPoint, q.Min, q.Max = []float32{n.scale}, []int64{int64(n.zero)}, nil, nil
	}
	users := map[uint32]int{}
	for _, t := range p.graph().Tensors {
		users[t.Buffer]++
	}
	replace := func(tensor int32, data []byte, scales []float32, dimension int32) {
		t := p.at(tensor)
		if users[t.Buffer] > 1 { // it belongs to a layer that was not trained too
			users[t.Buffer]--
			t.Buffer = uint32(len(m.Buffers))
			m.Buffers = append(m.Buffers, nil)
		}
		m.Buffers[t.Buffer] = &graph.Buffer{Data: data}
		t.Quantization = &graph.Quantization{Scale: scales, ZeroPoint: make([]int64, len(scales)), QuantizedDimension: dimension}
	}
	for i, s := range layers {
		l := &p.top.layers[i]
		if l.kind == addition {
			continue
		}
		o := p.graph().Operators[l.operator]
		dimension := int32(0)
		if l.kind == depthwiseConvolution {
			dimension = 3
		}
		weights := make([]byte, len(s.weights))
		for j, v := range s.weights {
			weights[j] = byte(v)
		}
		bias := make([]byte, 0, 4*len(s.bias))
		for _, v := range s.bias {
			bias = binary.LittleEndian.AppendUint32(bias, uint32(v))
		}
		replace(o.Inputs[1], weights, s.scales, dimension)
		replace(o.Inputs[2], bias, s.biasScales, 0)
	}
	if err := p.provenance(tuned); err != nil {
		return nil, err
	}
	return p.file.Bytes()
}

// provenance adds what was done to what the base says of itself.
func (p *parsed) provenance(tuned any) error {
	entry := map[string]json.RawMessage{}
	if old := p.file.Entry(base.Entry); old != nil {
		if err := json.Unmarshal(old, &entry); err != nil {
			return fmt.Errorf("base network: %s: %w", base.Entry, err)
		}
	}
	b, err := json.Marshal(tuned)
	if err != nil {
		return fmt.Errorf("provenance: %w", err)
	}
	entry["tuned"] = b
	if b, err = json.Marshal(entry); err != nil {
		return fmt.Errorf("provenance: %w", err)
	}
	p.file.SetEntry(base.Entry, b)
	return nil
}
