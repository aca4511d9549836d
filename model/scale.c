#include "scale.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// Resizing is a weighted sum along the rows and then along the columns, in
// 16-bit integers: a pixel times 256, times a weight of 1/65536ths, upper half.
// A product so cut loses less than 1/256 of a gray level, and half of what all
// of them can have lost is given back before rounding. Integers make the result the
// same on every machine, and 16 bits put 8 to 16 values into a register.

// On x86 the loops over a row are compiled once more for AVX2, and the one that
// fits the processor is chosen when the program is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PF_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PF_CLONES
#endif

enum { ONE = 65536, PAIR = 8, PADDING = 16, GIVE_BACK_MOST = 127, CACHE_LINE = 64 };

// One output position along an axis is the weighted sum of `taps` source
// positions from `first` on; the weights add up to ONE.
typedef struct {
  int taps;          // the most that a position of this axis needs
  int *first;        // [dst]
  uint16_t *weights; // [dst][taps], zero where a position needs fewer
} pf_axis;

struct pf_scaler {
  int src_width, src_height, dst_width, dst_height;
  pf_axis rows, columns;
  uint16_t *pairs;    // [(dst_width+1)/2][taps][PAIR]: the columns' weights as mix() wants them
  uint16_t *blend;    // [src_width*3 + PADDING]: one output row's source rows, added up
  uint8_t *line;      // [dst_width*3 + PADDING]: one output row
  uint16_t give_back; // what cutting products loses on average, in 1/256
};

// weigh fills one output position's weights from shares that add up to 1. What
// is rounded off one share goes to the next, so that the weights add up to ONE.
static void weigh(uint16_t *w, const double *share, int taps) {
  double sum = 0;
  int given = 0;
  for (int k = 0; k < taps; k++) {
    sum += share[k];
    const int upto = (int)(sum * ONE + 0.5);
    const int weight = upto - given;
    w[k] = (uint16_t)(weight < ONE ? weight : ONE - 1); // a lone weight does not fit
    given = upto;
  }
}

static int axis_init(pf_axis *a, int src, int dst, int area) {
  const double scale = (double)src / dst;
  int taps = area ? (int)scale + 2 : 2;
  if (taps > src) taps = src;
  a->taps = taps;
  a->first = calloc(dst, sizeof *a->first);
  a->weights = calloc((size_t)dst * taps, sizeof *a->weights);
  double *share = calloc(taps, sizeof *share);
  if (!a->first || !a->weights || !share) {
    free(share);
    return 0;
  }
  for (int i = 0; i < dst; i++) {
    int first;
    memset(share, 0, taps * sizeof *share);
    if (area) { // every source pixel counts by how much of it lies under the output pixel
      const double from = i * scale, to = (i + 1) * scale;
      first = (int)from;
      if (first > src - taps) first = src - taps;
      for (int k = 0; k < taps; k++) {
        const double lo = from > first + k ? from : first + k;
        const double hi = to < first + k + 1 ? to : first + k + 1;
        if (hi > lo) share[k] = (hi - lo) / scale;
      }
    } else { // linear between the centres of the two nearest source pixels
      double centre = (i + 0.5) * scale - 0.5;
      if (centre < 0) centre = 0;
      if (centre > src - 1) centre = src - 1;
      first = (int)centre;
      if (first > src - taps) first = src - taps;
      const double part = centre - first;
      share[0] = 1 - part;
      if (taps > 1) share[1] = part;
    }
    a->first[i] = first;
    weigh(a->weights + (size_t)i * taps, share, taps);
  }
  free(share);
  return 1;
}

// used_taps is the most weights other than zero that a position has.
static int used_taps(const pf_axis *a, int dst) {
  int most = 0;
  for (int i = 0; i < dst; i++) {
    int n = 0;
    for (int k = 0; k < a->taps; k++) n += a->weights[(size_t)i * a->taps + k] != 0;
    if (n > most) most = n;
  }
  return most;
}

pf_scaler *pf_scaler_new(int src_width, int src_height, int dst_width, int dst_height) {
  pf_scaler *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->src_width = src_width, s->src_height = src_height;
  s->dst_width = dst_width, s->dst_height = dst_height;
  // Averaging needs both sides to shrink; a picture that grows along one side
  // is interpolated along both, as OpenCV's INTER_AREA does.
  const int area = src_width >= dst_width && src_height >= dst_height;
  const int ok = axis_init(&s->rows, src_height, dst_height, area) &&
                 axis_init(&s->columns, src_width, dst_width, area);
  s->blend = calloc((size_t)src_width * 3 + PADDING, sizeof *s->blend);
  s->line = calloc((size_t)dst_width * 3 + PADDING, 1);
  if (ok) s->pairs = calloc((size_t)(dst_width + 1) / 2 * s->columns.taps * PAIR, sizeof *s->pairs);
  if (!ok || !s->blend || !s->line || !s->pairs) {
    pf_scaler_free(s);
    return NULL;
  }
  const int taps = s->columns.taps;
  for (int x = 0; x < dst_width; x++)
    for (int k = 0; k < taps; k++)
      for (int lane = 0; lane < 4; lane++)
        s->pairs[((size_t)(x / 2) * taps + k) * PAIR + x % 2 * 4 + lane] = s->columns.weights[(size_t)x * taps + k];
  const int lost = used_taps(&s->rows, dst_height) + used_taps(&s->columns, dst_width);
  s->give_back = lost / 2 < GIVE_BACK_MOST ? lost / 2 : GIVE_BACK_MOST;
  return s;
}

