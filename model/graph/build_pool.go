package graph

import "passfail/model/graph/internal/tflite"

// smallest keeps the square root away from 0, where it has no derivative and
// rounding makes noise of nothing.
const smallest = 1e-6

func (m *Model) reduce(op Op, x int32, keep bool, name string, axes ...int32) int32 {
	return m.add(step{op, 1, &Options{
		Type: tflite.BuiltinOptionsReducerOptions, Value: &tflite.ReducerOptionsT{KeepDims: keep},
	}}, Float32, name, x, m.AddInts(name+"/axes", axes...))
}

// MeanOverPositions adds the average of a map [n h w c] over its positions: [n c].
func (m *Model) MeanOverPositions(x int32, name string) int32 {
	return m.reduce(tflite.BuiltinOperatorMEAN, x, false, name, 1, 2)
}

// StdOverPositions adds the standard deviation of a map [n h w c] over its
// positions: [n c]. It is at least 0.001, the square root of what is added to the
// variance.
func (m *Model) StdOverPositions(x int32, name string) int32 {
	mean := m.reduce(tflite.BuiltinOperatorMEAN, x, true, name+"/mean", 1, 2)
	variance := m.reduce(tflite.BuiltinOperatorMEAN, m.SquaredDifference(x, mean, name+"/squares"), false, name+"/variance", 1, 2)
	return m.Sqrt(m.Add(variance, m.Constant(name+"/smallest", smallest), name+"/sum"), name)
}

// AveragePool adds the averages of windows of window × window positions of a map
// [n h w c], moved by stride each way: [n ⌈h/stride⌉ ⌈w/stride⌉ c]. Windows that
// reach over the edge average what they have. Averages of bytes are bytes again.
func (m *Model) AveragePool(x, window, stride int32, name string) int32 {
	return m.rearrange(step{tflite.BuiltinOperatorAVERAGE_POOL_2D, m.version(x, 1, 2), &Options{
		Type: tflite.BuiltinOptionsPool2DOptions, Value: &tflite.Pool2DOptionsT{
			Padding: tflite.PaddingSAME, StrideW: stride, StrideH: stride, FilterWidth: window, FilterHeight: window,
		},
	}}, name, x)
}

// MeanOverBatch adds the average of rows [n k]: [1 k].
func (m *Model) MeanOverBatch(x int32, name string) int32 {
	return m.reduce(tflite.BuiltinOperatorMEAN, x, true, name, 0)
}

// Mean adds the average of a tensor over dimensions, which stay with length 1.
func (m *Model) Mean(x int32, name string, axes ...int32) int32 {
	return m.reduce(tflite.BuiltinOperatorMEAN, x, true, name, axes...)
}

// Sum adds the sum of a tensor over dimensions, which stay with length 1.
func (m *Model) Sum(x int32, name string, axes ...int32) int32 {
	return m.reduce(tflite.BuiltinOperatorSUM, x, true, name, axes...)
}

// Max adds the largest values of a tensor over dimensions, which stay with length 1.
func (m *Model) Max(x int32, name string, axes ...int32) int32 {
	return m.reduce(tflite.BuiltinOperatorREDUCE_MAX, x, true, name, axes...)
}

// Min adds the smallest values of a tensor over dimensions, which stay with length 1.
func (m *Model) Min(x int32, name string, axes ...int32) int32 {
	return m.reduce(tflite.BuiltinOperatorREDUCE_MIN, x, true, name, axes...)
}

// MeanOfLargest adds, for each row of x [n k], the average of its count largest
// values: [n 1].
func (m *Model) MeanOfLargest(x, count int32, name string) int32 {
	largest := m.addAll(step{tflite.BuiltinOperatorTOPK_V2, 1, &Options{
		Type: tflite.BuiltinOptionsTopKV2Options, Value: &tflite.TopKV2OptionsT{},
	}}, []TensorType{Float32, Int32}, name+"/largest", x, m.AddInts(name+"/count", count))
	return m.Mean(largest[0], name, 1)
}
