package model

/*
#include "xnnpack.h"
*/
import "C"

import "unsafe"

// xnnpack is TensorFlow Lite's delegate of fast kernels for CPUs. Without it an
// 8-bit network runs some 25 times slower. It satisfies go-tflite's Delegater;
// go-tflite's own package for it links to a library of another name.
type xnnpack struct{ d *C.TfLiteDelegate }

// newXNNPACK returns nil when the delegate can't be made.
func newXNNPACK(threads int) *xnnpack {
	d := C.pf_xnnpack_new(C.int32_t(threads))
	if d == nil {
		return nil
	}
	return &xnnpack{d}
}

// Ptr returns the C delegate.
func (x *xnnpack) Ptr() unsafe.Pointer { return unsafe.Pointer(x.d) }

// Delete frees the delegate. The interpreter that uses it must be gone.
func (x *xnnpack) Delete() { C.TfLiteXNNPackDelegateDelete(x.d) }

// RuntimeVersion is the version of the TensorFlow Lite library.
func RuntimeVersion() string { return C.GoString(C.TfLiteVersion()) }