void pf_scaler_free(pf_scaler *s) {
  if (!s) return;
  free(s->rows.first);
  free(s->rows.weights);
  free(s->columns.first);
  free(s->columns.weights);
  free(s->pairs);
  free(s->blend);
  free(s->line);
  free(s);
}

// part is a pixel's share: value * 256 * weight / 65536.
static inline uint16_t part(uint8_t value, uint16_t weight) {
  return ((uint32_t)(uint16_t)(value << 8) * weight) >> 16;
}

PF_CLONES static void blend1(uint16_t *restrict out, int n, const uint8_t *restrict a, uint16_t wa) {
  for (int i = 0; i < n; i++) out[i] = part(a[i], wa);
}

PF_CLONES static void blend2(uint16_t *restrict out, int n, const uint8_t *restrict a, uint16_t wa,
                             const uint8_t *restrict b, uint16_t wb) {
  for (int i = 0; i < n; i++) out[i] = part(a[i], wa) + part(b[i], wb);
}

PF_CLONES static void blend3(uint16_t *restrict out, int n, const uint8_t *restrict a, uint16_t wa,
                             const uint8_t *restrict b, uint16_t wb, const uint8_t *restrict c, uint16_t wc) {
  for (int i = 0; i < n; i++) out[i] = part(a[i], wa) + part(b[i], wb) + part(c[i], wc);
}

PF_CLONES static void blend_more(uint16_t *restrict out, int n, const uint8_t *restrict a, uint16_t wa) {
  for (int i = 0; i < n; i++) out[i] += part(a[i], wa);
}

// blend_rows adds up the source rows of one output row.
static void blend_rows(uint16_t *out, int n, const uint8_t *row, size_t stride, const uint16_t *w, int taps) {
  while (taps > 1 && w[taps - 1] == 0) taps--;
  while (taps > 1 && w[0] == 0) w++, row += stride, taps--;
  switch (taps) {
  case 1: blend1(out, n, row, w[0]); return;
  case 2: blend2(out, n, row, w[0], row + stride, w[1]); return;
  default: blend3(out, n, row, w[0], row + stride, w[1], row + 2 * stride, w[2]);
  }
  for (int k = 3; k < taps; k++) blend_more(out, n, row + k * stride, w[k]);
}

typedef uint16_t lanes __attribute__((vector_size(16)));

static inline lanes multiply_high(lanes a, lanes b) {
#if defined(__SSE2__)
  return (lanes)_mm_mulhi_epu16((__m128i)a, (__m128i)b);
#elif defined(__ARM_NEON)
  const uint16x8_t x = (uint16x8_t)a, y = (uint16x8_t)b;
  const uint32x4_t low = vmull_u16(vget_low_u16(x), vget_low_u16(y));
  const uint32x4_t high = vmull_u16(vget_high_u16(x), vget_high_u16(y));
  return (lanes)vcombine_u16(vshrn_n_u32(low, 16), vshrn_n_u32(high, 16));
#else
  lanes out;
  for (int i = 0; i < PAIR; i++) out[i] = ((uint32_t)a[i] * b[i]) >> 16;
  return out;
#endif
}

// An errand asks for source rows that are needed soon, a cache line at a time
// between other work. A decoder on another processor wrote the picture, so
// every line comes from far: asking for all of them at once would only queue.
typedef struct {
  const uint8_t *row;
  size_t stride;
  int bytes, at; // of the row
  int rows;      // left, this one included
} errand;

static inline void run_errand(errand *e) {
  if (e->rows <= 0) return;
  __builtin_prefetch(e->row + e->at);
  e->at += CACHE_LINE;
  if (e->at < e->bytes) return;
  e->at = 0;
  e->row += e->stride;
  e->rows--;
}

