package graph

import "passfail/model/graph/internal/tflite"

// Reshape adds the values of x in another shape. One dimension may be −1: what
// is left.
func (m *Model) Reshape(x int32, name string, shape ...int32) int32 {
	return m.rearrange(step{tflite.BuiltinOperatorRESHAPE, 1, &Options{
		Type: tflite.BuiltinOptionsReshapeOptions, Value: &tflite.ReshapeOptionsT{NewShape: shape},
	}}, name, x, m.AddInts(name+"/shape", shape...))
}

// Transpose adds x with its dimensions in another order: dimension i of the
// result is dimension order[i] of x.
func (m *Model) Transpose(x int32, name string, order ...int32) int32 {
	return m.rearrange(step{tflite.BuiltinOperatorTRANSPOSE, m.version(x, 1, 2), &Options{
		Type: tflite.BuiltinOptionsTransposeOptions, Value: &tflite.TransposeOptionsT{},
	}}, name, x, m.AddInts(name+"/order", order...))
}

// Slice adds size values along one dimension of x, from begin on; a size of −1
// takes all that are left.
func (m *Model) Slice(x int32, axis int, begin, size int32, name string) int32 {
	begins, sizes := make([]int32, len(m.Shape(x))), make([]int32, len(m.Shape(x)))
	for i := range begins {
		sizes[i] = -1 // all, whatever the batch
		if i == axis {
			begins[i], sizes[i] = begin, size
		}
	}
	return m.rearrange(step{tflite.BuiltinOperatorSLICE, m.version(x, 1, 2), &Options{
		Type: tflite.BuiltinOptionsSliceOptions, Value: &tflite.SliceOptionsT{},
	}}, name, x, m.AddInts(name+"/begin", begins...), m.AddInts(name+"/size", sizes...))
}

// Concatenate adds the rows [n a], [n b], … behind each other: [n a+b+…].
func (m *Model) Concatenate(xs []int32, name string) int32 { return m.concatenate(xs, 1, name) }

// Stack adds tensors of the same shape [n …] as one batch: [n+n+… …].
func (m *Model) Stack(xs []int32, name string) int32 { return m.concatenate(xs, 0, name) }

func (m *Model) concatenate(xs []int32, axis int32, name string) int32 {
	return m.rearrange(step{tflite.BuiltinOperatorCONCATENATION, m.version(xs[0], 1, 2), &Options{
		Type: tflite.BuiltinOptionsConcatenationOptions, Value: &tflite.ConcatenationOptionsT{Axis: axis},
	}}, name, xs...)
}

// reverse adds x with the order along one dimension turned round.
func (m *Model) reverse(x, axis int32, name string) int32 {
	return m.rearrange(step{tflite.BuiltinOperatorREVERSE_V2, m.version(x, 1, 3), &Options{
		Type: tflite.BuiltinOptionsReverseV2Options, Value: &tflite.ReverseV2OptionsT{},
	}}, name, x, m.AddInts(name+"/axis", axis))
}

// rearrange adds a step whose result has the values of its first input: the same
// type, and stored numbers stand for the same.
func (m *Model) rearrange(s step, name string, inputs ...int32) int32 {
	y := m.add(s, m.kind(inputs[0]), name, inputs...)
	tensors := m.Subgraphs[0].Tensors
	tensors[y].Quantization = tensors[inputs[0]].Quantization
	return y
}

func (m *Model) kind(x int32) TensorType { return m.Subgraphs[0].Tensors[x].Type }

// version chooses an operator's version by the type of what it works on.
func (m *Model) version(x, real, bytes int32) int32 {
	if m.kind(x) == Float32 {
		return real
	}
	return bytes
}
