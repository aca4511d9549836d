// Package line is the inspection itself: a frame from the camera, a verdict
// from the model, and the pins that tell it, over and over.
//
// Nothing on the line waits for what is not on the line: who wants to know what
// happens reads events from a bounded queue, and loses some when he is slow.
//
// A verdict's zero value is Fail. Whatever is unclear, late or unseen fails.
package line
