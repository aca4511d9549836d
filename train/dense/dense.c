#include "dense.h"

#include <stdlib.h>
#include <string.h>

// The product is made of blocks that stay in a processor's caches: BLOCK_ROWS ×
// BLOCK_DEPTH of a in the second level, a panel of b in the first.
enum { BLOCK_ROWS = 112, BLOCK_DEPTH = 256, BLOCK_COLUMNS = 1152, EDGE = 32 };

#define NAME(f) plain_##f
#define TARGET
#define LANES 4
#if defined(__aarch64__)
#define MR 8
#define NV 3
#else
#define MR 6
#define NV 2
#endif
#include "isa.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_X86_VARIANTS 1

#define NAME(f) avx2_##f
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define MR 6
#define NV 2
#include "isa.h"

#define NAME(f) avx512_##f
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define LANES 16
#define MR 14
#define NV 2
#include "isa.h"
#endif

const char *pf_dense_isa(void) {
#if HAS_X86_VARIANTS
  if (__builtin_cpu_supports("avx512f")) return "avx512f";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
#endif
#if defined(__aarch64__)
  return "neon";
#endif
  return "plain";
}

int pf_dense_gemm(long m, long n, long k, const float *a, long a_row, long a_column, const float *b, long b_row,
                  long b_column, float *c, long c_row, int add) {
  // No more than these matrices need, rounded up to whole tiles.
  const long depth = k < BLOCK_DEPTH ? k : BLOCK_DEPTH;
  const long columns = n < BLOCK_COLUMNS ? n : BLOCK_COLUMNS;
  float *pack = malloc((BLOCK_ROWS + columns + 2 * EDGE) * depth * sizeof *pack);
  if (!pack) return 0;
#if HAS_X86_VARIANTS
  if (__builtin_cpu_supports("avx512f"))
    avx512_gemm(m, n, k, a, a_row, a_column, b, b_row, b_column, c, c_row, add, pack);
  else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    avx2_gemm(m, n, k, a, a_row, a_column, b, b_row, b_column, c, c_row, add, pack);
  else
#endif
    plain_gemm(m, n, k, a, a_row, a_column, b, b_row, b_column, c, c_row, add, pack);
  free(pack);
  return 1;
}
