#include "reduce.h"

// See model/scale.c: on x86 the loops are compiled once more for AVX2.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PF_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PF_CLONES
#endif

enum { BITS = 12 }; // the weights of blue, green and red add up to 1 << BITS

void pf_reduce_weights(int block, int16_t *weights) {
  for (int i = 0; i < block; i++) { // ITU-R BT.601
    weights[3 * i] = 467;
    weights[3 * i + 1] = 2404;
    weights[3 * i + 2] = 1225;
  }
}

PF_CLONES static void add1(int16_t *restrict out, int n, const uint8_t *restrict a) {
  for (int i = 0; i < n; i++) out[i] = a[i];
}

PF_CLONES static void add2(int16_t *restrict out, int n, const uint8_t *restrict a, const uint8_t *restrict b) {
  for (int i = 0; i < n; i++) out[i] = a[i] + b[i];
}

PF_CLONES static void add4(int16_t *restrict out, int n, const uint8_t *restrict a, const uint8_t *restrict b,
                           const uint8_t *restrict c, const uint8_t *restrict d) {
  for (int i = 0; i < n; i++) out[i] = a[i] + b[i] + c[i] + d[i];
}

PF_CLONES static void means(uint16_t *restrict out, int cols, int n, const int16_t *restrict sums,
                            const int16_t *restrict weights, float scale) {
  for (int x = 0; x < cols; x++) {
    const int16_t *s = sums + (size_t)x * n;
    int32_t dot = 0; // at most 255 * 4 rows * 4096 * 512 pixels: fits
    for (int i = 0; i < n; i++) dot += (int32_t)s[i] * weights[i];
    out[x] = (uint16_t)((float)dot * scale + 0.5f);
  }
}

void pf_reduce(const uint8_t *src, size_t stride, int cols, int rows, int block, int read, const int16_t *weights,
               int16_t *sums, uint16_t *out) {
  const int n = cols * block * 3;
  if (read == 3) read = 2;
  const float scale = 64.0f / ((float)(1 << BITS) * read * block);
  const uint8_t *line[4];
  for (int y = 0; y < rows; y++) {
    for (int j = 0; j < read; j++) line[j] = src + ((size_t)y * block + (2 * j + 1) * block / (2 * read)) * stride;
    switch (read) {
    case 1: add1(sums, n, line[0]); break;
    case 2: add2(sums, n, line[0], line[1]); break;
    default: add4(sums, n, line[0], line[1], line[2], line[3]);
    }
    means(out + (size_t)y * cols, cols, block * 3, sums, weights, scale);
  }
}
