// Package capture gives the newest frame of a camera, a video file or a folder of pictures, and never hangs.
//
// A Camera owns everything that may block: a reader goroutine sits in OpenCV's blocking read and nowhere else, and a
// watchdog beside it notices a camera that fell silent, froze or went away, says so once, and opens it again with a
// growing pause. The caller only ever waits in Next, which ends with its context.
//
//	device ─► reader ─► [reader's buffer | newest buffer | caller's buffer] ─► Next
//
// The three buffers change hands by swapping pointers. Of a live camera the newest frame wins and an older one that
// nobody asked for is counted as dropped. Of a file played Fast none is dropped: the reader waits, one frame ahead.
//
// The package knows neither what a model is nor what a configuration file looks like.
package capture
