package graph

import (
	"encoding/binary"
	"math"

	"passfail/model/graph/internal/tflite"
)

// AddTensor adds a tensor of the main subgraph whose values are computed, and
// returns its index.
func (m *Model) AddTensor(name string, kind TensorType, shape ...int32) int32 {
	s := m.Subgraphs[0]
	s.Tensors = append(s.Tensors, &Tensor{Name: name, Type: kind, Shape: shape})
	return int32(len(s.Tensors) - 1)
}

// AddFloats adds a tensor of constants in row-major order.
func (m *Model) AddFloats(name string, values []float32, shape ...int32) int32 {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return m.addConstant(name, Float32, b, shape)
}

// AddInts adds a vector of constants.
func (m *Model) AddInts(name string, values ...int32) int32 {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return m.addConstant(name, Int32, b, []int32{int32(len(values))})
}

func (m *Model) addConstant(name string, kind TensorType, data []byte, shape []int32) int32 {
	i := m.AddTensor(name, kind, shape...)
	m.Subgraphs[0].Tensors[i].Buffer = uint32(len(m.Buffers))
	m.Buffers = append(m.Buffers, &Buffer{Data: data})
	return i
}

// addOperator adds a step behind all others: output = op(inputs).
func (m *Model) addOperator(op Op, version int32, options *Options, output int32, inputs ...int32) {
	s := m.Subgraphs[0]
	s.Operators = append(s.Operators, &Operator{
		OpcodeIndex: m.code(op, version), Inputs: inputs, Outputs: []int32{output}, BuiltinOptions: options, DebugMetadataIndex: -1,
	})
}

// code returns the index of an operator's code, which it adds if need be.
func (m *Model) code(op Op, version int32) uint32 {
	for i, c := range m.OperatorCodes {
		if opOf(c) == op && c.Version == version && c.CustomCode == "" {
			return uint32(i)
		}
	}
	m.OperatorCodes = append(m.OperatorCodes, &OperatorCode{DeprecatedBuiltinCode: int8(min(op, 127)), Version: version, BuiltinCode: op})
	return uint32(len(m.OperatorCodes) - 1)
}

// shape returns a tensor's shape.
func (m *Model) shape(tensor int32) []int32 { return m.Subgraphs[0].Tensors[tensor].Shape }

// Dequantize adds the real numbers of an 8-bit tensor and returns their tensor.
func (m *Model) Dequantize(x int32, name string) int32 {
	out := m.AddTensor(name, Float32, m.shape(x)...)
	// Version 2 is the first that takes signed bytes.
	m.addOperator(OpDequantize, 2, &Options{Type: tflite.BuiltinOptionsDequantizeOptions, Value: &tflite.DequantizeOptionsT{}}, out, x)
	return out
}

// MeanOverPositions adds the average of a map [1 h w c] over its positions: [1 c].
func (m *Model) MeanOverPositions(x int32, name string) int32 {
	shape := m.shape(x)
	out := m.AddTensor(name, Float32, 1, shape[3])
	m.addOperator(tflite.BuiltinOperatorMEAN, 1, &Options{Type: tflite.BuiltinOptionsReducerOptions, Value: &tflite.ReducerOptionsT{}}, out, x, m.AddInts(name+"/axes", 1, 2))
	return out
}

// Concatenate adds the rows [1 a], [1 b], … behind each other: [1 a+b+…].
func (m *Model) Concatenate(xs []int32, name string) int32 {
	width := int32(0)
	for _, x := range xs {
		width += m.shape(x)[1]
	}
	out := m.AddTensor(name, Float32, 1, width)
	m.addOperator(tflite.BuiltinOperatorCONCATENATION, 1, &Options{Type: tflite.BuiltinOptionsConcatenationOptions, Value: &tflite.ConcatenationOptionsT{Axis: 1}}, out, xs...)
	return out
}

// Dense adds weights · x + bias of a row x [1 n]: weights [k n] row by row, bias [k], result [1 k].
func (m *Model) Dense(x int32, weights, bias []float32, name string) int32 {
	k, n := int32(len(bias)), m.shape(x)[1]
	out := m.AddTensor(name, Float32, 1, k)
	m.addOperator(OpFullyConnected, 1, &Options{Type: tflite.BuiltinOptionsFullyConnectedOptions, Value: &tflite.FullyConnectedOptionsT{}}, out,
		x, m.AddFloats(name+"/weights", weights, k, n), m.AddFloats(name+"/bias", bias, k))
	return out
}

// Softmax adds the softmax of a row [1 k].
func (m *Model) Softmax(x int32, name string) int32 {
	out := m.AddTensor(name, Float32, m.shape(x)...)
	m.addOperator(OpSoftmax, 1, &Options{Type: tflite.BuiltinOptionsSoftmaxOptions, Value: &tflite.SoftmaxOptionsT{Beta: 1}}, out, x)
	return out
}

// Logistic adds the sigmoid of each value.
func (m *Model) Logistic(x int32, name string) int32 {
	out := m.AddTensor(name, Float32, m.shape(x)...)
	m.addOperator(OpLogistic, 1, nil, out, x)
	return out
}
