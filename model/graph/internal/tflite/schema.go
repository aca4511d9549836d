// Package tflite is the code that flatc generates from model/graph/schema/tflite.fbs
// (make schema), and the little that it lacks.
package tflite

import (
	_ "embed"
	"sync"

	"passfail/model/graph/flat"
)

//go:embed tflite.bfbs
var bfbs []byte

// Schema returns the schema, for checking a file before it is read.
var Schema = sync.OnceValues(func() (*flat.Schema, error) { return flat.Load(bfbs) })

// Size returns the bytes of one element, 0 for a type without a fixed size.
func (t TensorType) Size() int {
	switch t {
	case TensorTypeuint8, TensorTypeint8, TensorTypebool:
		return 1
	case TensorTypeint16, TensorTypeuint16, TensorTypefloat16:
		return 2
	case TensorTypefloat32, TensorTypeint32, TensorTypeuint32:
		return 4
	case TensorTypeint64, TensorTypeuint64, TensorTypefloat64, TensorTypecomplex64:
		return 8
	case TensorTypecomplex128:
		return 16
	}
	return 0
}