// mix makes the output row of the blended one, two pixels at a time. A pixel
// takes four lanes, of which the last is its neighbour's first: it is written
// all the same, and the neighbour, coming later, puts it right.
static inline __attribute__((always_inline)) void mix(uint8_t *line, const uint16_t *blend, const int *first,
                                                      const uint16_t *w, int taps, int width, int swap,
                                                      uint16_t rounding, errand *e, int lines) {
  for (int x = 0; x < width; x += 2) {
    for (int i = 0; i < lines; i++) run_errand(e);
    const uint16_t *p = blend + 3 * (size_t)first[x];
    const uint16_t *q = x + 1 < width ? blend + 3 * (size_t)first[x + 1] : p;
    lanes sum = {rounding, rounding, rounding, rounding, rounding, rounding, rounding, rounding};
    for (int k = 0; k < taps; k++, w += PAIR) {
      lanes weights;
      uint64_t two[2];
      memcpy(&two[0], p + 3 * k, 8);
      memcpy(&two[1], q + 3 * k, 8);
      memcpy(&weights, w, sizeof weights);
      sum += multiply_high((lanes)(__attribute__((vector_size(16))) uint64_t){two[0], two[1]}, weights);
    }
    sum >>= 8;
    uint32_t packed[2];
#if defined(__SSE2__)
    __m128i v = (__m128i)sum;
    if (swap) v = _mm_shufflehi_epi16(_mm_shufflelo_epi16(v, 0xC6), 0xC6);
    const uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(v, v));
    memcpy(packed, &bytes, 8);
#else
    const int r = swap ? 2 : 0, b = swap ? 0 : 2;
    packed[0] = sum[r] | (uint32_t)sum[1] << 8 | (uint32_t)sum[b] << 16;
    packed[1] = sum[4 + r] | (uint32_t)sum[5] << 8 | (uint32_t)sum[4 + b] << 16;
#endif
    memcpy(line + 3 * x, &packed[0], 4);
    memcpy(line + 3 * x + 3, &packed[1], 4);
  }
}

// mix_columns has the usual numbers of taps unrolled: four serve a camera's 640
// pixels on a network's 224.
static void mix_columns(pf_scaler *s, int swap, errand *e) {
  const int *first = s->columns.first, taps = s->columns.taps, width = s->dst_width;
  const uint16_t rounding = 128 + s->give_back;
  // So many lines for each pair of pixels that the errand ends with the row.
  const int wanted = e->rows * (e->bytes / CACHE_LINE + 1), pairs = (width + 1) / 2;
  const int lines = (wanted + pairs - 1) / pairs;
  switch (taps) {
  case 2: mix(s->line, s->blend, first, s->pairs, 2, width, swap, rounding, e, lines); break;
  case 3: mix(s->line, s->blend, first, s->pairs, 3, width, swap, rounding, e, lines); break;
  case 4: mix(s->line, s->blend, first, s->pairs, 4, width, swap, rounding, e, lines); break;
  case 5: mix(s->line, s->blend, first, s->pairs, 5, width, swap, rounding, e, lines); break;
  case 6: mix(s->line, s->blend, first, s->pairs, 6, width, swap, rounding, e, lines); break;
  default: mix(s->line, s->blend, first, s->pairs, taps, width, swap, rounding, e, lines);
  }
}

PF_CLONES static void write_offset(uint8_t *restrict out, const uint8_t *restrict line, int n, uint8_t offset) {
  for (int i = 0; i < n; i++) out[i] = line[i] + offset;
}

static void write_bytes(uint8_t *out, const uint8_t *line, int n, int channels, const uint8_t table[3][256]) {
  for (int i = 0; i < n; i += channels)
    for (int c = 0; c < channels; c++) out[i + c] = table[c][line[i + c]];
}

static void write_floats(float *out, const uint8_t *line, int n, int channels, const float table[3][256]) {
  for (int i = 0; i < n; i += channels)
    for (int c = 0; c < channels; c++) out[i + c] = table[c][line[i + c]];
}

// to_gray turns a row into luma in place, with the integer weights of ITU-R
// BT.601 that OpenCV uses.
static void to_gray(uint8_t *line, int width, int swap) {
  const uint32_t first = swap ? 4899 : 1868, last = swap ? 1868 : 4899;
  for (int x = 0; x < width; x++)
    line[x] = (first * line[3 * x] + 9617 * line[3 * x + 1] + last * line[3 * x + 2] + 8192) >> 14;
}

void pf_scale(pf_scaler *s, const uint8_t *src, size_t stride, const pf_output *o, void *dst) {
  const int n = s->dst_width * o->channels;
  int asked = 0; // rows of the source
  for (int y = 0; y < s->dst_height; y++) {
    blend_rows(s->blend, s->src_width * 3, src + s->rows.first[y] * stride, stride,
               s->rows.weights + (size_t)y * s->rows.taps, s->rows.taps);
    const int soon = y + 3 < s->dst_height ? y + 3 : s->dst_height - 1;
    const int upto = s->rows.first[soon] + s->rows.taps;
    errand e = {src + asked * stride, stride, s->src_width * 3, 0, upto - asked};
    asked = upto;
    mix_columns(s, o->swap, &e);
    if (o->channels == 1) to_gray(s->line, s->dst_width, o->swap);
    const size_t at = (size_t)y * n;
    switch (o->write) {
    case PF_OFFSET: write_offset((uint8_t *)dst + at, s->line, n, o->offset); break;
    case PF_BYTES: write_bytes((uint8_t *)dst + at, s->line, n, o->channels, o->bytes); break;
    case PF_FLOATS: write_floats((float *)dst + at, s->line, n, o->channels, o->floats); break;
    }
  }
}
