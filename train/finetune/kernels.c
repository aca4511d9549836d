#include "kernels.h"

#include <math.h>
#include <string.h>

#define NAME(f) scalar_##f
#define TARGET
#define LANES 1
#include "isa.h"

#define NAME(f) plain_##f
#define TARGET
#define LANES 4
#include "isa.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_X86_VARIANTS 1

#define NAME(f) avx2_##f
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#include "isa.h"

#define NAME(f) avx512_##f
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define LANES 16
#include "isa.h"
#endif

enum { PLAIN, AVX2, AVX512, ISAS };

static int has(int isa) {
#if HAS_X86_VARIANTS
  if (isa == AVX512) return __builtin_cpu_supports("avx512f");
  if (isa == AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return isa == PLAIN;
}

int pf_isas(void) { return ISAS; }

const char *pf_isa_name(int isa) {
  if (isa == PF_BEST)
    for (isa = ISAS - 1; !has(isa);) isa--;
  if (!has(isa)) return NULL;
#if defined(__aarch64__)
  return "neon";
#endif
  return isa == AVX512 ? "avx512f" : isa == AVX2 ? "avx2" : "plain";
}

// RUN calls the variant of f that isa means.
#if HAS_X86_VARIANTS
#define RUN(isa, f, ...)                                                              \
  (isa == AVX512 || (isa == PF_BEST && has(AVX512)) ? avx512_##f(__VA_ARGS__)         \
   : isa == AVX2 || (isa == PF_BEST && has(AVX2))   ? avx2_##f(__VA_ARGS__)           \
                                                    : plain_##f(__VA_ARGS__))
#else
#define RUN(isa, f, ...) ((void)(isa), plain_##f(__VA_ARGS__))
#endif

void pf_depthwise(int isa, const pf_window *s, const float *x, const float *w, float *y) {
  scalar_depthwise(s, x, w, y, RUN(isa, depthwise, s, x, w, y, 0));
}

void pf_depthwise_dx(int isa, const pf_window *s, const float *w, const float *dy, float *dx) {
  scalar_depthwise_dx(s, w, dy, dx, RUN(isa, depthwise_dx, s, w, dy, dx, 0));
}

void pf_depthwise_dw(int isa, const pf_window *s, const float *x, const float *dy, float *dw) {
  scalar_depthwise_dw(s, x, dy, dw, RUN(isa, depthwise_dw, s, x, dy, dw, 0));
}

void pf_unfold(const pf_window *s, const float *x, float *rows) {
  const size_t one = s->c * sizeof *rows;
  for (int n = 0; n < s->n; n++)
    for (int oy = 0; oy < s->out_h; oy++)
      for (int ox = 0; ox < s->out_w; ox++)
        for (int ky = 0; ky < s->kernel_h; ky++)
          for (int kx = 0; kx < s->kernel_w; kx++, rows += s->c) {
            const int iy = oy * s->stride_h - s->top + ky, ix = ox * s->stride_w - s->left + kx;
            if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w)
              memset(rows, 0, one);
            else
              memcpy(rows, x + (((long)n * s->h + iy) * s->w + ix) * s->c, one);
          }
}

void pf_fold(const pf_window *s, const float *rows, float *dx) {
  for (int n = 0; n < s->n; n++)
    for (int oy = 0; oy < s->out_h; oy++)
      for (int ox = 0; ox < s->out_w; ox++)
        for (int ky = 0; ky < s->kernel_h; ky++)
          for (int kx = 0; kx < s->kernel_w; kx++, rows += s->c) {
            const int iy = oy * s->stride_h - s->top + ky, ix = ox * s->stride_w - s->left + kx;
            if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w) continue;
            pf_accumulate(rows, dx + (((long)n * s->h + iy) * s->w + ix) * s->c, s->c);
          }
}

// The rest are loops that the compiler turns into vectors by itself, once more
// for each instruction set.
#if HAS_X86_VARIANTS && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

// Adding and taking off this number rounds to the nearest integer, halves to
// the even one, as XNNPACK does; good for |x| < 2^22.
static inline float nearest(float x) {
  const float magic = 12582912.0f;
  return (x + magic) - magic;
}

CLONES static void activate_row(float *restrict y, const float *restrict bias, long c, float low, float high,
                                float step, float inverse, float *restrict least, float *restrict most) {
  for (long j = 0; j < c; j++) {
    const float sum = y[j] + bias[j];
    least[j] = sum < least[j] ? sum : least[j];
    most[j] = sum > most[j] ? sum : most[j];
    float v = sum < low ? low : sum;
    v = v > high ? high : v;
    y[j] = nearest(v * inverse) * step;
  }
}

CLONES static void clamp_row(float *restrict y, const float *restrict bias, long c, float low, float high,
                             float *restrict least, float *restrict most) {
  for (long j = 0; j < c; j++) {
    const float sum = y[j] + bias[j];
    least[j] = sum < least[j] ? sum : least[j];
    most[j] = sum > most[j] ? sum : most[j];
    float v = sum < low ? low : sum;
    y[j] = v > high ? high : v;
  }
}

