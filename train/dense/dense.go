// Package dense multiplies and factorizes matrices of float32, as fast as the
// processor can.
package dense

/*
#cgo CFLAGS: -O3 -Wall -Wno-psabi
#include "dense.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Matrix is a view of numbers: element (i, j) is Data[i*Row+j*Column]. One of the
// two strides is 1.
type Matrix struct {
	Data        []float32
	Rows, Cols  int
	Row, Column int
}

// New is a matrix that lies row by row.
func New(data []float32, rows, cols int) Matrix { return Matrix{data, rows, cols, cols, 1} }

// T is the transpose: the same memory, read the other way.
func (m Matrix) T() Matrix { return Matrix{m.Data, m.Cols, m.Rows, m.Column, m.Row} }

// rows is part of the matrix: n rows from the first on.
func (m Matrix) rows(first, n int) Matrix {
	return Matrix{m.Data[first*m.Row:], n, m.Cols, m.Row, m.Column}
}

// InstructionSet is what Multiply runs on this processor: avx512f, avx2, neon or
// plain.
func InstructionSet() string { return C.GoString(C.pf_dense_isa()) }

// share is how many rows a processor takes at a time.
const share = 112

// Multiply computes c = a · b row by row, or c += a · b with add, on all
// processors. The result depends on the instruction set, not on their number.
func Multiply(a, b Matrix, c []float32, add bool) { multiply(a, b, New(c, a.Rows, b.Cols), add) }

// multiply is Multiply into part of a matrix whose Column is 1.
func multiply(a, b, c Matrix, add bool) {
	if a.Cols != b.Rows || c.Rows != a.Rows || c.Cols != b.Cols {
		panic(fmt.Sprintf("dense: %d×%d times %d×%d into %d×%d", a.Rows, a.Cols, b.Rows, b.Cols, c.Rows, c.Cols))
	}
	if a.Rows == 0 || b.Cols == 0 {
		return
	}
	if a.Cols == 0 {
		if !add {
			for i := range c.Rows {
				clear(c.Data[i*c.Row : i*c.Row+c.Cols])
			}
		}
		return
	}
	for _, m := range []Matrix{a, b, c} {
		_ = m.Data[(m.Rows-1)*m.Row+(m.Cols-1)*m.Column] // C takes it as given
	}
	flag := C.int(0)
	if add {
		flag = 1
	}
	parts := (a.Rows + share - 1) / share
	next := make(chan int, parts)
	for i := range parts {
		next <- i * share
	}
	close(next)
	work := func() {
		for first := range next {
			n := min(share, a.Rows-first)
			p, q := a.rows(first, n), c.rows(first, n)
			ok := C.pf_dense_gemm(C.long(n), C.long(b.Cols), C.long(a.Cols), pointer(p.Data), C.long(p.Row), C.long(p.Column),
				pointer(b.Data), C.long(b.Row), C.long(b.Column), pointer(q.Data), C.long(c.Row), flag)
			if ok == 0 {
				panic("dense: no memory for a product's scratch")
			}
		}
	}
	if parts == 1 {
		work()
		return
	}
	var group sync.WaitGroup
	for range min(parts, runtime.GOMAXPROCS(0)) {
		group.Go(work)
	}
	group.Wait()
}

func pointer(s []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(s))) }
