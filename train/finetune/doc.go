// Package finetune trains the top blocks of a base network further on the user's
// own pictures, in float, and quantizes them again.
//
// The lower part of the network stays as it is and runs in 8 bit, by the code
// that serves: its activations at the cut are computed once for each picture
// and view, and kept. What lies above the cut is read from the base's own file
// and trained with a linear head on top: forward and backward in float32, but
// every map and weight rounded on the way as the 8-bit file will round it, so
// that what is trained is what will serve. Pictures that were held out decide
// when to stop, and whether anything was gained at all.
//
// The arithmetic is in C (kernels.c); goroutines own the threads.
package finetune
