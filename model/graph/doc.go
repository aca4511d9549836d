// Package graph reads and writes .tflite files: the network's graph, its
// TFLite Metadata and the label files packed with it.
//
// It knows the file format and nothing of running a network or of pictures.
// A file whose graph has parts that the schemas in the folder schema lack can be
// read; Bytes refuses to write it again, since it would come out mutilated.
//
// The code that reads and writes the bytes is generated from the schemas (make
// schema) and lies in internal. Package flat checks the bytes before.
package graph
