package graph

import (
	"fmt"
	"slices"

	"passfail/model/graph/internal/tflite"
)

// shapeRule returns how an operator's results get their shapes, nil when it is
// not known.
func shapeRule(op Op) func(operands) ([][]int32, error) {
	switch op {
	case tflite.BuiltinOperatorCONV_2D:
		return convolution
	case tflite.BuiltinOperatorDEPTHWISE_CONV_2D:
		return depthwise
	case tflite.BuiltinOperatorAVERAGE_POOL_2D, tflite.BuiltinOperatorMAX_POOL_2D:
		return pool
	case tflite.BuiltinOperatorADD, tflite.BuiltinOperatorSUB, tflite.BuiltinOperatorMUL, tflite.BuiltinOperatorDIV,
		tflite.BuiltinOperatorMAXIMUM, tflite.BuiltinOperatorMINIMUM, tflite.BuiltinOperatorSQUARED_DIFFERENCE:
		return broadcast
	case tflite.BuiltinOperatorRELU, tflite.BuiltinOperatorRELU6, tflite.BuiltinOperatorRELU_N1_TO_1,
		tflite.BuiltinOperatorLOGISTIC, tflite.BuiltinOperatorTANH, tflite.BuiltinOperatorHARD_SWISH,
		tflite.BuiltinOperatorLEAKY_RELU, tflite.BuiltinOperatorELU, tflite.BuiltinOperatorGELU,
		tflite.BuiltinOperatorSOFTMAX, tflite.BuiltinOperatorLOG_SOFTMAX, tflite.BuiltinOperatorL2_NORMALIZATION,
		tflite.BuiltinOperatorEXP, tflite.BuiltinOperatorLOG, tflite.BuiltinOperatorSQRT, tflite.BuiltinOperatorRSQRT,
		tflite.BuiltinOperatorSQUARE, tflite.BuiltinOperatorABS, tflite.BuiltinOperatorNEG, tflite.BuiltinOperatorFLOOR,
		tflite.BuiltinOperatorQUANTIZE, tflite.BuiltinOperatorDEQUANTIZE, tflite.BuiltinOperatorCAST,
		tflite.BuiltinOperatorREVERSE_V2:
		return same
	case tflite.BuiltinOperatorMEAN, tflite.BuiltinOperatorSUM, tflite.BuiltinOperatorREDUCE_MAX, tflite.BuiltinOperatorREDUCE_MIN:
		return reduction
	case tflite.BuiltinOperatorPAD, tflite.BuiltinOperatorPADV2, tflite.BuiltinOperatorMIRROR_PAD:
		return padding
	case tflite.BuiltinOperatorCONCATENATION:
		return concatenation
	case tflite.BuiltinOperatorFULLY_CONNECTED:
		return fullyConnected
	case tflite.BuiltinOperatorBATCH_MATMUL:
		return batchMatMul
	case tflite.BuiltinOperatorRESHAPE:
		return reshape
	case tflite.BuiltinOperatorSQUEEZE:
		return squeeze
	case tflite.BuiltinOperatorTRANSPOSE:
		return transpose
	case tflite.BuiltinOperatorSLICE:
		return slice
	case tflite.BuiltinOperatorTOPK_V2:
		return topK
	}
	return nil
}

func one(shape ...int32) ([][]int32, error) { return [][]int32{shape}, nil }

func same(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	return [][]int32{slices.Clone(x)}, err
}

// window is a filter that moves over one dimension.
type window struct {
	padding                tflite.Padding
	size, stride, dilation int32
}

// over returns how many places the window takes on a dimension.
func (w window) over(length int32) (int32, error) {
	if w.size < 1 || w.stride < 1 || w.dilation < 1 {
		return 0, fmt.Errorf("a filter of size %d, stride %d, dilation %d", w.size, w.stride, w.dilation)
	}
	n := (length + w.stride - 1) / w.stride
	if w.padding == tflite.PaddingVALID {
		n = (length - (w.size-1)*w.dilation - 1 + w.stride) / w.stride
	}
	if n < 1 {
		return 0, fmt.Errorf("a filter of size %d on %d positions", w.size, length)
	}
	return n, nil
}

