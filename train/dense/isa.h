// Matrix multiplication for one width of vector registers: dense.c includes this
// file once for each instruction set, with
//   NAME(f)   the function's name for this set
//   TARGET    the attribute that asks the compiler for it
//   LANES     floats in a register
//   MR, NV    a tile of gemm is MR rows by NV registers

typedef float NAME(vec) __attribute__((vector_size(LANES * 4)));
typedef float NAME(memory) __attribute__((vector_size(LANES * 4), aligned(4), may_alias)); // at any address
#define VEC NAME(vec)
#define MEMORY NAME(memory)

enum { NAME(nr) = LANES * NV };
#define NR NAME(nr)

// tile computes one tile of c from packed panels: a is [k][MR], b is [k][NR].
TARGET static void NAME(tile)(long k, const float *restrict a, const float *restrict b, float *restrict c, long ldc,
                              int add) {
  VEC sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) sum[i][j] = (VEC){0};
  for (; k > 0; k--, a += MR, b += NR) {
    VEC row[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) row[j] = *(const MEMORY *)(b + j * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) sum[i][j] += a[i] * row[j];
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) {
      MEMORY *out = (MEMORY *)(c + i * ldc + j * LANES);
      if (add) sum[i][j] += *out;
      *out = sum[i][j];
    }
}

// panel packs `count` of at most `width` lines of k values, `line` apart and
// each `step` from value to value, as [k][width]; what is missing is 0.
TARGET static void NAME(panel)(long k, int count, int width, const float *restrict x, long line, long step,
                               float *restrict out) {
  if (line == 1 && count == width) {
    for (long p = 0; p < k; p++, x += step, out += width) memcpy(out, x, width * sizeof *out);
    return;
  }
  if (count < width) memset(out, 0, k * width * sizeof *out);
  if (step == 1) {
    long p = 0;
    typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
    typedef int picks __attribute__((vector_size(16)));
    for (; p + 4 <= k; p += 4) {
      int i = 0;
      for (; i + 4 <= count; i += 4) { // turn 4 × 4 values at a time
        const float *from = x + i * line + p;
        const four a = *(const four *)from, b = *(const four *)(from + line);
        const four c = *(const four *)(from + 2 * line), d = *(const four *)(from + 3 * line);
        const four ab = __builtin_shuffle(a, b, (picks){0, 4, 1, 5}), AB = __builtin_shuffle(a, b, (picks){2, 6, 3, 7});
        const four cd = __builtin_shuffle(c, d, (picks){0, 4, 1, 5}), CD = __builtin_shuffle(c, d, (picks){2, 6, 3, 7});
        float *to = out + p * width + i;
        *(four *)to = __builtin_shuffle(ab, cd, (picks){0, 1, 4, 5});
        *(four *)(to + width) = __builtin_shuffle(ab, cd, (picks){2, 3, 6, 7});
        *(four *)(to + 2 * width) = __builtin_shuffle(AB, CD, (picks){0, 1, 4, 5});
        *(four *)(to + 3 * width) = __builtin_shuffle(AB, CD, (picks){2, 3, 6, 7});
      }
      for (; i < count; i++)
        for (int q = 0; q < 4; q++) out[(p + q) * width + i] = x[i * line + p + q];
    }
    for (; p < k; p++)
      for (int i = 0; i < count; i++) out[p * width + i] = x[i * line + p];
    return;
  }
  for (long p = 0; p < k; p++)
    for (int i = 0; i < count; i++) out[p * width + i] = x[i * line + p * step];
}

TARGET static void NAME(gemm)(long m, long n, long k, const float *a, long a_row, long a_column,
                              const float *b, long b_row, long b_column, float *c, long c_row, int add,
                              float *pack) {
  enum { ROWS = BLOCK_ROWS / MR * MR, COLUMNS = BLOCK_COLUMNS / NAME(nr) * NAME(nr) };
  float *pack_a = pack, *pack_b = pack + packed_rows(m, k);
  float edge[MR * NR];
  for (long pc = 0; pc < k; pc += BLOCK_DEPTH) {
    const long depth = pc + BLOCK_DEPTH < k ? BLOCK_DEPTH : k - pc;
    const int adds = add || pc > 0;
    for (long jc = 0; jc < n; jc += COLUMNS) {
      const long columns = jc + COLUMNS < n ? COLUMNS : n - jc;
      for (long j = 0; j < columns; j += NR)
        NAME(panel)(depth, j + NR < columns ? NR : columns - j, NR, b + pc * b_row + (jc + j) * b_column, b_column, b_row,
                    pack_b + j * depth);
      for (long ic = 0; ic < m; ic += ROWS) {
        const long rows = ic + ROWS < m ? ROWS : m - ic;
        for (long i = 0; i < rows; i += MR)
          NAME(panel)(depth, i + MR < rows ? MR : rows - i, MR, a + (ic + i) * a_row + pc * a_column, a_row, a_column,
                      pack_a + i * depth);
        for (long j = 0; j < columns; j += NR)
          for (long i = 0; i < rows; i += MR) {
            float *out = c + (ic + i) * c_row + jc + j;
            const long tall = i + MR < rows ? MR : rows - i, wide = j + NR < columns ? NR : columns - j;
            if (tall == MR && wide == NR) {
              NAME(tile)(depth, pack_a + i * depth, pack_b + j * depth, out, c_row, adds);
              continue;
            }
            NAME(tile)(depth, pack_a + i * depth, pack_b + j * depth, edge, NR, 0);
            for (long y = 0; y < tall; y++)
              for (long x = 0; x < wide; x++) out[y * c_row + x] = edge[y * NR + x] + (adds ? out[y * c_row + x] : 0);
          }
      }
    }
  }
}

#undef NR
#undef VEC
#undef MEMORY
#undef NAME
#undef TARGET
#undef LANES
#undef MR
#undef NV