void pf_activate(float *y, const float *bias, long rows, long c, pf_bounds *b) {
  enum { SLICE = 256 };
  static const float zeros[SLICE];
  float seen_low = b->seen_low, seen_high = b->seen_high;
  for (long from = 0; from < c; from += SLICE) {
    const long wide = from + SLICE < c ? SLICE : c - from;
    const float *add = bias ? bias + from : zeros;
    float least[SLICE], most[SLICE];
    for (long j = 0; j < wide; j++) least[j] = INFINITY, most[j] = -INFINITY;
    for (long i = 0; i < rows; i++) {
      float *row = y + i * c + from;
      if (b->step > 0)
        activate_row(row, add, wide, b->low, b->high, b->step, 1 / b->step, least, most);
      else
        clamp_row(row, add, wide, b->low, b->high, least, most);
    }
    for (long j = 0; j < wide; j++) {
      if (least[j] < seen_low) seen_low = least[j];
      if (most[j] > seen_high) seen_high = most[j];
    }
  }
  b->seen_low = seen_low < b->own_low ? b->own_low : seen_low;
  b->seen_high = seen_high > b->own_high ? b->own_high : seen_high;
}

CLONES static void mask_row(const float *restrict y, float *restrict dy, float *restrict dbias, long c, float low,
                            float high) {
  for (long j = 0; j < c; j++) {
    const float d = y[j] > low && y[j] < high ? dy[j] : 0;
    dy[j] = d;
    dbias[j] += d;
  }
}

void pf_activate_back(const float *y, float *dy, float *dbias, long rows, long c, float low, float high) {
  enum { SLICE = 256 };
  float unused[SLICE] = {0};
  for (long from = 0; from < c; from += SLICE) {
    const long wide = from + SLICE < c ? SLICE : c - from;
    for (long i = 0; i < rows; i++)
      mask_row(y + i * c + from, dy + i * c + from, dbias ? dbias + from : unused, wide, low, high);
  }
}

CLONES void pf_add(const float *restrict a, const float *restrict b, float *restrict y, long n) {
  for (long i = 0; i < n; i++) y[i] = a[i] + b[i];
}

CLONES void pf_accumulate(const float *restrict x, float *restrict y, long n) {
  for (long i = 0; i < n; i++) y[i] += x[i];
}

CLONES void pf_dequantize(const int8_t *restrict q, float *restrict x, long n, float scale, int zero) {
  for (long i = 0; i < n; i++) x[i] = scale * (float)(q[i] - zero);
}

CLONES static void squares_row(const float *restrict x, const float *restrict mean, float *restrict sum, long c) {
  for (long j = 0; j < c; j++) sum[j] += (x[j] - mean[j]) * (x[j] - mean[j]);
}

CLONES static void deviation_row(float *restrict sum, long c, float share, float epsilon) {
  for (long j = 0; j < c; j++) sum[j] = sqrtf(sum[j] * share + epsilon);
}

void pf_pool(const float *x, long positions, long c, float epsilon, float *stats) {
  float *mean = stats, *deviation = stats + c;
  memset(stats, 0, 2 * c * sizeof *stats);
  for (long i = 0; i < positions; i++) pf_accumulate(x + i * c, mean, c);
  for (long j = 0; j < c; j++) mean[j] /= positions;
  for (long i = 0; i < positions; i++) squares_row(x + i * c, mean, deviation, c);
  deviation_row(deviation, c, 1.0f / positions, epsilon);
}

CLONES static void pool_back_row(const float *restrict x, const float *restrict mean, const float *restrict deviation,
                                 const float *restrict dmean, const float *restrict ddeviation, float share,
                                 float *restrict dx, long c) {
  for (long j = 0; j < c; j++) dx[j] += share * (dmean[j] + ddeviation[j] * (x[j] - mean[j]) / deviation[j]);
}

void pf_pool_back(const float *x, const float *stats, const float *dstats, long positions, long c, float *dx) {
  for (long i = 0; i < positions; i++)
    pool_back_row(x + i * c, stats, stats + c, dstats, dstats + c, 1.0f / positions, dx + i * c, c);
}

CLONES void pf_adam_step(const pf_adam *o, long n, const float *restrict unit, const float *restrict start,
                         float *restrict g, float *restrict w, float *restrict m, float *restrict v,
                         float *restrict average) {
  const pf_adam a = *o;
  for (long i = 0; i < n; i++) {
    const float d = g[i] * unit[i];
    g[i] = 0;
    m[i] = a.beta1 * m[i] + (1 - a.beta1) * d;
    v[i] = a.beta2 * v[i] + (1 - a.beta2) * d * d;
    const float step = m[i] * a.correct1 / (sqrtf(v[i] * a.correct2) + a.epsilon);
    w[i] -= a.rate * (unit[i] * step + a.pull * (w[i] - start[i]));
    average[i] = a.average * average[i] + (1 - a.average) * w[i];
  }
}

CLONES void pf_round_weights(const float *restrict w, float *restrict out, long n, float scale) {
  const float inverse = 1 / scale;
  for (long i = 0; i < n; i++) {
    float q = nearest(w[i] * inverse);
    q = q < -127 ? -127 : q;
    q = q > 127 ? 127 : q;
    out[i] = q * scale;
  }
}
