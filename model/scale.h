// The one pass between a camera picture and a network's input: crop, resize,
// colour order and quantization of an 8-bit BGR picture.
#ifndef PASSFAIL_SCALE_H
#define PASSFAIL_SCALE_H

#include <stddef.h>
#include <stdint.h>

// A pf_scaler holds what depends only on the two sizes: which source pixels
// make an output pixel, and with which weights. It belongs to one thread.
typedef struct pf_scaler pf_scaler;

// What becomes of a resized value, 0..255, on its way into the tensor.
enum pf_write {
  PF_OFFSET, // one byte: value + offset (mod 256); what most quantized models come down to
  PF_BYTES,  // one byte: looked up in 256 bytes a channel
  PF_FLOATS, // four bytes: looked up in 256 floats a channel
};

typedef struct {
  int write;      // enum pf_write
  int channels;   // 3, or 1 for a model that takes gray
  int swap;       // 1: BGR in, RGB out
  uint8_t offset; // for PF_OFFSET
  uint8_t bytes[3][256];
  float floats[3][256];
} pf_output;

// pf_scaler_new returns NULL when there is no memory. All sizes are at least 1.
pf_scaler *pf_scaler_new(int src_width, int src_height, int dst_width, int dst_height);
void pf_scaler_free(pf_scaler *s);

// pf_scale reads src_height rows of src_width BGR pixels, stride bytes apart,
// and writes dst_height * dst_width * channels values to dst.
void pf_scale(pf_scaler *s, const uint8_t *src, size_t stride, const pf_output *o, void *dst);

#endif
