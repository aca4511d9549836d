package main

/*
#include <malloc.h>
*/
import "C"

// largeBlock is from which size on memory of C, which is that of pictures and
// networks, goes back to the system when it is freed. A picture of a megapixel is
// none: to fetch its pages anew each time would take longer than to keep them.
const largeBlock = 2 << 20

// returnLargeBlocks has C keep no large blocks for later. By itself glibc learns to
// keep them from the first one that is freed, up to 32 MB each, and a training
// goes from network to network.
func returnLargeBlocks() {
	C.mallopt(C.M_MMAP_THRESHOLD, largeBlock)
	C.mallopt(C.M_TRIM_THRESHOLD, largeBlock)
}
