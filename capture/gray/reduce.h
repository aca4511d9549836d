// A region of an 8-bit BGR picture as a few means of its blocks, in gray.
#ifndef PASSFAIL_REDUCE_H
#define PASSFAIL_REDUCE_H

#include <stddef.h>
#include <stdint.h>

// pf_reduce writes the mean gray of rows × cols blocks of block × block pixels to
// out, in 1/64ths of a gray level. src is the first block's first pixel, rows of
// the picture are stride bytes apart. Of each block `read` rows are looked at,
// spread over it; read is 1 to 4 and no more than block, which is at most 512.
// sums holds cols * block * 3 values, weights block * 3: see pf_reduce_weights.
void pf_reduce(const uint8_t *src, size_t stride, int cols, int rows, int block, int read, const int16_t *weights,
               int16_t *sums, uint16_t *out);

void pf_reduce_weights(int block, int16_t *weights);

#endif
