// The kernels that depend on the width of a vector register, once for each
// instruction set: kernels.c includes this file with
//   NAME(f)   the function's name for this set
//   TARGET    the attribute that asks the compiler for it
//   LANES     floats in a register

typedef float NAME(vec) __attribute__((vector_size(LANES * 4)));
typedef float NAME(memory) __attribute__((vector_size(LANES * 4), aligned(4), may_alias)); // at any address
#define VEC NAME(vec)
#define MEMORY NAME(memory)

// Depthwise kernels take LANES channels at a time; a last group that is not
// full is computed by the scalar variant of this file (LANES 1).

TARGET static int NAME(depthwise)(const pf_window *s, const float *restrict x, const float *restrict w,
                                  float *restrict y, int from) {
  int c = from;
  for (; c + LANES <= s->c; c += LANES)
    for (int n = 0; n < s->n; n++)
      for (int oy = 0; oy < s->out_h; oy++) {
        const int y0 = oy * s->stride_h - s->top;
        for (int ox = 0; ox < s->out_w; ox++) {
          const int x0 = ox * s->stride_w - s->left;
          const int kx0 = x0 < 0 ? -x0 : 0, kx1 = x0 + s->kernel_w > s->w ? s->w - x0 : s->kernel_w;
          VEC sum = (VEC){0};
          for (int ky = y0 < 0 ? -y0 : 0; ky < s->kernel_h && y0 + ky < s->h; ky++) {
            const long in = (((long)n * s->h + y0 + ky) * s->w + x0) * s->c + c; // below 0 left of the map
            const float *weights = w + (long)ky * s->kernel_w * s->c + c;
            for (int kx = kx0; kx < kx1; kx++)
              sum += *(const MEMORY *)(x + (in + (long)kx * s->c)) * *(const MEMORY *)(weights + (long)kx * s->c);
          }
          *(MEMORY *)(y + (((long)n * s->out_h + oy) * s->out_w + ox) * s->c + c) = sum;
        }
      }
  return c;
}

TARGET static int NAME(depthwise_dx)(const pf_window *s, const float *restrict w, const float *restrict dy,
                                     float *restrict dx, int from) {
  int c = from;
  for (; c + LANES <= s->c; c += LANES)
    for (int n = 0; n < s->n; n++)
      for (int oy = 0; oy < s->out_h; oy++) {
        const int y0 = oy * s->stride_h - s->top;
        for (int ox = 0; ox < s->out_w; ox++) {
          const int x0 = ox * s->stride_w - s->left;
          const int kx0 = x0 < 0 ? -x0 : 0, kx1 = x0 + s->kernel_w > s->w ? s->w - x0 : s->kernel_w;
          const VEC d = *(const MEMORY *)(dy + (((long)n * s->out_h + oy) * s->out_w + ox) * s->c + c);
          for (int ky = y0 < 0 ? -y0 : 0; ky < s->kernel_h && y0 + ky < s->h; ky++) {
            const long in = (((long)n * s->h + y0 + ky) * s->w + x0) * s->c + c; // below 0 left of the map
            const float *weights = w + (long)ky * s->kernel_w * s->c + c;
            for (int kx = kx0; kx < kx1; kx++)
              *(MEMORY *)(dx + (in + (long)kx * s->c)) += d * *(const MEMORY *)(weights + (long)kx * s->c);
          }
        }
      }
  return c;
}

// correlate adds up one row of a kernel's derivatives, `wide` of them from kx on:
// as many sums are under way at a time, since each waits for its last addition.
TARGET static inline __attribute__((always_inline)) void NAME(correlate)(const pf_window *s, const float *restrict x,
                                                                         const float *restrict dy, float *restrict dw,
                                                                         int c, int ky, int kx, const int wide) {
  VEC sum[5]; // as many as the widest that the caller asks for
  for (int k = 0; k < wide; k++) sum[k] = (VEC){0};
  for (int n = 0; n < s->n; n++)
    for (int oy = 0; oy < s->out_h; oy++) {
      const int iy = oy * s->stride_h - s->top + ky;
      if (iy < 0 || iy >= s->h) continue;
      for (int ox = 0; ox < s->out_w; ox++) {
        const int ix = ox * s->stride_w - s->left + kx;
        const long in = (((long)n * s->h + iy) * s->w + ix) * s->c + c; // may lie outside the map
        const VEC d = *(const MEMORY *)(dy + (((long)n * s->out_h + oy) * s->out_w + ox) * s->c + c);
        if (ix >= 0 && ix + wide <= s->w) {
#pragma GCC unroll 8
          for (int k = 0; k < wide; k++) sum[k] += *(const MEMORY *)(x + (in + (long)k * s->c)) * d;
          continue;
        }
#pragma GCC unroll 8
        for (int k = 0; k < wide; k++)
          if (ix + k >= 0 && ix + k < s->w) sum[k] += *(const MEMORY *)(x + (in + (long)k * s->c)) * d;
      }
    }
  for (int k = 0; k < wide; k++) *(MEMORY *)(dw + ((long)ky * s->kernel_w + kx + k) * s->c + c) += sum[k];
}

TARGET static int NAME(depthwise_dw)(const pf_window *s, const float *restrict x, const float *restrict dy,
                                     float *restrict dw, int from) {
  int c = from;
  for (; c + LANES <= s->c; c += LANES)
    for (int ky = 0; ky < s->kernel_h; ky++)
      for (int kx = 0; kx < s->kernel_w;) {
        const int left = s->kernel_w - kx;
        if (left >= 5) NAME(correlate)(s, x, dy, dw, c, ky, kx, 5), kx += 5;
        else if (left >= 3) NAME(correlate)(s, x, dy, dw, c, ky, kx, 3), kx += 3;
        else NAME(correlate)(s, x, dy, dw, c, ky, kx, 1), kx += 1;
      }
  return c;
}

#undef VEC
#undef MEMORY
#undef NAME
#undef TARGET
#undef LANES
