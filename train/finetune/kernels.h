// The arithmetic of training besides matrix products, in float32. Maps are
// [n][h][w][c], rows without gaps. No function keeps state, so each may run in any
// number of threads.
#ifndef PASSFAIL_FINETUNE_KERNELS_H
#define PASSFAIL_FINETUNE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// The kernels that depend on the width of a vector register are compiled for
// several instruction sets. isa says which to run: 0 to pf_isas() - 1, or
// PF_BEST for the best one that this processor has. pf_isa_name gives NULL for
// one that it lacks.
enum { PF_BEST = -1 };
int pf_isas(void);
const char *pf_isa_name(int isa);

// A window that slides over a map.
typedef struct {
  int n, h, w, c;            // of the input
  int out_h, out_w;          // of the output
  int kernel_h, kernel_w, stride_h, stride_w;
  int top, left;             // rows and columns of zeros before the input
} pf_window;

// Depthwise convolution, weights [kernel_h][kernel_w][c]. The backward
// functions add to what dx and dw hold.
void pf_depthwise(int isa, const pf_window *s, const float *x, const float *w, float *y);
void pf_depthwise_dx(int isa, const pf_window *s, const float *w, const float *dy, float *dx);
void pf_depthwise_dw(int isa, const pf_window *s, const float *x, const float *dy, float *dw);

// pf_unfold lays what each output position sees into a row:
// [n][out_h][out_w][kernel_h][kernel_w][c]. pf_fold adds such rows to the
// positions that they came from.
void pf_unfold(const pf_window *s, const float *x, float *rows);
void pf_fold(const pf_window *s, const float *rows, float *dx);

// What becomes of a sum before it is a map: bias, activation and the rounding
// to 8 bit. step is 0 where nothing is to be rounded.
typedef struct {
  float low, high; // the activation's bounds, and those of what 8 bit can hold
  float step;
  float seen_low, seen_high; // the extremes of all sums so far, within the activation's own bounds
  float own_low, own_high;   // the activation's own bounds
} pf_bounds;

// pf_activate turns sums [rows][c] into a map, in place; bias may be NULL.
void pf_activate(float *y, const float *bias, long rows, long c, pf_bounds *b);

// pf_activate_back clears the derivatives where the map y lies at a bound, and
// adds the derivatives' column sums to dbias, which may be NULL.
void pf_activate_back(const float *y, float *dy, float *dbias, long rows, long c, float low, float high);

void pf_add(const float *a, const float *b, float *y, long n);
void pf_accumulate(const float *x, float *y, long n); // y += x
void pf_dequantize(const int8_t *q, float *x, long n, float scale, int zero);

// pf_pool gives the mean and the deviation √(variance + epsilon) of each channel
// over positions: stats[0..c) and stats[c..2c).
void pf_pool(const float *x, long positions, long c, float epsilon, float *stats);

// pf_pool_back adds the derivatives of pf_pool to dx.
void pf_pool_back(const float *x, const float *stats, const float *dstats, long positions, long c, float *dx);

// One step of Adam.
typedef struct {
  float rate, pull;         // of the step, and back towards start as a share of it
  float beta1, beta2;       // forgetting of the moments
  float correct1, correct2; // 1 / (1 - beta^steps)
  float epsilon;
  float average;            // share that the moving average keeps
} pf_adam;

// pf_adam_step updates the parameters w[n] by their derivatives g, which it
// clears. unit[i] is the size of parameter i: the rate counts in it.
void pf_adam_step(const pf_adam *o, long n, const float *unit, const float *start, float *g, float *w, float *m,
                  float *v, float *average);

// pf_round_weights writes w[n] as 8-bit steps of scale would give them back.
void pf_round_weights(const float *w, float *out, long n, float scale);

#endif
