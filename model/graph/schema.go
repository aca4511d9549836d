package graph

// The tables of a .tflite file. Fields carry the schema's names.

// Model is a whole file. Buffer 0 is always empty and stands for "no data".
type Model struct {
	Version        uint32          `flat:"0"`
	OperatorCodes  []*OperatorCode `flat:"1"`
	Subgraphs      []*Subgraph     `flat:"2"`
	Description    string          `flat:"3"`
	Buffers        []*Buffer       `flat:"4"`
	MetadataBuffer []int32         `flat:"5"`
	Metadata       []*Entry        `flat:"6"`
	Signatures     []*Signature    `flat:"7"`
}

// Buffer holds a tensor's values, or a metadata entry's.
type Buffer struct {
	Data   []byte `flat:"0,align=16"`
	Offset uint64 `flat:"1"` // for data that lies outside the FlatBuffer
	Size   uint64 `flat:"2"`
}

// Entry names a buffer that holds metadata.
type Entry struct {
	Name   string `flat:"0"`
	Buffer uint32 `flat:"1"`
}

// Signature gives inputs and outputs names for callers.
type Signature struct {
	Inputs        []*TensorName `flat:"0"`
	Outputs       []*TensorName `flat:"1"`
	Key           string        `flat:"2"`
	SubgraphIndex uint32        `flat:"4"`
}

// TensorName is a tensor's name in a signature.
type TensorName struct {
	Name   string `flat:"0"`
	Tensor uint32 `flat:"1"`
}

// Subgraph is one network: tensors and the operators between them, in the
// order in which they run. Inputs and outputs are indices of tensors.
type Subgraph struct {
	Tensors       []*Tensor   `flat:"0"`
	Inputs        []int32     `flat:"1"`
	Outputs       []int32     `flat:"2"`
	Operators     []*Operator `flat:"3"`
	Name          string      `flat:"4"`
	DebugMetadata int32       `flat:"5,default=-1"`
}

// Tensor describes one array. Buffer is 0 when its values are computed.
type Tensor struct {
	Shape          []int32       `flat:"0"`
	Type           TensorType    `flat:"1"`
	Buffer         uint32        `flat:"2"`
	Name           string        `flat:"3"`
	Quantization   *Quantization `flat:"4"`
	IsVariable     bool          `flat:"5"`
	ShapeSignature []int32       `flat:"7"`
	HasRank        bool          `flat:"8"`
}

// Quantization says what a stored value stands for: real value = scale × (stored value − zero point), for the
// whole tensor or per index of one dimension.
type Quantization struct {
	Min       []float32 `flat:"0"`
	Max       []float32 `flat:"1"`
	Scale     []float32 `flat:"2"`
	ZeroPoint []int64   `flat:"3"`
	Dimension int32     `flat:"6"`
}

// TensorType is the type of a tensor's elements.
type TensorType int8

// The element types that Passfail meets.
const (
	Float32 TensorType = 0
	Float16 TensorType = 1
	Int32   TensorType = 2
	Uint8   TensorType = 3
	Int64   TensorType = 4
	Bool    TensorType = 6
	Int16   TensorType = 7
	Int8    TensorType = 9
)

// String returns the type's usual name.
func (t TensorType) String() string {
	names := [...]string{"float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64",
		"int8", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4"}
	if t >= 0 && int(t) < len(names) {
		return names[t]
	}
	return "unknown"
}

// Size returns the bytes of one element, 0 for a type without a fixed size.
func (t TensorType) Size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Int16, Float16, 16:
		return 2
	case Float32, Int32, 15:
		return 4
	case Int64, 8, 10, 12:
		return 8
	}
	return 0
}

// OperatorCode is an operator's kind and version. Old files hold the kind in
// DeprecatedCode alone, new ones in both while it fits there.
type OperatorCode struct {
	DeprecatedCode int8   `flat:"0"`
	CustomCode     string `flat:"1"`
	Version        int32  `flat:"2,default=1"`
	Code           Op     `flat:"3"`
}

// Operator is one step: the tensors it reads (−1: an optional one left out)
// and those it writes.
type Operator struct {
	CodeIndex           uint32  `flat:"0"`
	Inputs              []int32 `flat:"1"`
	Outputs             []int32 `flat:"2"`
	Options             Options `flat:"4"`
	CustomOptions       []byte  `flat:"5"`
	CustomOptionsFormat int8    `flat:"6"`
	MutatingInputs      []bool  `flat:"7"`
	Intermediates       []int32 `flat:"8"`
	DebugMetadata       int32   `flat:"13,default=-1"`
}