// windows returns the shape [n h w channels] of what a filter makes of a map x.
func windows(x []int32, h, w window, channels int32) ([][]int32, error) {
	height, err := h.over(x[1])
	if err != nil {
		return nil, err
	}
	width, err := w.over(x[2])
	if err != nil {
		return nil, err
	}
	return one(x[0], height, width, channels)
}

func convolution(in operands) ([][]int32, error) {
	x, filter, err := in.filtered()
	if err != nil {
		return nil, err
	}
	if filter[3] < 1 || x[3]%filter[3] != 0 {
		return nil, fmt.Errorf("a filter %v on a map %v", filter, x)
	}
	o := optionsOf[tflite.Conv2DOptionsT](in.op)
	return windows(x, window{o.Padding, filter[1], o.StrideH, o.DilationHFactor},
		window{o.Padding, filter[2], o.StrideW, o.DilationWFactor}, filter[0])
}

func depthwise(in operands) ([][]int32, error) {
	x, filter, err := in.filtered()
	if err != nil {
		return nil, err
	}
	if x[3] < 1 || filter[3]%x[3] != 0 {
		return nil, fmt.Errorf("a filter %v on a map %v", filter, x)
	}
	o := optionsOf[tflite.DepthwiseConv2DOptionsT](in.op)
	return windows(x, window{o.Padding, filter[1], o.StrideH, o.DilationHFactor},
		window{o.Padding, filter[2], o.StrideW, o.DilationWFactor}, filter[3])
}

func (in operands) filtered() (x, filter []int32, err error) {
	if x, err = in.shape(0, 4); err != nil {
		return nil, nil, err
	}
	filter, err = in.shape(1, 4)
	return x, filter, err
}

func pool(in operands) ([][]int32, error) {
	x, err := in.shape(0, 4)
	if err != nil {
		return nil, err
	}
	o := optionsOf[tflite.Pool2DOptionsT](in.op)
	return windows(x, window{o.Padding, o.FilterHeight, o.StrideH, 1}, window{o.Padding, o.FilterWidth, o.StrideW, 1}, x[3])
}

func broadcast(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	y, err := in.shape(1, 0)
	if err != nil {
		return nil, err
	}
	out, err := broadcastTo(x, y)
	return [][]int32{out}, err
}

// broadcastTo is the shape of what x and y are together, dimensions of 1 repeated.
func broadcastTo(x, y []int32) ([]int32, error) {
	if len(x) < len(y) {
		x, y = y, x
	}
	out := slices.Clone(x)
	for i := range y {
		a, b := &out[len(x)-len(y)+i], y[i]
		switch {
		case *a == 1:
			*a = b
		case b != 1 && b != *a:
			return nil, fmt.Errorf("shapes %v and %v do not go together", x, y)
		}
	}
	return out, nil
}

