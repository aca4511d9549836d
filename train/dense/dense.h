// Matrix multiplication in float32, as fast as the processor's vectors allow. No
// function keeps state, so each may run in any number of threads.
#ifndef PASSFAIL_DENSE_H
#define PASSFAIL_DENSE_H

// The product is compiled for several instruction sets. isa says which to run:
// one below pf_dense_isas(), or PF_DENSE_BEST for the best one that this processor
// has. pf_dense_isa_name gives NULL for one that it lacks.
enum { PF_DENSE_BEST = 0 };
int pf_dense_isas(void);
const char *pf_dense_isa_name(int isa);

// pf_dense_gemm computes c = a · b, or c += a · b with add: a is [m][k], b is
// [k][n], c is [m][n] with its rows c_row apart. Element (i, j) of a lies at
// a[i*a_row + j*a_column], where one of the two strides is 1, and b likewise. pack
// is scratch memory of pf_dense_pack(m, n, k) floats, of the calling thread alone.
void pf_dense_gemm(int isa, long m, long n, long k, const float *a, long a_row, long a_column, const float *b,
                   long b_row, long b_column, float *c, long c_row, int add, float *pack);
long pf_dense_pack(long m, long n, long k);

#endif
