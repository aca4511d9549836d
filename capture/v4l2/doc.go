// Package v4l2 asks Linux's cameras what they are and sets their controls, without opening a stream.
//
// Frames are OpenCV's business. What OpenCV hides is here: which cameras are connected, what sizes they offer, and the
// controls (exposure, gain, white balance) by the names that v4l2-ctl prints, with their ranges, locked and read back.
//
// The structures and request numbers are those of linux/videodev2.h; a test compares them with the kernel's header.
package v4l2
