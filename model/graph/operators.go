package graph

import "fmt"

// Op is a built-in operator's number.
type Op int32

// The operators that Passfail writes or looks for.
const (
	OpAdd             Op = 0
	OpAveragePool2D   Op = 1
	OpConcatenation   Op = 2
	OpConv2D          Op = 3
	OpDepthwiseConv2D Op = 4
	OpDequantize      Op = 6
	OpFullyConnected  Op = 9
	OpLogistic        Op = 14
	OpMaxPool2D       Op = 17
	OpMul             Op = 18
	OpRelu            Op = 19
	OpRelu6           Op = 21
	OpReshape         Op = 22
	OpSoftmax         Op = 25
	OpCustom          Op = 32
	OpPad             Op = 34
	OpMean            Op = 40
	OpSub             Op = 41
	OpDiv             Op = 42
	OpSqueeze         Op = 43
	OpQuantize        Op = 114
	OpHardSwish       Op = 117
)

// String returns the operator's name as TensorFlow Lite writes it.
func (o Op) String() string {
	names := map[Op]string{
		OpAdd: "ADD", OpAveragePool2D: "AVERAGE_POOL_2D", OpConcatenation: "CONCATENATION", OpConv2D: "CONV_2D",
		OpDepthwiseConv2D: "DEPTHWISE_CONV_2D", OpDequantize: "DEQUANTIZE", OpFullyConnected: "FULLY_CONNECTED",
		OpLogistic: "LOGISTIC", OpMaxPool2D: "MAX_POOL_2D", OpMul: "MUL", OpRelu: "RELU", OpRelu6: "RELU6",
		OpReshape: "RESHAPE", OpSoftmax: "SOFTMAX", OpCustom: "CUSTOM", OpPad: "PAD", OpMean: "MEAN", OpSub: "SUB",
		OpDiv: "DIV", OpSqueeze: "SQUEEZE", OpQuantize: "QUANTIZE", OpHardSwish: "HARD_SWISH",
	}
	if n, ok := names[o]; ok {
		return n
	}
	return fmt.Sprintf("operator %d", int32(o))
}

// Options are what an operator is told besides its tensors.
type Options struct {
	Kind  uint8
	Value any
}

// Kinds of options that Passfail writes.
const (
	kindFullyConnected = 8
	kindSoftmax        = 9
	kindConcatenation  = 10
	kindReducer        = 27
	kindDequantize     = 38
)

// Member returns a new, zero table for a kind of options: flat.Union.
func (*Options) Member(kind uint8) any {
	switch kind {
	case 1:
		return &Conv2DOptions{}
	case 2:
		return &DepthwiseConv2DOptions{}
	case 5:
		return &Pool2DOptions{}
	case kindFullyConnected:
		return &FullyConnectedOptions{}
	case kindSoftmax:
		return &SoftmaxOptions{}
	case kindConcatenation:
		return &ConcatenationOptions{}
	case 11, 28: // ADD and SUB
		return &AddOptions{}
	case 17:
		return &ReshapeOptions{}
	case 21, 29: // MUL and DIV
		return &MulOptions{}
	case 22, kindDequantize, 89, 91: // PAD, DEQUANTIZE, QUANTIZE, HARD_SWISH have none
		return &NoOptions{}
	case kindReducer:
		return &ReducerOptions{}
	case 30:
		return &SqueezeOptions{}
	case 32:
		return &StridedSliceOptions{}
	case 55:
		return &ShapeOptions{}
	case 59:
		return &PackOptions{}
	}
	return nil
}

// Activation is a function that an operator applies to its result.
type Activation int8

// The activations.
const (
	NoActivation Activation = 0
	Relu         Activation = 1
	Relu6        Activation = 3
)

// NoOptions is the empty table of operators that need none.
type NoOptions struct{}

// Conv2DOptions of CONV_2D. Padding 0 is SAME, 1 VALID.
type Conv2DOptions struct {
	Padding           int8       `flat:"0"`
	StrideW           int32      `flat:"1"`
	StrideH           int32      `flat:"2"`
	Activation        Activation `flat:"3"`
	DilationW         int32      `flat:"4,default=1"`
	DilationH         int32      `flat:"5,default=1"`
	QuantizedBiasType TensorType `flat:"6"`
}

// DepthwiseConv2DOptions of DEPTHWISE_CONV_2D.
type DepthwiseConv2DOptions struct {
	Padding    int8       `flat:"0"`
	StrideW    int32      `flat:"1"`
	StrideH    int32      `flat:"2"`
	Multiplier int32      `flat:"3"`
	Activation Activation `flat:"4"`
	DilationW  int32      `flat:"5,default=1"`
	DilationH  int32      `flat:"6,default=1"`
}

// Pool2DOptions of AVERAGE_POOL_2D and MAX_POOL_2D.
type Pool2DOptions struct {
	Padding      int8       `flat:"0"`
	StrideW      int32      `flat:"1"`
	StrideH      int32      `flat:"2"`
	FilterWidth  int32      `flat:"3"`
	FilterHeight int32      `flat:"4"`
	Activation   Activation `flat:"5"`
}

// FullyConnectedOptions of FULLY_CONNECTED.
type FullyConnectedOptions struct {
	Activation               Activation `flat:"0"`
	WeightsFormat            int8       `flat:"1"`
	KeepDims                 bool       `flat:"2"`
	AsymmetricQuantizeInputs bool       `flat:"3"`
	QuantizedBiasType        TensorType `flat:"4"`
}

// SoftmaxOptions of SOFTMAX.
type SoftmaxOptions struct {
	Beta float32 `flat:"0"`
}

// ConcatenationOptions of CONCATENATION.
type ConcatenationOptions struct {
	Axis       int32      `flat:"0"`
	Activation Activation `flat:"1"`
}

// AddOptions of ADD and SUB.
type AddOptions struct {
	Activation    Activation `flat:"0"`
	PotScaleInt16 bool       `flat:"1,default=1"`
}

// MulOptions of MUL and DIV.
type MulOptions struct {
	Activation Activation `flat:"0"`
}

// ReshapeOptions of RESHAPE.
type ReshapeOptions struct {
	NewShape []int32 `flat:"0"`
}

// ReducerOptions of MEAN and SUM.
type ReducerOptions struct {
	KeepDims bool `flat:"0"`
}

// SqueezeOptions of SQUEEZE.
type SqueezeOptions struct {
	Dims []int32 `flat:"0"`
}

// StridedSliceOptions of STRIDED_SLICE.
type StridedSliceOptions struct {
	BeginMask      int32 `flat:"0"`
	EndMask        int32 `flat:"1"`
	EllipsisMask   int32 `flat:"2"`
	NewAxisMask    int32 `flat:"3"`
	ShrinkAxisMask int32 `flat:"4"`
	Offset         bool  `flat:"5"`
}

// ShapeOptions of SHAPE.
type ShapeOptions struct {
	OutType TensorType `flat:"0"`
}

// PackOptions of PACK.
type PackOptions struct {
	Values int32 `flat:"0"`
	Axis   int32 `flat:"1"`
}
