// Package flat turns FlatBuffers tables into Go structs and back, by field tags.
//
// A struct is a table; the tag says which slot of the table a field is:
//
//	type Tensor struct {
//		Shape  []int32 `flat:"0"`
//		Kind   int8    `flat:"1"`
//		Scale  int32   `flat:"2,default=1"`
//		Data   []byte  `flat:"3,align=16"`
//		Nested *Other  `flat:"4"`
//		Many   []*Other `flat:"5"`
//		Choice Options `flat:"7"` // a union: slot 6 holds its kind, slot 7 its table
//	}
//
// Slices of numbers, strings, pointers to structs, slices of these, and types
// that implement Union can be fields.
//
// Why not the code that flatc generates: a .tflite file comes from outside.
// Unmarshal checks every offset against the file before it follows it, bounds
// the work that a hostile file can cause, and reports what it met that the
// structs have no field for, so that a program can refuse to rewrite a file it
// would mutilate. Generated Go code does none of the three: it panics on a bad
// offset and forgets unknown fields silently.
//
// The format is described in the FlatBuffers project's "Internals" document.
package flat
