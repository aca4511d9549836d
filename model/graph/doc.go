// Package graph reads and writes .tflite files: the network's graph, its
// TFLite Metadata and the label files packed with it.
//
// It knows the file format and nothing of running a network or of pictures.
// A file whose graph has parts that the schemas in the folder schema lack can be
// read; Bytes refuses to write it again, since it would come out mutilated.
//
// A network is extended operator by operator: a method of Model adds one, or a
// few, behind all others and returns the tensor of the result. Numbers of
// tensors, rows and maps are float32 in row-major order. What can't work, as
// shapes that do not go together, is kept as the model's error until it is
// written (Model.Err). File.Resize and Model.Views change a whole network.
//
// The code that reads and writes the bytes is generated from the schemas (make
// schema) and lies in internal. Package flat checks the bytes before.
package graph
