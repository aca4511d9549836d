package graph

import (
	"encoding/binary"
	"fmt"
	"math"

	"passfail/model/graph/internal/tflite"
)

// Err returns the first mistake that was made in extending the network: an
// operator on a tensor that it can't take. What came after it means nothing, and
// File.Bytes returns the same error.
func (m *Model) Err() error { return m.err }

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
	if n := elements(shape); n != int64(len(values)) && m.err == nil {
		m.err = fmt.Errorf("%s: %d values for shape %v", name, len(values), shape)
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

// Shape returns a tensor's shape. The caller must not change it.
func (m *Model) Shape(tensor int32) []int32 { return m.Subgraphs[0].Tensors[tensor].Shape }

// step is an operator to be added.
type step struct {
	op      Op
	version int32 // the first of the operator's versions that can do what is asked
	options *Options
}

// add adds a step behind all others and returns its result: a tensor of that
// name, whose shape follows from the inputs.
func (m *Model) add(s step, kind TensorType, name string, inputs ...int32) int32 {
	return m.addAll(s, []TensorType{kind}, name, inputs...)[0]
}

// addAll adds a step that has several results.
func (m *Model) addAll(s step, kinds []TensorType, name string, inputs ...int32) []int32 {
	o := &Operator{OpcodeIndex: m.code(s.op, s.version), Inputs: inputs, BuiltinOptions: s.options, DebugMetadataIndex: -1}
	shapes, err := m.resultShapes(o)
	if err != nil && m.err == nil {
		m.err = fmt.Errorf("%s: %w", name, err)
	}
	for i, kind := range kinds {
		var shape []int32
		if i < len(shapes) {
			shape = shapes[i]
		}
		if i > 0 {
			name = fmt.Sprintf("%s/%d", name, i)
		}
		o.Outputs = append(o.Outputs, m.AddTensor(name, kind, shape...))
	}
	m.Subgraphs[0].Operators = append(m.Subgraphs[0].Operators, o)
	return o.Outputs
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

// dimension returns a tensor's dimension, counted from behind when negative, 0
// when there is none.
func (m *Model) dimension(x int32, i int) int32 {
	shape := m.Shape(x)
	if i < 0 {
		i += len(shape)
	}
	if i < 0 || i >= len(shape) {
		return 0
	}
	return shape[i]
}

// Dequantize adds the real numbers of an 8-bit tensor and returns their tensor.
func (m *Model) Dequantize(x int32, name string) int32 {
	// Version 2 is the first that takes signed bytes.
	return m.add(step{tflite.BuiltinOperatorDEQUANTIZE, 2, &Options{
		Type: tflite.BuiltinOptionsDequantizeOptions, Value: &tflite.DequantizeOptionsT{},
	}}, Float32, name, x)
}

// Dense adds weights · x + bias for each row of x [… c]: weights [k c] row by
// row, bias [k] or nil for none. Result [n k], where n is the number of rows.
func (m *Model) Dense(x int32, weights, bias []float32, name string) int32 {
	c := m.dimension(x, -1)
	k := int32(len(bias))
	if bias == nil && c > 0 {
		k = int32(len(weights)) / c
	}
	inputs, version := []int32{x, m.AddFloats(name+"/weights", weights, k, c), -1}, int32(6)
	if bias != nil {
		inputs[2], version = m.AddFloats(name+"/bias", bias, k), 1
	}
	return m.add(step{tflite.BuiltinOperatorFULLY_CONNECTED, version, &Options{
		Type: tflite.BuiltinOptionsFullyConnectedOptions, Value: &tflite.FullyConnectedOptionsT{},
	}}, Float32, name, inputs...)
}

// Softmax adds the softmax of each row of x [n k].
func (m *Model) Softmax(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorSOFTMAX, 1, &Options{
		Type: tflite.BuiltinOptionsSoftmaxOptions, Value: &tflite.SoftmaxOptionsT{Beta: 1},
	}}, Float32, name, x)
}

// Logistic adds the sigmoid of each value.
func (m *Model) Logistic(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorLOGISTIC, 1, nil}, Float32, name, x)
}
