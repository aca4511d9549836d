// Package graph reads and writes .tflite files: the network's graph, its
// TFLite Metadata and the label files packed with it.
//
// It knows the file format and nothing of running a network or of pictures.
// A file whose graph has parts that this package has no structs for can be
// read; Bytes refuses to write it again, since it would come out mutilated.
//
// Slot numbers and enum values are those of TensorFlow Lite's schema, version 3.
package graph
