package graph

import (
	"passfail/model/graph/internal/metadata"
	"passfail/model/graph/internal/tflite"
)

// Model is a whole file: operator codes, subgraphs, buffers, metadata entries.
// Buffer 0 is always empty and stands for "no data".
type Model struct {
	tflite.ModelT
	err error // the first mistake in extending it
}

// The tables of a .tflite file, with the names and fields of the schema
// (model/graph/schema/tflite.fbs).
type (
	// Subgraph is one network: tensors and the operators between them, in the
	// order in which they run. Inputs and outputs are indices of tensors.
	Subgraph = tflite.SubGraphT
	// Tensor describes one array. Buffer is 0 when its values are computed.
	Tensor = tflite.TensorT
	// Quantization says what a stored value stands for: real value = scale ×
	// (stored value − zero point), for the whole tensor or per index of one
	// dimension.
	Quantization = tflite.QuantizationParametersT
	// Operator is one step: the tensors it reads (−1: an optional one left out)
	// and those it writes.
	Operator = tflite.OperatorT
	// OperatorCode is an operator's kind and version; Model.Op reads it.
	OperatorCode = tflite.OperatorCodeT
	// Buffer holds a tensor's values, or a metadata entry's.
	Buffer = tflite.BufferT
	// Entry names a buffer that holds metadata.
	Entry = tflite.MetadataT
	// Signature gives inputs and outputs names for callers.
	Signature = tflite.SignatureDefT
	// Options are what an operator is told besides its tensors: a union.
	Options = tflite.BuiltinOptionsT
)

// TensorType is the type of a tensor's elements.
type TensorType = tflite.TensorType

// The element types that Passfail meets.
const (
	Float32 = tflite.TensorTypefloat32
	Float16 = tflite.TensorTypefloat16
	Int32   = tflite.TensorTypeint32
	Uint8   = tflite.TensorTypeuint8
	Int64   = tflite.TensorTypeint64
	Bool    = tflite.TensorTypebool
	Int16   = tflite.TensorTypeint16
	Int8    = tflite.TensorTypeint8
)

// Op is a built-in operator's number. It prints as TensorFlow Lite writes it.
type Op = tflite.BuiltinOperator

// The operators that other packages look for.
const (
	OpAdd             = tflite.BuiltinOperatorADD
	OpConv2D          = tflite.BuiltinOperatorCONV_2D
	OpDepthwiseConv2D = tflite.BuiltinOperatorDEPTHWISE_CONV_2D
	OpDequantize      = tflite.BuiltinOperatorDEQUANTIZE
	OpFullyConnected  = tflite.BuiltinOperatorFULLY_CONNECTED
	OpLogistic        = tflite.BuiltinOperatorLOGISTIC
	OpRelu            = tflite.BuiltinOperatorRELU
	OpRelu6           = tflite.BuiltinOperatorRELU6
	OpReshape         = tflite.BuiltinOperatorRESHAPE
	OpSoftmax         = tflite.BuiltinOperatorSOFTMAX
	OpSqueeze         = tflite.BuiltinOperatorSQUEEZE
	OpQuantize        = tflite.BuiltinOperatorQUANTIZE
)

// Conv2DOptions and DepthwiseConv2DOptions are the options of convolutions,
// AddOptions those of a sum.
type (
	Conv2DOptions          = tflite.Conv2DOptionsT
	DepthwiseConv2DOptions = tflite.DepthwiseConv2DOptionsT
	AddOptions             = tflite.AddOptionsT
)

// Padding says what a convolution does at the border.
type Padding = tflite.Padding

// The paddings: Same adds zeros so that each stride's position has a result,
// Valid adds none.
const (
	Same  = tflite.PaddingSAME
	Valid = tflite.PaddingVALID
)

// Activation is a function that an operator applies to its result.
type Activation = tflite.ActivationFunctionType

// The activations.
const (
	NoActivation = tflite.ActivationFunctionTypeNONE
	Relu         = tflite.ActivationFunctionTypeRELU
	Relu6        = tflite.ActivationFunctionTypeRELU6
)

// The tables of TFLite Metadata, with the names and fields of the schema
// (model/graph/schema/metadata.fbs).
type (
	// ModelMetadata says for people and programs what a model is.
	ModelMetadata = metadata.ModelMetadataT
	// SubgraphMetadata describes a subgraph's inputs and outputs, in their order.
	SubgraphMetadata = metadata.SubGraphMetadataT
	// TensorMetadata describes one input or output.
	TensorMetadata = metadata.TensorMetadataT
	// Normalization says that the network wants (value − mean) / std, a channel
	// each or one for all, of values in 0..255.
	Normalization = metadata.NormalizationOptionsT
	// AssociatedFile names a file packed with the model.
	AssociatedFile = metadata.AssociatedFileT
	// ImageSize in pixels.
	ImageSize = metadata.ImageSizeT
)

// ColorSpace is an input picture's.
type ColorSpace = metadata.ColorSpaceType

// Color spaces.
const (
	ColorUnknown = metadata.ColorSpaceTypeUNKNOWN
	ColorRGB     = metadata.ColorSpaceTypeRGB
	ColorGray    = metadata.ColorSpaceTypeGRAYSCALE
)

// FeatureOutput describes an output of numbers.
func FeatureOutput(name, description string) *TensorMetadata {
	return &TensorMetadata{
		Name: name, Description: description,
		Content: &metadata.ContentT{ContentProperties: &metadata.ContentPropertiesT{
			Type: metadata.ContentPropertiesFeatureProperties, Value: &metadata.FeaturePropertiesT{},
		}},
	}
}

// ScoreOutput describes an output of scores whose labels are in a packed file.
func ScoreOutput(name, description, labelFile string) *TensorMetadata {
	t := FeatureOutput(name, description)
	t.Stats = &metadata.StatsT{Max: []float32{1}, Min: []float32{0}}
	t.AssociatedFiles = []*AssociatedFile{{
		Name: labelFile, Description: "Labels of the scores, a line each.",
		Type: metadata.AssociatedFileTypeTENSOR_AXIS_LABELS,
	}}
	return t
}