func reduction(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	axes, err := in.axes(1, len(x))
	if err != nil {
		return nil, err
	}
	keep := optionsOf[tflite.ReducerOptionsT](in.op).KeepDims
	var out []int32
	for i, d := range x {
		switch {
		case !slices.Contains(axes, i):
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return one(out...)
}

func padding(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	p, err := in.ints(1)
	if err != nil {
		return nil, err
	}
	if len(p) != 2*len(x) {
		return nil, fmt.Errorf("%d paddings for a tensor of shape %v", len(p), x)
	}
	out := slices.Clone(x)
	for i := range out {
		out[i] += p[2*i] + p[2*i+1]
	}
	return one(out...)
}

func concatenation(in operands) ([][]int32, error) {
	first, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	along, err := axis(optionsOf[tflite.ConcatenationOptionsT](in.op).Axis, len(first))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(first)
	for _, x := range in.shapes[1:] {
		rest := slices.Clone(x)
		if len(rest) == len(first) {
			rest[along] = first[along]
		}
		if !slices.Equal(rest, first) {
			return nil, fmt.Errorf("shapes %v do not go together along dimension %d", in.shapes, along)
		}
		out[along] += x[along]
	}
	return one(out...)
}

func fullyConnected(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	w, err := in.shape(1, 2)
	if err != nil {
		return nil, err
	}
	if w[1] < 1 || elements(x)%int64(w[1]) != 0 {
		return nil, fmt.Errorf("weights %v on a tensor of shape %v", w, x)
	}
	if !optionsOf[tflite.FullyConnectedOptionsT](in.op).KeepNumDims {
		return one(int32(elements(x)/int64(w[1])), w[0])
	}
	if len(x) == 0 || x[len(x)-1] != w[1] {
		return nil, fmt.Errorf("weights %v on a tensor of shape %v", w, x)
	}
	return one(append(slices.Clone(x[:len(x)-1]), w[0])...)
}

func batchMatMul(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	y, err := in.shape(1, 0)
	if err != nil {
		return nil, err
	}
	if len(x) < 2 || len(y) < 2 {
		return nil, fmt.Errorf("shapes %v and %v; matrices are needed", x, y)
	}
	o := optionsOf[tflite.BatchMatMulOptionsT](in.op)
	rows, inner := x[len(x)-2], x[len(x)-1]
	if o.AdjX {
		rows, inner = inner, rows
	}
	inner2, columns := y[len(y)-2], y[len(y)-1]
	if o.AdjY {
		inner2, columns = columns, inner2
	}
	if inner != inner2 {
		return nil, fmt.Errorf("matrices %v and %v do not go together", x, y)
	}
	out, err := broadcastTo(x[:len(x)-2], y[:len(y)-2])
	if err != nil {
		return nil, err
	}
	return one(append(out, rows, columns)...)
}

func reshape(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	want := optionsOf[tflite.ReshapeOptionsT](in.op).NewShape
	if len(in.shapes) > 1 {
		if want, err = in.ints(1); err != nil {
			return nil, err
		}
	}
	out, known, rest := slices.Clone(want), int64(1), -1
	for i, d := range want {
		if d < 0 {
			rest = i
		} else {
			known *= int64(d)
		}
	}
	if rest >= 0 && known > 0 && elements(x)%known == 0 {
		out[rest] = int32(elements(x) / known)
	}
	if elements(out) != elements(x) {
		return nil, fmt.Errorf("shape %v does not become %v", x, want)
	}
	return one(out...)
}

func squeeze(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	o := optionsOf[tflite.SqueezeOptionsT](in.op)
	gone := map[int]bool{}
	for _, d := range o.SqueezeDims {
		i, err := axis(d, len(x))
		if err != nil {
			return nil, err
		}
		if x[i] != 1 {
			return nil, fmt.Errorf("dimension %d of %v is not 1", i, x)
		}
		gone[i] = true
	}
	var out []int32
	for i, d := range x {
		if !gone[i] && (len(gone) > 0 || d != 1) {
			out = append(out, d)
		}
	}
	return one(out...)
}

func transpose(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	order, err := in.axes(1, len(x))
	if err != nil {
		return nil, err
	}
	if len(order) != len(x) {
		return nil, fmt.Errorf("order %v for a tensor of shape %v", order, x)
	}
	out := make([]int32, len(x))
	for i, from := range order {
		out[i] = x[from]
	}
	return one(out...)
}

func slice(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	begin, err := in.ints(1)
	if err != nil {
		return nil, err
	}
	size, err := in.ints(2)
	if err != nil {
		return nil, err
	}
	if len(begin) != len(x) || len(size) != len(x) {
		return nil, fmt.Errorf("begin %v and size %v for a tensor of shape %v", begin, size, x)
	}
	out := slices.Clone(size)
	for i := range out {
		if out[i] < 0 {
			out[i] = x[i] - begin[i]
		}
		if begin[i] < 0 || out[i] < 1 || begin[i]+out[i] > x[i] {
			return nil, fmt.Errorf("begin %v and size %v for a tensor of shape %v", begin, size, x)
		}
	}
	return one(out...)
}

func topK(in operands) ([][]int32, error) {
	x, err := in.shape(0, 0)
	if err != nil {
		return nil, err
	}
	k, err := in.ints(1)
	if err != nil {
		return nil, err
	}
	if len(k) != 1 || len(x) == 0 || k[0] < 1 || k[0] > x[len(x)-1] {
		return nil, fmt.Errorf("the %v largest of shape %v", k, x)
	}
	out := append(slices.Clone(x[:len(x)-1]), k[0])
	return [][]int32{out, slices.Clone(out)}, nil
}
