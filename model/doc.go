// Package model opens .tflite files and runs them on pictures.
//
// How a picture is prepared for the network comes from the file: size, colour
// order, mean and standard deviation from its TFLite Metadata, quantization
// from its input tensor. All of it is folded into one table per channel, and
// there is no setting with which a user could prepare pictures otherwise than
// the network was trained with. A file that does not say is refused with a
// message that shows how to say it in a file beside it (see Sidecar).
//
// The package knows nothing of cameras and pins.
package model
