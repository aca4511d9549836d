#include "dense.h"

#include <stddef.h>
#include <string.h>

// The product is made of blocks that stay in a processor's caches: BLOCK_ROWS ×
// BLOCK_DEPTH of a in the second level, a panel of b in the first.
enum { BLOCK_ROWS = 112, BLOCK_DEPTH = 256, BLOCK_COLUMNS = 1152 };

// EDGE is what rounding up to whole tiles adds at most. The packed columns of b
// begin a whole number of pages behind the rows of a: up to 5 % faster than elsewhere.
enum { EDGE = 32, PAGE = 4096 / sizeof(float) };

static long least(long a, long b) { return a < b ? a : b; }

// packed_rows is how many floats the packed rows of a take, in whole pages.
static long packed_rows(long m, long k) {
  return ((least(m, BLOCK_ROWS) + EDGE) * least(k, BLOCK_DEPTH) + PAGE - 1) / PAGE * PAGE;
}

long pf_dense_pack(long m, long n, long k) {
  return packed_rows(m, k) + (least(n, BLOCK_COLUMNS) + EDGE) * least(k, BLOCK_DEPTH);
}

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

enum { PLAIN = PF_DENSE_BEST + 1, AVX2, AVX512, ISAS };

static int has(int isa) {
#if HAS_X86_VARIANTS
  if (isa == AVX512) return __builtin_cpu_supports("avx512f");
  if (isa == AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return isa == PLAIN;
}

int pf_dense_isas(void) { return ISAS; }

const char *pf_dense_isa_name(int isa) {
  if (isa == PF_DENSE_BEST)
    for (isa = ISAS - 1; !has(isa);) isa--;
  if (!has(isa)) return NULL;
#if defined(__aarch64__)
  return "neon";
#endif
  return isa == AVX512 ? "avx512f" : isa == AVX2 ? "avx2" : "plain";
}

void pf_dense_gemm(int isa, long m, long n, long k, const float *a, long a_row, long a_column, const float *b,
                   long b_row, long b_column, float *c, long c_row, int add, float *pack) {
#if HAS_X86_VARIANTS
  const int best = isa == PF_DENSE_BEST;
  if (isa == AVX512 || (best && has(AVX512)))
    avx512_gemm(m, n, k, a, a_row, a_column, b, b_row, b_column, c, c_row, add, pack);
  else if (isa == AVX2 || (best && has(AVX2)))
    avx2_gemm(m, n, k, a, a_row, a_column, b, b_row, b_column, c, c_row, add, pack);
  else
#endif
    plain_gemm(m, n, k, a, a_row, a_column, b, b_row, b_column, c, c_row, add, pack);
}
