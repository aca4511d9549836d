package graph

import "passfail/model/graph/internal/tflite"

// The methods here work on float32, value by value. Of two tensors, dimensions
// of 1 are repeated, and missing ones in front, to fit the other.

// Constant adds a single number: [1].
func (m *Model) Constant(name string, value float32) int32 {
	return m.AddFloats(name, []float32{value}, 1)
}

// Add adds x + y.
func (m *Model) Add(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorADD, 1, &Options{
		Type: tflite.BuiltinOptionsAddOptions, Value: &tflite.AddOptionsT{PotScaleInt16: true},
	}}, Float32, name, x, y)
}

// Sub adds x − y.
func (m *Model) Sub(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorSUB, 1, &Options{
		Type: tflite.BuiltinOptionsSubOptions, Value: &tflite.SubOptionsT{PotScaleInt16: true},
	}}, Float32, name, x, y)
}

// Mul adds x · y.
func (m *Model) Mul(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorMUL, 1, &Options{
		Type: tflite.BuiltinOptionsMulOptions, Value: &tflite.MulOptionsT{},
	}}, Float32, name, x, y)
}

// Div adds x / y.
func (m *Model) Div(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorDIV, 1, &Options{
		Type: tflite.BuiltinOptionsDivOptions, Value: &tflite.DivOptionsT{},
	}}, Float32, name, x, y)
}

// Maximum adds the larger of x and y.
func (m *Model) Maximum(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorMAXIMUM, 1, &Options{
		Type: tflite.BuiltinOptionsMaximumMinimumOptions, Value: &tflite.MaximumMinimumOptionsT{},
	}}, Float32, name, x, y)
}

// Minimum adds the smaller of x and y.
func (m *Model) Minimum(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorMINIMUM, 1, &Options{
		Type: tflite.BuiltinOptionsMaximumMinimumOptions, Value: &tflite.MaximumMinimumOptionsT{},
	}}, Float32, name, x, y)
}

// SquaredDifference adds (x − y)².
func (m *Model) SquaredDifference(x, y int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorSQUARED_DIFFERENCE, 1, &Options{
		Type: tflite.BuiltinOptionsSquaredDifferenceOptions, Value: &tflite.SquaredDifferenceOptionsT{},
	}}, Float32, name, x, y)
}

// Square adds x².
func (m *Model) Square(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorSQUARE, 1, &Options{
		Type: tflite.BuiltinOptionsSquareOptions, Value: &tflite.SquareOptionsT{},
	}}, Float32, name, x)
}

// Sqrt adds the square root of x, which must not be negative.
func (m *Model) Sqrt(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorSQRT, 1, nil}, Float32, name, x)
}

// Exp adds the exponential of x.
func (m *Model) Exp(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorEXP, 1, &Options{
		Type: tflite.BuiltinOptionsExpOptions, Value: &tflite.ExpOptionsT{},
	}}, Float32, name, x)
}

// Abs adds x without its sign.
func (m *Model) Abs(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorABS, 1, &Options{
		Type: tflite.BuiltinOptionsAbsOptions, Value: &tflite.AbsOptionsT{},
	}}, Float32, name, x)
}

// Relu adds x where it is positive, else 0.
func (m *Model) Relu(x int32, name string) int32 {
	return m.add(step{tflite.BuiltinOperatorRELU, 1, nil}, Float32, name, x)
}
