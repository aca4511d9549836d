package model

import "unsafe"

// InputBytes is the input tensor's memory, in the tensor's own type: what Load
// writes and Invoke reads. It is valid until Close.
func (n *Network) InputBytes() []byte {
	return unsafe.Slice((*byte)(n.input.Data()), int(n.input.ByteSize()))
}

// OutputBytes is the memory of result i, in the tensor's own type, as the last
// Invoke left it. It is valid until the next Invoke.
func (n *Network) OutputBytes(i int) []byte {
	t := n.outputs[i].tensor
	return unsafe.Slice((*byte)(t.Data()), int(t.ByteSize()))
}
