// Matrix multiplication in float32, as fast as the processor's vectors allow.
#ifndef PASSFAIL_DENSE_H
#define PASSFAIL_DENSE_H

// pf_dense_gemm computes c = a · b, or c += a · b with add: a is [m][k], b is
// [k][n], c is [m][n] with its rows c_row apart. Element (i, j) of a lies at
// a[i*a_row + j*a_column], where one of the two strides is 1, and b likewise. It
// returns 0 when there is no memory to work in.
int pf_dense_gemm(long m, long n, long k, const float *a, long a_row, long a_column, const float *b, long b_row,
                   long b_column, float *c, long c_row, int add);

// pf_dense_isa says which of the compiled variants this processor runs.
const char *pf_dense_isa(void);

#endif
